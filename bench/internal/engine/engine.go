// Package engine is a mock of an OpenAI-compatible inference engine. The text of
// each token it streams is a marker of package wire, so whatever stands between it
// and a client can be timed token by token. How many tokens come, how fast and how
// soon the prompt says (wire.Order).
//
// It speaks HTTP/1.1 by hand on raw connections, one write per token, so that it
// costs little beside the server under test.
package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

// Model is the only model that the engine serves.
const Model = "bench"

// fallback is the answer to a prompt that orders nothing.
var fallback = wire.Order{Tokens: 32, Rate: 30, First: 50 * time.Millisecond}

// maxBody bounds a request; longer ones are cut and answered all the same.
const maxBody = 4 << 20

// Serve answers on l until it is closed; then it breaks what is under way, waits for
// that and returns nil.
func Serve(l net.Listener) error {
	var live conns
	defer live.end()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		live.serve(conn)
	}
}

// conns are the open connections of a server.
type conns struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *conns) serve(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]bool{}
	}
	c.open[conn] = true
	c.wg.Go(func() {
		serve(conn)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, conn)
	})
}

func (c *conns) end() {
	c.mu.Lock()
	for conn := range c.open {
		_ = conn.Close() // its goroutine notices
	}
	c.mu.Unlock()
	c.wg.Wait()
}

// serve answers the requests of one connection until it breaks.
func serve(conn net.Conn) {
	defer conn.Close()
	br := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		start := time.Now()
		body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
		if err != nil {
			return
		}
		switch path := req.URL.Path; {
		case req.Method == http.MethodPost && strings.HasSuffix(path, "/chat/completions"):
			err = chat(conn, start, body)
		case path == "/healthz":
			err = reply(conn, http.StatusOK, `{}`)
		case req.Method == http.MethodGet && strings.HasSuffix(path, "/models"):
			err = reply(conn, http.StatusOK, `{"object":"list","data":[{"id":"`+Model+`","object":"model","created":1700000000,"owned_by":"bench"}]}`)
		default:
			err = reply(conn, http.StatusNotFound, `{"error":{"message":"not here"}}`)
		}
		if err != nil || req.Close {
			return
		}
	}
}

func reply(w io.Writer, code int, body string) error {
	_, err := fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		code, http.StatusText(code), len(body), body)
	return err
}

func chat(w io.Writer, start time.Time, body []byte) error {
	var r struct {
		Stream bool `json:"stream"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return reply(w, http.StatusBadRequest, `{"error":{"message":"not JSON","type":"invalid_request_error"}}`)
	}
	if !r.Stream {
		return reply(w, http.StatusOK, `{"id":"chatcmpl-bench","object":"chat.completion","model":"`+Model+
			`","choices":[{"index":0,"message":{"role":"assistant","content":"A title"},"finish_reason":"stop"}],"usage":`+usage(len(body), 2)+`}`)
	}
	return stream(w, start, wire.ParseOrder(body, fallback), len(body))
}

func usage(bytes, out int) string {
	in := max(1, bytes/4)
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, in, out, in+out)
}

const (
	streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
	chunkHead  = `{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"` + Model + `","choices":[`
	deltaHead  = chunkHead + `{"index":0,"delta":{"content":"`
	deltaTail  = `"},"logprobs":null,"finish_reason":null}]}`
	roleChunk  = chunkHead + `{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`
	stopChunk  = chunkHead + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}`
)

// event appends one server-sent event as one HTTP chunk.
func event(b []byte, parts ...string) []byte {
	n := len("data: ") + len("\n\n")
	for _, p := range parts {
		n += len(p)
	}
	b = fmt.Appendf(b, "%x\r\ndata: ", n)
	for _, p := range parts {
		b = append(b, p...)
	}
	return append(b, "\n\n\r\n"...)
}

func stream(w io.Writer, start time.Time, o wire.Order, size int) error {
	pacer := wire.NewPacer(start, o)
	if o.Rate >= wire.AtOnce {
		return atOnce(w, pacer, o, size)
	}
	if _, err := w.Write(event([]byte(streamHead), roleChunk)); err != nil {
		return err
	}
	var mark, buf []byte
	for range o.Tokens {
		due, now := pacer.Wait()
		mark = wire.Append(mark[:0], due, now)
		buf = delta(buf[:0], mark)
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	_, err := w.Write(end(buf[:0], size, o.Tokens))
	return err
}

// end appends what follows the last token.
func end(b []byte, size, tokens int) []byte {
	b = event(b, stopChunk)
	b = event(b, chunkHead, `],"usage":`, usage(size, tokens), `}`)
	b = event(b, "[DONE]")
	return append(b, "0\r\n\r\n"...)
}

// atOnce writes a whole stream in one go.
func atOnce(w io.Writer, pacer *wire.Pacer, o wire.Order, size int) error {
	buf := event([]byte(streamHead), roleChunk)
	var mark []byte
	for range o.Tokens {
		due, now := pacer.Wait()
		mark = wire.Append(mark[:0], due, now)
		buf = delta(buf, mark)
	}
	_, err := w.Write(end(buf, size, o.Tokens))
	return err
}

// delta appends the chunk of one token: event for the one case that is hot.
func delta(b, mark []byte) []byte {
	const around = len("data: ") + len(deltaHead) + len(deltaTail) + len("\n\n")
	b = appendHex(b, around+len(mark))
	b = append(b, "\r\ndata: "+deltaHead...)
	b = append(b, mark...)
	return append(b, deltaTail+"\n\n\r\n"...)
}

func appendHex(b []byte, n int) []byte {
	const digits = "0123456789abcdef"
	at := len(b)
	for ; n > 0; n >>= 4 {
		b = append(b, digits[n&15])
	}
	for i, j := at, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// Text is what Serve streams for the markers, for tests: the contents of all
// deltas in an event stream's body, joined.
func Text(body []byte) string {
	var out strings.Builder
	for line := range bytes.Lines(body) {
		if _, rest, ok := bytes.Cut(line, []byte(`"delta":{"content":"`)); ok {
			text, _, _ := bytes.Cut(rest, []byte(`"`))
			out.Write(text)
		}
	}
	return out.String()
}
