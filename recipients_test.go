package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/register"
)

// tap is somebody else's service, and all that it is sent.
type tap struct {
	url    string
	heard  syncBuffer
	bodies chan []byte // of requests, as long as there is room
}

// tapped lets everything through to a service and listens.
func tapped(t *testing.T, service string) *tap {
	t.Helper()
	target, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	out := &tap{bodies: make(chan []byte, 100)}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.QueryUnescape(string(body))
		fmt.Fprintln(&out.heard, r.Method, r.URL, r.Header, form)
		select {
		case out.bodies <- body:
		default:
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.Close(); transport.CloseIdleConnections() })
	out.url = s.URL
	return out
}

// P18, P20: an engine gets the branch that it answers and nothing of who asks; a
// payment provider gets an address and a purchase and nothing of what was written. Both are
// what the register says of recipients.
func TestRecipientsGetWhatIsRegistered(t *testing.T) {
	stripe, creem, settings := tills(t)
	stripeTap, creemTap, engine := tapped(t, stripe.URL()), tapped(t, creem.URL()), inferencetest.New(t)
	engineTap := tapped(t, strings.TrimSuffix(engine.URL(), "/v1"))
	p := priced(t, 10, append(settings, "STRIPE_API_URL="+stripeTap.url, "CREEM_API_URL="+creemTap.url, "INFERENCE_URL="+engineTap.url+"/v1")...)
	b := p.signIn("canary-name")
	b.paidReply("one", "another conversation's canary")
	b.paidReply("two", "this conversation's question")
	purchases := map[string]*tap{}
	for provider, tap := range map[string]*tap{"STRIPE": stripeTap, "CREEM": creemTap} {
		id, _ := b.buy(provider)
		purchases[id] = tap
	}
	session := at(b.ask(`{ viewer { sessions { id } conversations { nodes { id } } } }`, nil), "data", "viewer")
	never := []string{b.id(), at(session, "sessions", 0, "id").(string), at(session, "conversations", "nodes", 0, "id").(string), "sid=", "Firefox"}

	heard := engineTap.heard.String()
	for _, word := range append(slices.Clone(never), "canary-name", "example.org") {
		if strings.Contains(heard, word) {
			t.Errorf("the engine is told %q", word)
		}
	}
	recipient, _ := theRegister(t).Recipient(register.RecipientInference)
	close(engineTap.bodies)
	answered := 0
	for body := range engineTap.bodies {
		var request map[string]any
		if len(body) == 0 || json.Unmarshal(body, &request) != nil {
			continue
		}
		if strings.Contains(string(body), "this conversation's question") && strings.Contains(string(body), "another conversation's canary") {
			t.Errorf("the engine is told of another conversation: %s", body)
		}
		answered++
		for field := range request {
			if name := registeredAs[field]; !slices.ContainsFunc(recipient.Fields, func(f register.Field) bool { return f.Name == name }) {
				t.Errorf("the engine gets %q, of which the register says nothing", field)
			}
		}
	}
	if answered < 2 {
		t.Errorf("the engine was asked %d times", answered)
	}
	for id, tap := range purchases {
		heard := tap.heard.String()
		if !strings.Contains(heard, id) || !strings.Contains(heard, "canary-name@example.org") {
			t.Errorf("the provider was not told of %s", id)
		}
		for _, word := range append(slices.Clone(never), "conversation's") {
			if strings.Contains(heard, word) {
				t.Errorf("a payment provider is told %q", word)
			}
		}
	}
}

// registeredAs is what the register calls the fields of a request to an engine.
var registeredAs = map[string]string{
	"messages": "messages", "model": "model", "tools": "tools", "tool_choice": "tools", "parallel_tool_calls": "tools",
	"stream": "sampling", "stream_options": "sampling", "max_tokens": "sampling", "max_completion_tokens": "sampling", "temperature": "sampling", "top_p": "sampling",
	"stop": "sampling", "seed": "sampling", "presence_penalty": "sampling", "frequency_penalty": "sampling", "response_format": "sampling",
}
