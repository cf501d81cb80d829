package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/web"
)

func TestTheFrontAnswersBeforeTheServerIsReady(t *testing.T) {
	var f web.Front
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/": http.StatusServiceUnavailable} {
		if w := ask(path); w.Code != want || (want != http.StatusOK) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s is answered %d, %v", path, w.Code, w.Header())
		}
	}
	f.Open(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if w := ask("/healthz"); w.Code != http.StatusTeapot {
		t.Errorf("opened it answers %d", w.Code)
	}
}
