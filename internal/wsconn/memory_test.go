//go:build !race

package wsconn_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
)

// A socket costs at most 40 KiB idle and 50 KiB with a subscription, the test's
// own end of it included.
func TestMemoryPerSocket(t *testing.T) {
	const sockets = 400
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Gate = gate.New(gate.Limits{PerIP: -1})
	})
	before := inUse()
	conns := make([]net.Conn, sockets)
	for i := range conns {
		conns[i] = bareSocket(t, s.URL)
		defer conns[i].Close()
	}
	if each := (inUse() - before) / sockets; each > 40<<10 {
		t.Errorf("%d bytes per idle socket", each)
	}
	for _, c := range conns {
		writeText(t, c, `{"id":"1","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
	}
	eventually(t, "all subscriptions run", func() bool { return s.Sockets.Stats().Subscriptions == sockets })
	each := (inUse() - before) / sockets
	if each > 50<<10 {
		t.Errorf("%d bytes per subscription", each)
	}
	t.Logf("%d bytes per live socket", each)
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC() // the second shrinks what the first has freed
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// bareSocket is an initialised websocket without a client library.
func bareSocket(t *testing.T, url string) net.Conn {
	t.Helper()
	host := strings.TrimPrefix(url, "http://")
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", host, url)
	var answer [1024]byte
	n, err := c.Read(answer[:])
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 101") {
		t.Fatalf("%q, %v", answer[:n], err)
	}
	writeText(t, c, `{"type":"connection_init"}`)
	const ack = `{"type":"connection_ack"}`
	if _, err := io.ReadFull(c, answer[:2+len(ack)]); err != nil || !strings.Contains(string(answer[:2+len(ack)]), ack) {
		t.Fatalf("%q, %v", answer, err)
	}
	return c
}

// writeText sends a short text frame with a mask of zeros.
func writeText(t *testing.T, c net.Conn, s string) {
	t.Helper()
	frame := append([]byte{0x81, 0x80 | byte(len(s)), 0, 0, 0, 0}, s...)
	if _, err := c.Write(frame); err != nil || len(s) > 125 {
		t.Fatalf("send %q: %v", s, err)
	}
}
