package completion_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// instant is an engine that answers at once.
type instant struct{ completion.Engine }

func (instant) Stream(_ context.Context, _ inference.Request, emit func(inference.Delta)) (inference.Result, error) {
	emit(inference.Delta{Text: "done"})
	return inference.Result{FinishReason: "stop", Usage: &inference.Usage{PromptTokens: 5, OutputTokens: 1}}, nil
}

// BenchmarkCompletion admits, answers and settles, with 64 callers, of one account and of
// many, and with idempotency keys.
func BenchmarkCompletion(b *testing.B) {
	for name, c := range map[string]struct {
		accounts int
		keyed    bool
	}{"1 account": {1, false}, "50 accounts": {50, false}, "50 accounts, with keys": {50, true}} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b)
			h.change = func(c *completion.Config) { c.Engine = instant{c.Engine} }
			i := h.open()
			var all []*customer
			for n := range c.accounts {
				all = append(all, i.customer(fmt.Sprint("c", n), 1_000_000_000_000))
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 64 {
				wg.Go(func() {
					for n := next.Add(1) - 1; n < int64(b.N); n = next.Add(1) - 1 {
						r := saying("go")
						if c.keyed {
							r.IdempotencyKey = fmt.Sprint(n)
						}
						if got := i.ask(b.Context(), all[n%int64(c.accounts)].Viewer, r); got.err != nil || got.out.Credits == 0 {
							b.Error(got)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "completions/s")
		})
	}
}
