package payment_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// An answer that is read to its end but never closed, as stripe-go does, leaves nothing
// behind; the check is TestMain's.
func TestAnAnswerThatIsNotClosed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer s.Close()
	c := payment.NewClient(nil)
	defer c.CloseIdleConnections()
	if text, err := io.ReadAll(get(t, c, s.URL).Body); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAnswersAndRedirectsAreBounded(t *testing.T) {
	chunk := make([]byte, 1<<20)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		for range 20 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	c := payment.NewClient(nil)
	defer c.CloseIdleConnections()
	resp := get(t, c, s.URL)
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil || errors.Is(err, io.EOF) || n > 16<<20 {
		t.Errorf("%d bytes were read: %v", n, err)
	}
	resp = get(t, c, s.URL+"/moved")
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusFound {
		t.Errorf("a redirect was followed: %d", resp.StatusCode)
	}
}
