package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
)

func TestPost(t *testing.T) {
	s := edgetest.Start(t)
	r := post(t, s, `{"query":"query A{hello} query B($n:Int!){number(n:$n)}","operationName":"B","variables":{"n":5}}`)
	r.want(t, http.StatusOK)
	if r.body != `{"data":{"number":5}}` {
		t.Error(r.body)
	}
	for k, v := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if r.header.Get(k) != v {
			t.Errorf("%s: %s", k, r.header.Get(k))
		}
	}
	post(t, s, `{"query":"mutation{add(n:2)}"}`).want(t, http.StatusOK, `{"data":{"add":2}}`)
	post(t, s, `{"query":"subscription{silence}"}`).want(t, http.StatusBadRequest, "text/event-stream", `"code":"INVALID"`)
	post(t, s, `{"query":"{fails(how:FAULT)}"}`).want(t, http.StatusOK, `"data":{"fails":null}`, `"code":"CONFLICT"`, `"field":["input","how"]`)
}

func TestMediaTypes(t *testing.T) {
	s := edgetest.Start(t)
	const graphql, plain = "application/graphql-response+json; charset=utf-8", "application/json; charset=utf-8"
	for accept, want := range map[string]string{
		"":                                   plain,
		"*/*":                                plain,
		"application/*":                      plain,
		"application/json":                   plain,
		"APPLICATION/JSON":                   plain,
		"application/json;charset=utf-8,*/*": plain,
		"application/graphql-response+json":  graphql,
		"application/json, application/graphql-response+json":             graphql,
		"application/graphql-response+json, application/json;q=0.9":       graphql,
		"application/graphql-response+json;q=0.5, application/json;q=0.9": plain,
		"text/html, application/json":                                     plain,
	} {
		h := jsonHeader.Clone()
		if accept != "" {
			h.Set("Accept", accept)
		}
		r := do(t, http.MethodPost, s.URL, `{"query":"{hello}"}`, h)
		if got := r.header.Get("Content-Type"); r.status != http.StatusOK || got != want {
			t.Errorf("%q: %d %s", accept, r.status, got)
		}
	}
	for _, accept := range []string{"text/html", "application/json;q=0", "application/json;charset=utf-16", strings.Repeat("a/b,", 5000)} {
		h := jsonHeader.Clone()
		h.Set("Accept", accept)
		do(t, http.MethodPost, s.URL, `{"query":"{hello}"}`, h).want(t, http.StatusNotAcceptable, `"code":"INVALID"`)
	}
}

// T14: what is malformed is refused without repeating it.
func TestMalformedRequests(t *testing.T) {
	s := edgetest.Start(t)
	for _, body := range []string{
		``, `canary`, `{"canary"`, `{"query":"canary"}canary`, `["canary"]`, ` [{"query":"{hello}"}]`, `"canary"`, `null`, `1`,
		`{"query":1,"canary":2}`, `{"query":["canary"]}`, `{"query":"{hello}","variables":"canary"}`, `{"query":"{hello}","variables":["canary"]}`,
		`{"query":"{hello}","operationName":{"canary":1}}`, `{"query":"{hello}","extensions":"canary"}`, `{"query":null}`, `{"query":""}`, `{}`,
		"{\"query\":\"canary\xff\"}", "{\"query\":\"canary\x00\"}", `{"query":"\ucanary"}`,
		`{"query":"{hello}","variables":{"a":` + strings.Repeat("[", 15_000) + `"canary"` + strings.Repeat("]", 15_000) + `}}`,
		`{"query":"{hello}","variables":{"a":[` + strings.Repeat("1,", 25_000) + `1]}}`,
	} {
		r := post(t, s, body)
		r.want(t, http.StatusBadRequest, `{"errors":[{"message":`, `"code":"INVALID"`)
		if strings.Contains(r.body, "canary") || len(r.body) > 300 {
			t.Errorf("%.60s is repeated: %.300s", body, r.body)
		}
	}
	if n := s.Resolver.Executed.Load(); n != 0 {
		t.Errorf("%d resolvers ran", n)
	}
}

// P35, T10: nothing that a foreign page can send without a preflight is executed.
func TestCrossSiteRequests(t *testing.T) {
	s := edgetest.Start(t)
	body := `{"query":"mutation{add(n:1)}"}`
	multipart := "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + body + "\r\n--x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n"
	for typ, b := range map[string]string{
		"":                                  body,
		"text/plain":                        body,
		"text/plain;charset=utf-8":          body,
		"text/plain; application/json":      body,
		"application/x-www-form-urlencoded": "query=mutation%7Badd(n%3A1)%7D",
		"multipart/form-data; boundary=x":   multipart,
		"application/graphql":               "mutation{add(n:1)}",
		"application/jsonp":                 body,
		"application/json;charset=utf-16":   body,
		"application/json; charset":         body,
		"application/json, text/plain":      body,
		"text/json":                         body,
		"application/octet-stream":          body,
	} {
		h := http.Header{}
		if typ != "" {
			h.Set("Content-Type", typ)
		}
		do(t, http.MethodPost, s.URL, b, h).want(t, http.StatusUnsupportedMediaType, `"code":"INVALID"`)
	}
	two := http.Header{"Content-Type": {"application/json", "text/plain"}}
	do(t, http.MethodPost, s.URL, body, two).want(t, http.StatusUnsupportedMediaType)
	zipped := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	do(t, http.MethodPost, s.URL, body, zipped).want(t, http.StatusUnsupportedMediaType)

	for _, h := range []http.Header{
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {s.URL}},
	} {
		h.Set("Content-Type", "application/json")
		do(t, http.MethodPost, s.URL, body, h).want(t, http.StatusForbidden, `"code":"FORBIDDEN"`)
		h.Set("Accept", "text/event-stream")
		do(t, http.MethodPost, s.URL, body, h).want(t, http.StatusForbidden, `"code":"FORBIDDEN"`)
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, "QUERY"} {
		r := do(t, method, s.URL, body, jsonHeader)
		if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "GET, POST, OPTIONS" {
			t.Errorf("%s: %d %v", method, r.status, r.header)
		}
	}
	preflight := do(t, http.MethodOptions, s.URL, "", http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}})
	for k := range preflight.header {
		if strings.HasPrefix(k, "Access-Control-") {
			t.Errorf("the preflight is answered: %s", k)
		}
	}
	if s.Resolver.Sum() != 0 {
		t.Errorf("%d mutations ran", s.Resolver.Sum())
	}
	own := http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Origin": {s.URL}}
	do(t, http.MethodPost, s.URL, body, own).want(t, http.StatusOK, `{"data":{"add":1}}`)
}

// T10: GET runs queries for the site's own pages and for programs.
func TestGet(t *testing.T) {
	s := edgetest.Start(t)
	get := func(query string, h http.Header) reply {
		t.Helper()
		return do(t, http.MethodGet, s.URL+"/graphql?"+query, "", h)
	}
	get("query={hello}", nil).want(t, http.StatusOK, `{"data":{"hello":"hello world"}}`)
	get(`query=query($n:String){hello(name:$n)}&variables={"n":"you"}`, nil).want(t, http.StatusOK, "hello you")
	get("query=mutation{add(n:1)}", nil).want(t, http.StatusMethodNotAllowed, `"code":"INVALID"`)
	get("query=subscription{silence}", nil).want(t, http.StatusMethodNotAllowed)
	get("", nil).want(t, http.StatusBadRequest)
	get("query={hello}&variables=[]", nil).want(t, http.StatusBadRequest)
	get("query={hello}&variables={}{}", nil).want(t, http.StatusBadRequest)
	get("query={hello}&extensions=canary", nil).want(t, http.StatusBadRequest)
	for _, h := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Cookie": {"sid=1"}},
		{"Cookie": {"sid=1"}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		get("query={hello}", h).want(t, http.StatusForbidden)
	}
	get("query={hello}", http.Header{"Cookie": {"sid=1"}, "Sec-Fetch-Site": {"same-origin"}}).want(t, http.StatusOK)
	if s.Resolver.Sum() != 0 {
		t.Error("a mutation ran")
	}

	without := edgetest.Start(t, func(set *edgetest.Setup) { set.Edge.NoGET = true })
	r := do(t, http.MethodGet, without.URL+"/?query={hello}", "", nil)
	if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "POST, OPTIONS" {
		t.Errorf("%d %v", r.status, r.header)
	}
}

// endless is a body of unknown length.
type endless struct{ left, taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.left.Load())
	if n <= 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	e.left.Add(-n)
	e.taken.Add(n)
	return int(n), nil
}

// T15: bodies over the limit are not read, with or without a length.
func TestHugeBodies(t *testing.T) {
	s := edgetest.Start(t)
	for _, accept := range []string{"application/json", "text/event-stream"} {
		body := `{"query":"{hello}","variables":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`
		do(t, http.MethodPost, s.URL, body, http.Header{"Content-Type": {"application/json"}, "Accept": {accept}}).
			want(t, http.StatusRequestEntityTooLarge, `"code":"INVALID"`)
	}
	sent := &endless{}
	sent.left.Store(200 << 20)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = jsonHeader.Clone()
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err == nil { // the server may hang up before the client has read the answer
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if read := sent.taken.Load(); read > 20<<20 {
		t.Errorf("%d bytes were taken", read)
	}
	large := `{"query":"query($n:String){hello(name:$n)}","variables":{"n":"` + strings.Repeat("x", 1<<20) + `"}}`
	post(t, s, large).want(t, http.StatusOK)
}

func TestResolversHaveADeadline(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Edge.ResolverTimeout = 50 * time.Millisecond })
	start := time.Now()
	ask(t, s, "{slow}", "").want(t, http.StatusOK, `"data":{"slow":null}`, "took too long", `"code":"INTERNAL"`)
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("answered after %v", d)
	}
}

func FuzzBody(f *testing.F) {
	s := edgetest.Start(f)
	for _, seed := range []string{
		`{"query":"{hello}"}`, `{"query":"mutation{add(n:1)}","variables":{"n":1e400}}`, `[]`, `{"query":"{me{...A}} fragment A on User{id}"}`,
		`{"query":"query($n:Int!){number(n:$n)}","variables":{"n":"1"}}`, `{"extensions":{"persistedQuery":{"sha256Hash":"00"}}}`, "\xff", `{"documentId":"sha256:00"}`,
		`{"query":"{users(first:$a){nodes{id}}}","variables":{"a":{"b":[]}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		r := post(t, s, body)
		if r.status >= 500 || !json.Valid([]byte(r.body)) {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}
