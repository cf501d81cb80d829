package ratelimit_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// BenchmarkAdmit is one request with all limits of a key and its account, by 64 callers at
// once; each gives its place back and corrects its tokens.
func BenchmarkAdmit(b *testing.B) {
	const callers = 64
	for _, keys := range []int{1, callers} {
		b.Run(fmt.Sprintf("%d_keys", keys), func(b *testing.B) {
			const many = ratelimit.MaxLimit
			s := ratelimit.New(ratelimit.Config{DB: dbtest.New(b), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Limits: ratelimit.Limits{RequestsPerKey: many, TokensPerKey: many, StreamsPerKey: many,
				RequestsPerAccount: many, TokensPerAccount: many, StreamsPerAccount: many}})
			defer s.Close()
			b.ResetTimer()
			var wg sync.WaitGroup
			for c := range callers {
				v := viewer.Viewer{Kind: viewer.APIKey, OwnerID: fmt.Sprint("own_", c%keys), KeyID: fmt.Sprint("key_", c%keys)}
				wg.Go(func() {
					for range (b.N + callers - 1) / callers {
						p, err := s.Admit(b.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 1000, Stream: true})
						if err != nil {
							b.Error(err)
							return
						}
						p.Done(10)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "admits/s")
		})
	}
}
