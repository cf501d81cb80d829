package edge_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reply is one answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request and reads the whole answer.
func do(t testing.TB, method, url, body string, header http.Header) reply {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %.80s: %v", method, body, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// post sends a body as JSON.
func post(t testing.TB, s *edgetest.Server, body string) reply {
	t.Helper()
	return do(t, http.MethodPost, s.URL, body, jsonHeader)
}

// ask sends a document with variables, a JSON object or "".
func ask(t testing.TB, s *edgetest.Server, query, variables string) reply {
	t.Helper()
	return post(t, s, document(t, query, variables))
}

func document(t testing.TB, query, variables string) string {
	t.Helper()
	q, err := json.Marshal(query)
	if err != nil {
		t.Fatal(err)
	}
	if variables == "" {
		variables = "null"
	}
	return `{"query":` + string(q) + `,"variables":` + variables + `}`
}

// want checks status and parts of the body.
func (r reply) want(t *testing.T, status int, parts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d: %.300s", r.status, status, r.body)
	}
	for _, p := range parts {
		if !strings.Contains(r.body, p) {
			t.Errorf("%.600s\nis without %s", r.body, p)
		}
	}
}
