package edge_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
)

// What a hostile document may cost and get.
const (
	hostileCPU    = 50 * time.Millisecond
	hostileAnswer = 4 << 10
)

// P86, T13, T14: every document of the corpus is refused cheaply and briefly, by a
// server that has never seen it.
func TestHostileDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.graphql")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d documents: %v", len(files), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".graphql")
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		body := document(t, string(b), "")
		t.Run(name, func(t *testing.T) {
			least := time.Hour
			for range 3 {
				s := edgetest.Start(t)
				before := processCPU(t)
				r := post(t, s, body)
				least = min(least, processCPU(t)-before)
				if len(r.body) > hostileAnswer {
					t.Fatalf("an answer of %d bytes: %.200s", len(r.body), r.body)
				}
				r.want(t, 200, `"errors":[{"message":`)
				if n := s.Resolver.Executed.Load(); n != 0 {
					t.Errorf("%d resolvers ran: %.200s", n, r.body)
				}
			}
			if least > hostileCPU*slowdown {
				t.Errorf("%v of CPU", least)
			}
			t.Logf("%v", least)
		})
	}
}

// processCPU is what this process has used so far.
func processCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// T13, T14, T4: with an API key the corpus gets no further, whatever carries it, and what it
// would have cost is not told beside a refusal.
func TestHostileDocumentsOfKeys(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.graphql")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d documents: %v", len(files), err)
	}
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Principal = func(context.Context) authz.Principal {
			return authz.Principal{Kind: authz.APIKey, Scopes: []string{"CHAT_WRITE"}}
		}
		set.Websocket.ReadLimit = 1 << 20
	})
	events := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		body := document(t, string(b), "")
		for carrier, answer := range map[string]string{
			"HTTP":            post(t, s, body).body,
			"an event stream": do(t, http.MethodPost, s.URL, body, events).body,
			"a websocket":     overSocket(t, s, body),
		} {
			if len(answer) > hostileAnswer || !strings.Contains(answer, `"message":`) || strings.Contains(answer, `"extensions":{"cost":{"requested"`) {
				t.Errorf("%s over %s: %d bytes: %.200s", filepath.Base(f), carrier, len(answer), answer)
			}
		}
	}
	if n := s.Resolver.Executed.Load(); n != 0 {
		t.Errorf("%d resolvers ran", n)
	}
}
