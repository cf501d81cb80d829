package chaos_test

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// lossyBus is a real message broker behind a relay that loses part of the live data on
// their way to the instances: messages on the subjects of replies, never requests.
type lossyBus struct {
	url  string
	lost atomic.Int64
	kept atomic.Int64
}

// startBus starts the broker and its relay on loopback; loss is between 0 and 1.
func startBus(t *testing.T, loss float64) *lossyBus {
	t.Helper()
	broker, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	if !broker.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker does not start")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &lossyBus{url: "nats://" + l.Addr().String()}
	var relays sync.WaitGroup
	relays.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			relays.Go(func() { b.relay(c, broker.Addr().String(), loss) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		broker.Shutdown()
		relays.Wait()
	})
	return b
}

func (b *lossyBus) relay(client net.Conn, broker string, loss float64) {
	defer func() { _ = client.Close() }()
	up, err := net.Dial("tcp", broker)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	go func() {
		_, _ = io.Copy(up, client)
		_ = up.Close()
	}()
	_ = b.thin(client, bufio.NewReader(up), loss)
}

// thin copies the broker's protocol: lines, and after MSG lines a payload.
func (b *lossyBus) thin(w io.Writer, r *bufio.Reader, loss float64) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		msg := []byte(line)
		f := strings.Fields(line)
		if len(f) < 4 || (f[0] != "MSG" && f[0] != "HMSG") {
			if _, err := w.Write(msg); err != nil {
				return err
			}
			continue
		}
		n, err := strconv.Atoi(f[len(f)-1])
		if err != nil {
			return errors.New("no size in " + line)
		}
		payload := make([]byte, n+2)
		if _, err := io.ReadFull(r, payload); err != nil {
			return err
		}
		if strings.HasPrefix(f[1], "reply.") {
			if rand.Float64() < loss {
				b.lost.Add(1)
				continue
			}
			b.kept.Add(1)
		}
		if _, err := w.Write(append(msg, payload...)); err != nil {
			return err
		}
	}
}
