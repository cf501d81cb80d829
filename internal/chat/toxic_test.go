package chat_test

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
)

// wire is a bad network between the product and an engine.
type wire struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
	url   string // of the engine, through it
}

// newWire lays a wire to the engine at a URL; it works well until it is told otherwise.
func newWire(t *testing.T, engine string) *wire {
	t.Helper()
	u, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &wire{t: t, proxy: toxiproxy.NewProxy(server, "engine", "127.0.0.1:0", u.Host)}
	if err := w.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + w.proxy.Listen + u.Path
	// Its toxics are not taken away before: with data under way and nobody left to take them,
	// toxiproxy waits for ever there.
	t.Cleanup(w.proxy.Stop)
	return w
}

// toxic makes the network bad in a way of toxiproxy's, on the way from the engine.
func (w *wire) toxic(kind string, attributes map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(map[string]any{"name": kind, "type": kind, "stream": "downstream", "attributes": attributes})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.proxy.Toxics.AddToxicJson(bytes.NewReader(b)); err != nil {
		w.t.Fatal(err)
	}
}

// cut breaks all connections off, and refuses new ones.
func (w *wire) cut() { w.proxy.Stop() }

// liar stands before an engine and changes the requests it gets and the lines it says.
func liar(t *testing.T, engine string, ask func(map[string]any), say func(line string) string) string {
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
