package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/inference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noNext fails requests that should not have gone to the next transport.
type noNext struct{}

func (noNext) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("went to the next transport")
}

func transport(t testing.TB) *wire.Transport {
	t.Helper()
	tr := &wire.Transport{Dial: new(net.Dialer).DialContext, Next: noNext{}, MaxIdle: 4, IdleTimeout: time.Minute}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// engine answers connection after connection with what serve writes.
func engine(t testing.TB, serve func(n int, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(n, c)
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// asked reads a request to its end.
func asked(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	req, err := http.ReadRequest(r)
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

func post(ctx context.Context, t testing.TB, tr http.RoundTripper, url, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return (&http.Client{Transport: tr}).Do(req)
}

// pumped is all that Pump gives, and how often it said that this was all for now.
func pumped(t testing.TB, body io.Reader) (data string, rests int, err error) {
	t.Helper()
	var out bytes.Buffer
	err = body.(wire.Pumper).Pump(func(b []byte) error {
		if b == nil {
			rests++
		}
		out.Write(b)
		return nil
	})
	return out.String(), rests, err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

// However an answer is framed and cut into packets, Read and Pump give the same bytes.
func TestBodiesAreWholeHoweverTheyAreFramedAndCut(t *testing.T) {
	answers := map[string]string{
		"chunked":                 ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
		"chunked, with a trailer": ok + "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\nX-Time: 1\r\nX-More: 2\r\n\r\n",
		"chunked, odd sizes":      ok + "Transfer-Encoding: chunked\r\n\r\n00B \t\r\nhello world\r\n000\r\n\r\n",
		"counted":                 ok + "Content-Length: 11\r\n\r\nhello world",
		"to the end":              ok + "\r\nhello world",
		"after informal answers":  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 11\r\n\r\nhello world",
		"of HTTP/1.0":             "HTTP/1.0 200 OK\r\n\r\nhello world",
	}
	for name, answer := range answers {
		for _, cut := range []int{1, 7, len(answer)} {
			url := engine(t, func(_ int, c net.Conn) {
				asked(t, bufio.NewReader(c))
				for b := []byte(answer); len(b) > 0; b = b[min(cut, len(b)):] {
					if _, err := c.Write(b[:min(cut, len(b))]); err != nil {
						return
					}
				}
			})
			for _, how := range []string{"read", "pump"} {
				resp, err := post(t.Context(), t, transport(t), url, "x")
				if err != nil {
					t.Fatalf("%s, %d bytes at a time: %v", name, cut, err)
				}
				var got string
				if how == "pump" {
					got, _, err = pumped(t, resp.Body)
				} else {
					var b []byte
					b, err = io.ReadAll(resp.Body)
					got = string(b)
				}
				if got != "hello world" || err != nil {
					t.Errorf("%s, %d bytes at a time, by %s: got %q, %v", name, cut, how, got, err)
				}
				_ = resp.Body.Close()
			}
		}
	}
}

// What net/http writes is read as net/http reads it, in any portions.
func TestWhatAServerOfNetHTTPStreamsArrives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringN(1, 40, 6000), 1, 12).Draw(rt, "pieces")
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for i, p := range pieces {
				_, _ = io.WriteString(w, p)
				if i%3 != 2 {
					w.(http.Flusher).Flush()
				}
			}
		}))
		defer s.Close()
		tr := transport(t)
		defer tr.CloseIdleConnections()
		for range 2 { // on one connection
			resp, err := post(t.Context(), t, tr, s.URL, "x")
			if err != nil {
				rt.Fatal(err)
			}
			first := make([]byte, rapid.IntRange(0, 5).Draw(rt, "read before"))
			n, err := io.ReadFull(resp.Body, first)
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				rt.Fatal(err)
			}
			rest, _, err := pumped(t, resp.Body)
			if got, want := string(first[:n])+rest, strings.Join(pieces, ""); got != want || err != nil {
				rt.Fatalf("got %d bytes, %v, want %d", len(got), err, len(want))
			}
			_ = resp.Body.Close()
		}
	})
}

// Each piece is handed on before the next one comes.
func TestWhatArrivesIsHandedOnAtOnce(t *testing.T) {
	next := make(chan struct{})
	url := engine(t, func(_ int, c net.Conn) {
		asked(t, bufio.NewReader(c))
		_, _ = io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n")
		for _, p := range []string{"one", "two", "three"} {
			<-next
			_, _ = fmt.Fprintf(c, "1\r\n%s\r\n%x\r\n%s\r\n", p[:1], len(p)-1, p[1:])
		}
		<-next
		_, _ = io.WriteString(c, "0\r\n\r\n")
	})
	resp, err := post(t.Context(), t, transport(t), url, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	next <- struct{}{}
	var all, now []string
	err = resp.Body.(wire.Pumper).Pump(func(b []byte) error {
		if b != nil {
			now = append(now, string(b))
			return nil
		}
		if piece := strings.Join(now, ""); piece != "" {
			all, now = append(all, piece), nil
			next <- struct{}{}
		}
		return nil
	})
	if fmt.Sprint(all) != "[one two three]" || err != nil {
		t.Errorf("got %q, %v", all, err)
	}
}

func TestAnAnswerThatIsCutIsAnError(t *testing.T) {
	answers := map[string]string{
		"before anything":  "",
		"in the head":      "HTTP/1.1 200 OK\r\nContent-Type: text",
		"in a chunk":       ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"between chunks":   ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"in a counted one": ok + "Content-Length: 11\r\n\r\nhello",
	}
	for name, answer := range answers {
		url := engine(t, func(_ int, c net.Conn) {
			asked(t, bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
		})
		resp, err := post(t.Context(), t, transport(t), url, "x")
		if err == nil {
			var got string
			got, _, err = pumped(t, resp.Body)
			if !strings.HasPrefix("hello", got) {
				t.Errorf("%s: got %q", name, got)
			}
			_ = resp.Body.Close()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut %s: %v", name, err)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":                "SSH-2.0-OpenSSH_9.2\r\n",
		"a size that is none":    ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"no size":                ok + "Transfer-Encoding: chunked\r\n\r\n\r\n",
		"a size below zero":      ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
		"a size beyond all":      ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n",
		"a chunk that is longer": ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
		"an endless size line":   ok + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n",
		"an endless trailer":     ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("x: y\r\n", 20_000),
		"another protocol":       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"endless informality":    strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 30) + ok + "\r\n",
		"an endless head":        "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 1100) + "\r\n",
	} {
		url := engine(t, func(_ int, c net.Conn) {
			r := bufio.NewReader(c)
			asked(t, r)
			_, _ = io.WriteString(c, answer)
			_, _ = io.Copy(io.Discard, r)
		})
		resp, err := post(t.Context(), t, transport(t), url, "x")
		if err == nil {
			_, _, err = pumped(t, resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A connection whose answer was read is used again, also one whose reader stopped early
// and then read the rest.
func TestAConnectionIsUsedAgain(t *testing.T) {
	var conns atomic.Int32
	url := engine(t, func(n int, c net.Conn) {
		conns.Store(int32(n))
		for r := bufio.NewReader(c); asked(t, r) != ""; {
			_, _ = io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
		}
	})
	tr, enough := transport(t), errors.New("enough")
	for range 5 {
		resp, err := post(t.Context(), t, tr, url, "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.(wire.Pumper).Pump(func([]byte) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("got %v", err)
		}
		if rest, err := io.ReadAll(resp.Body); string(rest) != " world" || err != nil {
			t.Errorf("left was %q, %v", rest, err)
		}
		_ = resp.Body.Close()
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// An engine closes what it keeps whenever it likes: the request goes once more, on a new
// connection, unless something was answered.
func TestAKeptConnectionThatWasClosedCostsNothing(t *testing.T) {
	closed := make(chan struct{})
	var requests atomic.Int32
	url := engine(t, func(n int, c net.Conn) {
		r := bufio.NewReader(c)
		for i := 0; asked(t, r) != ""; i++ {
			requests.Add(1)
			if n == 1 && i == 1 {
				// Closed just when the next request was under way: it is lost unread.
				_ = c.(*net.TCPConn).SetLinger(0)
				return
			}
			_, _ = io.WriteString(c, ok+"Content-Length: 5\r\n\r\nhello")
			if n == 2 {
				_ = c.Close()
				close(closed)
				return
			}
		}
	})
	tr := transport(t)
	for i := range 3 { // the second needs a new connection, and the third finds that closed
		if i == 2 {
			<-closed
		}
		resp, err := post(t.Context(), t, tr, url, "x")
		if err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
		if b, err := io.ReadAll(resp.Body); string(b) != "hello" || err != nil {
			t.Errorf("request %d: got %q, %v", i+1, b, err)
		}
		_ = resp.Body.Close()
	}
	if n := requests.Load(); n != 4 {
		t.Errorf("the engine was asked %d times", n)
	}
}

// Whoever ends the request ends it at the engine, wherever it stands.
func TestEndingTheRequestEndsTheConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"before the head": "",
		"in the head":     "HTTP/1.1 200 OK\r\n",
		"in the body":     ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		said, gone := make(chan struct{}), make(chan struct{})
		url := engine(t, func(_ int, c net.Conn) {
			defer close(gone)
			r := bufio.NewReader(c)
			asked(t, r)
			_, _ = io.WriteString(c, answer)
			close(said)
			_, _ = io.Copy(io.Discard, r)
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-said; cancel() }()
		resp, err := post(ctx, t, transport(t), url, "x")
		if err == nil {
			_, _, err = pumped(t, resp.Body)
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		<-gone
	}
}

// Long bodies, and encrypted connections, are the next transport's.
func TestOthersAreForTheNextTransport(t *testing.T) {
	tr := transport(t)
	for url, body := range map[string]string{"http://127.0.0.1:1": strings.Repeat("x", 65<<10), "https://127.0.0.1:1": "x"} {
		if _, err := post(t.Context(), t, tr, url, body); err == nil || !strings.Contains(err.Error(), "went to the next transport") {
			t.Errorf("%s with %d bytes: %v", url, len(body), err)
		}
	}
}

// An engine that answers before it has read the request is heard.
func TestAnEarlyRefusalIsHeard(t *testing.T) {
	url := engine(t, func(_ int, c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	})
	resp, err := post(t.Context(), t, transport(t), url, strings.Repeat("x", 60<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestEntityTooLarge || string(b) != "big" || err != nil {
		t.Errorf("got %d, %q, %v", resp.StatusCode, b, err)
	}
}

func TestAnAddressWhereNothingListensSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := post(t.Context(), t, transport(t), "http://"+l.Addr().String(), "x"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}
