// Package badline is a bad network between the product and an engine for the time of a test:
// a line that toxiproxy makes slow or breaks, and an engine's mouth that lies.
package badline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// Line is a way to an engine.
type Line struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
	URL   string // of the engine, through it
}

// Leaks are what a stopped toxiproxy leaves: pipes that nobody reads any more.
func Leaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
	}
}

// New lays a line to the engine at a URL; it works well until it is told otherwise.
func New(t *testing.T, engine string) *Line {
	t.Helper()
	u, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &Line{t: t, proxy: toxiproxy.NewProxy(server, "engine", "127.0.0.1:0", u.Host)}
	if err := l.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	l.URL = "http://" + l.proxy.Listen + u.Path
	// Its toxics are not taken away before: with data under way and nobody left to take them,
	// toxiproxy waits for ever there.
	t.Cleanup(l.proxy.Stop)
	return l
}

// Toxic makes the line bad in a way of toxiproxy's, on the way from the engine.
func (l *Line) Toxic(kind string, attributes map[string]any) {
	l.t.Helper()
	b, err := json.Marshal(map[string]any{"name": kind, "type": kind, "stream": "downstream", "attributes": attributes})
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(b)); err != nil {
		l.t.Fatal(err)
	}
}

// Cut breaks all connections off, and refuses new ones.
func (l *Line) Cut() { l.proxy.Stop() }

// Liar stands before an engine and changes the requests it gets and the lines it says.
func Liar(t *testing.T, engine string, ask func(map[string]any), say func(line string) string) string {
	t.Helper()
	u, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
			if ask != nil && r.Out.Method == http.MethodPost {
				changeBody(r.Out, ask)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if say != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
				r.Body = changeLines(r.Body, say)
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + u.Path
}

func changeBody(r *http.Request, ask func(map[string]any)) {
	body := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(fmt.Sprintf("a request that is no JSON: %v", err))
	}
	ask(body)
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
}

func changeLines(body io.ReadCloser, say func(string) string) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		defer func() { _ = body.Close() }()
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			if _, err := io.WriteString(in, say(lines.Text())+"\n"); err != nil {
				return
			}
		}
		_ = in.CloseWithError(lines.Err())
	}()
	return out
}
