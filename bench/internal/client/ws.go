package client

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

const maxFrame = 8 << 20

// WS is one websocket under graphql-transport-ws: text in, masked text out, pings
// answered. Reads and writes are not safe for concurrent use.
type WS struct {
	conn net.Conn
	br   *bufio.Reader
	buf  []byte
}

// DialWS opens a websocket to addr (host:port) from the i-th source with further
// header lines, and makes the protocol's handshake.
func DialWS(addr, path string, i int, headers ...string) (*WS, error) {
	conn, err := dial(addr, i)
	if err != nil {
		return nil, err
	}
	w := &WS{conn: conn, br: bufio.NewReaderSize(conn, 2<<10)}
	if err := w.handshake(addr, path, headers); err != nil {
		_ = conn.Close() // the handshake's error says more
		return nil, fmt.Errorf("open websocket: %w", err)
	}
	return w, nil
}

func (w *WS) handshake(addr, path string, headers []string) error {
	if err := w.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n", path, addr)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	if _, err := w.conn.Write(b.Bytes()); err != nil {
		return err
	}
	if a, err := readHead(w.br); err != nil || a.Status != 101 {
		return fmt.Errorf("status %d: %w", a.Status, err)
	}
	if err := w.Write([]byte(`{"type":"connection_init"}`)); err != nil {
		return err
	}
	m, err := w.Read()
	if err != nil {
		return err
	}
	if !bytes.Contains(m, []byte(`"connection_ack"`)) {
		return fmt.Errorf("no connection_ack but %.200s", m)
	}
	return w.SetDeadline(time.Time{})
}

// Close ends the connection without a goodbye, as a closed tab does.
func (w *WS) Close() { _ = w.conn.Close() } // nothing more is expected of it

// SetDeadline bounds all reads and writes from now on; the zero time: no bound.
func (w *WS) SetDeadline(t time.Time) error { return w.conn.SetDeadline(t) }

// Write sends one text message.
func (w *WS) Write(p []byte) error { return w.frame(1, p) }

// frame sends one masked frame; the mask is zero, which masks nothing.
func (w *WS) frame(op byte, p []byte) error {
	b := make([]byte, 0, len(p)+14)
	b = append(b, 0x80|op)
	switch n := len(p); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	_, err := w.conn.Write(append(b, p...))
	return err
}

// Subscribe starts the only operation of the socket. Document and variables are
// put into the message as they are: they must be JSON.
func (w *WS) Subscribe(payload string) error {
	return w.Write([]byte(`{"id":"1","type":"subscribe","payload":` + payload + `}`))
}

// Read returns the next text message, valid until the next call. Both websocket
// pings and the protocol's own are answered meanwhile.
func (w *WS) Read() ([]byte, error) {
	for {
		m, err := w.message()
		if err != nil || !bytes.Contains(m[:min(len(m), 20)], []byte(`"type":"ping"`)) {
			return m, err
		}
		if err := w.Write([]byte(`{"type":"pong"}`)); err != nil {
			return nil, err
		}
	}
}

// message reads frames until a text message is whole.
func (w *WS) message() ([]byte, error) {
	w.buf = w.buf[:0]
	for {
		at := len(w.buf)
		op, last, err := w.readFrame()
		switch {
		case err != nil:
			return nil, err
		case op == 8:
			return nil, fmt.Errorf("closed by the server: %s", closeReason(w.buf[at:]))
		case op == 9:
			if err := w.frame(10, w.buf[at:]); err != nil {
				return nil, err
			}
			w.buf = w.buf[:at]
		case op == 10:
			w.buf = w.buf[:at]
		case last:
			return w.buf, nil
		}
	}
}

// readFrame appends the payload of one frame to buf.
func (w *WS) readFrame() (op byte, last bool, err error) {
	var h [8]byte
	if _, err := io.ReadFull(w.br, h[:2]); err != nil {
		return 0, false, err
	}
	op, last = h[0]&0x0f, h[0]&0x80 != 0
	n := uint64(h[1] & 0x7f)
	switch n {
	case 126:
		_, err = io.ReadFull(w.br, h[:2])
		n = uint64(binary.BigEndian.Uint16(h[:2]))
	case 127:
		_, err = io.ReadFull(w.br, h[:8])
		n = binary.BigEndian.Uint64(h[:8])
	}
	if err != nil {
		return 0, false, err
	}
	if n > maxFrame {
		return 0, false, fmt.Errorf("a frame of %d bytes", n)
	}
	at := len(w.buf)
	w.buf = append(w.buf, make([]byte, n)...)
	_, err = io.ReadFull(w.br, w.buf[at:])
	return op, last, err
}

func closeReason(p []byte) string {
	if len(p) < 2 {
		return "no reason"
	}
	return fmt.Sprintf("%d %s", binary.BigEndian.Uint16(p), p[2:])
}
