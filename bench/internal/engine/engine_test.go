package engine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/bench/internal/engine"
	"github.com/kimi-k2/kimi-k2/bench/internal/floor"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves the engine until the test ends and returns its base URL.
func start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		_ = l.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func post(t *testing.T, base string, body string) []byte {
	t.Helper()
	resp, err := http.Post(base+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheOrderedTokensCome(t *testing.T) {
	base := start(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	h := floor.NewRelay(u)
	defer h.Close()
	relay := httptest.NewServer(h)
	defer relay.Close()
	order := wire.Order{Tokens: 300, Rate: 3000, First: time.Millisecond}
	for _, via := range []string{base, relay.URL} {
		body := post(t, via, `{"stream":true,"messages":[{"role":"user","content":"`+order.String()+`"}]}`)
		checkEvents(t, body)
		n := 0
		for rest, ok := []byte(engine.Text(body)), true; ok; n++ {
			_, _, rest, ok = wire.Find(rest)
		}
		if n-1 != order.Tokens {
			t.Errorf("%d tokens came", n-1)
		}
	}
}

// checkEvents holds an answer against the shape that clients rely on.
func checkEvents(t *testing.T, body []byte) {
	t.Helper()
	var last string
	for line := range bytes.Lines(body) {
		data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data: "))
		if !ok {
			continue
		}
		last = string(data)
		if last != "[DONE]" && !json.Valid(data) {
			t.Fatalf("not JSON: %s", data)
		}
	}
	if last != "[DONE]" || !bytes.Contains(body, []byte(`"completion_tokens":300`)) || !bytes.Contains(body, []byte(`"finish_reason":"stop"`)) {
		t.Errorf("the stream ends with %q", last)
	}
}

func TestOtherRequests(t *testing.T) {
	base := start(t)
	resp, err := http.Get(base + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); !bytes.Contains(b, []byte(`"id":"bench"`)) || !json.Valid(b) {
		t.Errorf("models: %s", b)
	}
	if b := post(t, base, `{"messages":[]}`); !json.Valid(b) || !bytes.Contains(b, []byte("A title")) {
		t.Errorf("without stream: %s", b)
	}
	if b := post(t, base, `nonsense`); !bytes.Contains(b, []byte("not JSON")) {
		t.Errorf("nonsense: %s", b)
	}
}
