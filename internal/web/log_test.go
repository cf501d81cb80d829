package web_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// P20, T30: nothing that a client sends or gets is in the log.
func TestLogHoldsNoContent(t *testing.T) {
	const c = "canary"
	f := newFixture(t, local, func(cfg *web.Config) {
		cfg.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.URL.Query().Has("panic") {
				panic(fmt.Sprintf("panic with %s", body))
			}
			if r.URL.Query().Has("index") {
				_ = body[len(body)]
			}
			_, _ = w.Write(body)
		})
	})
	for _, target := range []string{
		"/graphql?q=" + c, "/graphql?panic&" + c, "/graphql?index&" + c, "/c/" + c, "/" + c + ".js", "/v1/" + c, "/assets/" + c, "/healthz?" + c, "/" + c + "?" + c,
	} {
		for _, host := range []string{"localhost:8080", c} {
			for _, method := range []string{"POST", "GET", "CANARY"} {
				r := httptest.NewRequest(method, "http://localhost:8080"+target, strings.NewReader(c))
				r.Host, r.RemoteAddr = host, "198.51.100.77:7"
				for _, name := range []string{"Cookie", "User-Agent", "Authorization", "X-Request-Id", "Referer", "Origin", "X-Forwarded-For", "X-" + c, "If-None-Match"} {
					r.Header.Set(name, "guest="+c)
				}
				f.ServeHTTP(httptest.NewRecorder(), r)
				r.Header.Del("Origin")
				f.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	got := f.log.String()
	if strings.Contains(strings.ToLower(got), c) || strings.Contains(got, "198.51.100.77") {
		t.Error(got)
	}
	line := regexp.MustCompile(`level=INFO msg=request method=GET route=/graphql status=200 ms=[\d.]+ bytes=6 request_id=req_[0-9a-f]{32}\n`)
	if !line.MatchString(got) {
		t.Error("no line of the expected form in:\n", got)
	}
	for _, want := range []string{"method=OTHER", "route=/ ", "route=none status=421", "status=403", "panic=\"a value of the program's own\"", "index out of range"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}

// T17: a panic ends one request and nothing else.
func TestPanicIsAnAnswer(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) {
		c.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = io.WriteString(w, "half")
				w.(http.Flusher).Flush()
			}
			panic("boom")
		})
	})
	res := f.ask(t, "GET", "/graphql")
	if body := bodyOf(t, res); res.StatusCode != http.StatusInternalServerError || !strings.Contains(body, res.Header.Get("X-Request-Id")) || strings.Contains(body, "boom") {
		t.Error(res.StatusCode, body)
	}
	server := httptest.NewServer(f)
	defer server.Close()
	half, err := http.Post(server.URL+"/graphql", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Body.Close()
	if body, err := io.ReadAll(half.Body); err == nil {
		t.Errorf("half an answer looks whole: %q", body)
	}
	if res := f.ask(t, "GET", "/healthz"); res.StatusCode != http.StatusOK {
		t.Error(res.StatusCode)
	}
	if !strings.Contains(f.log.String(), "TestPanicIsAnAnswer") {
		t.Error("the log has no stack")
	}
}

func TestWebsocketsAndStreamsPass(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) {
		c.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "" {
				_, _ = io.WriteString(w, "one\n")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			u := websocket.Upgrader{}
			conn, err := u.Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.WriteMessage(websocket.TextMessage, []byte(viewer.From(r.Context()).OwnerID))
		})
	})
	server := httptest.NewServer(f)
	defer server.Close()
	conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/graphql", http.Header{"Cookie": {"guest=guest"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, msg, err := conn.ReadMessage(); err != nil || string(msg) != "own_1" || len(res.Cookies()) != 0 {
		t.Errorf("%q %v %v", msg, err, res.Cookies())
	}
	stream, err := http.Post(server.URL+"/graphql", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line != "one\n" {
		t.Errorf("%q %v", line, err)
	}
	stream.Body.Close()
	server.Close()
	// Nobody waits for the handler of a connection that was taken over.
	for limit := time.After(5 * time.Second); !strings.Contains(f.log.String(), "status=101"); {
		select {
		case <-time.After(time.Millisecond):
		case <-limit:
			t.Fatal(f.log.String())
		}
	}
}

func TestServerCutsWhoSendsTooSlowlyButNotStreams(t *testing.T) {
	f := newFixture(t, local, nil)
	s := web.Server("127.0.0.1:0", f, slogOf(f))
	if s.ReadHeaderTimeout != 5*time.Second || s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 32<<10 || s.WriteTimeout != 0 || s.ReadTimeout != 0 {
		t.Errorf("%v %v %v %v %v", s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes, s.WriteTimeout, s.ReadTimeout)
	}
	s.ErrorLog.Print("http: panic serving 198.51.100.77:7: canary\nstack canary")
	s.ErrorLog.Print("http: TLS handshake error from [2001:db8::77]:443: EOF")
	if got := f.log.String(); strings.Contains(got, "canary") || strings.Contains(got, "198.51") || strings.Contains(got, ":db8") || !strings.Contains(got, "TLS handshake error from a client") {
		t.Error(got)
	}
}

// deadlines is a ResponseWriter that notes the read deadlines it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestBodyHasADeadlineThatEndsWithIt(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	var during int
	f := newFixture(t, local, func(c *web.Config) {
		c.GraphQL = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			during = len(d.set)
			_, _ = io.ReadAll(r.Body)
		})
	})
	began := time.Now()
	f.ServeHTTP(d, httptest.NewRequest(http.MethodPost, local+"/graphql", strings.NewReader("{}")))
	if during != 1 || len(d.set) != 2 || !d.set[1].IsZero() {
		t.Fatalf("%d %v", during, d.set)
	}
	if in := d.set[0].Sub(began); in < 10*time.Second || in > 20*time.Second {
		t.Errorf("the deadline is in %v", in)
	}
}

func TestHeadersThatAreTooLongAreRefused(t *testing.T) {
	f := newFixture(t, local, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := web.Server("", f, slogOf(f))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	defer func() { _ = s.Close(); <-done }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q %v", line, err)
	}
}

func TestNetworkOfTheViewerComesFromTheTrustedProxy(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} })
	f.ask(t, "POST", "/graphql", "X-Forwarded-For", "6.6.6.6, 1.2.3.4")
	if f.seen.Network.String() != "1.2.3.4" {
		t.Error(f.seen.Network)
	}
	if s := fmt.Sprintf("%v %+v %#v", f.seen, f.seen, f.seen); strings.Contains(s, "1.2.3.4") {
		t.Error("the viewer prints its address")
	}
}

func slogOf(f *fixture) *slog.Logger { return slog.New(slog.NewTextHandler(f.log, nil)) }
