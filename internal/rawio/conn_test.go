//go:build unix

package rawio_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// pair is a connection that was accepted, and its other end.
func pair(t *testing.T) (here, there net.Conn) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := rawio.Listen(plain)
	defer l.Close()
	if there, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if here, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return here, there
}

// fill writes until the connection takes no more, and says how much it took.
func fill(t *testing.T, c net.Conn) (went int, err error) {
	t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	defer func() { _ = c.SetWriteDeadline(time.Time{}) }()
	for err == nil {
		var n int
		n, err = c.Write(make([]byte, 10_000))
		went += n
	}
	return went, err
}

// Whoever writes at the same time has its bytes in one piece each, also when the connection
// takes only some of them at once, and all of them arrive.
func TestWritesArriveWhole(t *testing.T) {
	here, there := pair(t)
	_ = here.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(1)
	_ = there.(*net.TCPConn).SetReadBuffer(16 << 10) // a small window has small packets: tries end between two
	var writers sync.WaitGroup
	sizes := []int{1, 100, 5_000, 16<<10 - 1, 16 << 10, 20_000}
	for n, size := range sizes {
		writers.Go(func() {
			line := append(bytes.Repeat([]byte{byte('a' + n)}, size), '\n')
			for range 6 {
				if sent, err := here.Write(line); sent != len(line) || err != nil {
					t.Error(size, sent, err)
				}
			}
			if sent, err := here.Write(nil); sent != 0 || err != nil {
				t.Error(sent, err)
			}
		})
	}
	got := make(chan []byte)
	time.AfterFunc(50*time.Millisecond, func() { // when nothing goes any more
		all, _ := io.ReadAll(there)
		got <- all
	})
	writers.Wait()
	_ = here.Close()
	seen := map[int]int{}
	for line := range bytes.Lines(<-got) {
		if strings.Trim(string(line[:len(line)-1]), string(line[:1])) != "" {
			t.Fatalf("mixed: %.20q", line)
		}
		seen[len(line)-1]++
	}
	for _, size := range sizes {
		if seen[size] != 6 {
			t.Error(size, seen[size])
		}
	}
}

// Deadlines and ends are told as the ordinary connection tells them, and say how much went.
func TestWritesFailAsOrdinaryOnes(t *testing.T) {
	here, there := pair(t)
	went, err := fill(t, here)
	var told *net.OpError
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &told) || told.Op != "write" {
		t.Error(err)
	}
	piece := make([]byte, 10_000)
	_ = here.SetWriteDeadline(time.Now())
	if n, err := here.Write(piece); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("after the deadline:", n, err)
	}
	_ = here.SetWriteDeadline(time.Time{})
	_ = here.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.Copy(io.Discard, there); got != int64(went) || err != nil {
		t.Errorf("%d of %d bytes arrived: %v", got, went, err)
	}
	if _, err := here.Write(piece); !errors.Is(err, syscall.EPIPE) {
		t.Error("after its own end:", err)
	}
	_ = here.Close()
	if n, err := here.Write(piece); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Error("closed:", n, err)
	}
}

// A listener's own failure is passed on.
func TestAcceptFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if c, err := rawio.Listen(l).Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
		t.Error(c, err)
	}
}
