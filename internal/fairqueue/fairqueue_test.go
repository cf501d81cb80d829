package fairqueue_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fairqueue"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// engine answers as a test says; it writes down in which order it was asked.
type engine struct {
	answer func(ctx context.Context, r inference.Request, emit func(inference.Delta)) error

	mu           sync.Mutex
	order        []string
	active, most int
}

func (e *engine) Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error) {
	e.mu.Lock()
	e.order = append(e.order, r.Principal)
	e.active++
	e.most = max(e.most, e.active)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.active--
		e.mu.Unlock()
	}()
	return inference.Result{}, e.answer(ctx, r, emit)
}

func (e *engine) Complete(ctx context.Context, r inference.Request) (string, *inference.Usage, error) {
	_, err := e.Stream(ctx, r, func(inference.Delta) {})
	return "", nil, err
}
func (*engine) Resolve(string) (inference.Model, error) { return inference.Model{}, nil }
func (*engine) Info() inference.Info                    { return inference.Info{} }

func (e *engine) asked() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// takes answers with one token after a time.
func takes(d func() time.Duration) func(context.Context, inference.Request, func(inference.Delta)) error {
	return func(ctx context.Context, _ inference.Request, emit func(inference.Delta)) error {
		select {
		case <-time.After(d()):
			emit(inference.Delta{Text: "x"})
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func stream(ctx context.Context, q *fairqueue.Queue, principal string) error {
	_, err := q.Stream(ctx, inference.Request{Principal: principal}, func(inference.Delta) {})
	return err
}

func busy(after time.Duration) error {
	f := fault.New(fault.UpstreamRateLimit, "busy")
	f.RetryAfter = after
	return f
}

// R-LIMIT: in turns: with 500 requests of one waiting, the next one's first request is
// served second, its second one fourth, and each principal's own in the order they came.
func TestPrincipalsAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{answer: takes(func() time.Duration { return time.Second })}
		q := fairqueue.New(fairqueue.Config{Engine: e, Streams: 1, WaitingPerPrincipal: 500})
		for range 501 {
			go func() { _ = stream(t.Context(), q, "hog") }()
		}
		synctest.Wait()
		for _, who := range []string{"small", "small", "other"} {
			go func() { _ = stream(t.Context(), q, who) }()
			synctest.Wait()
		}
		<-time.After(6500 * time.Millisecond)
		if got, want := e.asked(), []string{"hog", "hog", "small", "other", "hog", "small", "hog"}; !slices.Equal(got, want) {
			t.Errorf("served %v, want %v", got, want)
		}
		<-time.After(600 * time.Second)
		synctest.Wait()
		if e.most != 1 || len(e.asked()) != 504 || q.Active() != 0 || q.Waiting() != 0 {
			t.Errorf("%d at once, %d served, %d and %d left", e.most, len(e.asked()), q.Active(), q.Waiting())
		}
	})
}

// R-LIMIT: a hog with 500 requests under way does not double a small user's p99.
func TestAHogDoesNotDoubleASmallUsersWait(t *testing.T) {
	p99 := func(t *testing.T, hogs int) (out time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var mu sync.Mutex
			e := &engine{answer: takes(func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return 500*time.Millisecond + time.Duration(random.Int64N(int64(time.Second)))
			})}
			q := fairqueue.New(fairqueue.Config{Engine: e, Streams: 16, WaitingPerPrincipal: 500})
			ctx, cancel := context.WithCancel(t.Context())
			for range hogs {
				go func() {
					for ctx.Err() == nil {
						_ = stream(ctx, q, "hog")
					}
				}()
			}
			synctest.Wait()
			var took []time.Duration
			for range 500 {
				began := time.Now()
				if err := stream(ctx, q, "small"); err != nil {
					t.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			cancel()
			synctest.Wait()
			slices.Sort(took)
			out = took[len(took)*99/100]
		})
		return out
	}
	alone, beside := p99(t, 0), p99(t, 500)
	t.Logf("p99 alone %s, beside a hog with 500 requests %s", alone, beside)
	if beside >= 2*alone {
		t.Errorf("p99 alone %s, beside a hog %s", alone, beside)
	}
}

// The place in the line is told as it changes, and that the turn has come; who never
// waits is told nothing.
func TestWhoWaitsSeesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fairqueue.New(fairqueue.Config{Engine: &engine{answer: takes(func() time.Duration { return time.Second })}, Streams: 1})
		places := map[string][]int{}
		var wg sync.WaitGroup
		var mu sync.Mutex
		ask := func(name, principal string) {
			wg.Go(func() {
				_, _ = q.Stream(t.Context(), inference.Request{Principal: principal, Queued: func(n int) {
					mu.Lock()
					defer mu.Unlock()
					places[name] = append(places[name], n)
				}}, func(inference.Delta) {})
			})
			synctest.Wait()
			<-time.After(300 * time.Millisecond) // so that each is told
			synctest.Wait()
		}
		ask("first", "a")
		ask("second", "a")
		ask("third", "a")
		ask("fourth", "b") // between the second and the third
		wg.Wait()
		for name, want := range map[string][]int{"first": nil, "second": {1, 0}, "third": {2, 3, 2, 1, 0}, "fourth": {2, 1, 0}} {
			if got := places[name]; !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	})
}

// Who leaves the line leaves at once, with the cause, and nobody waits for it.
func TestWhoLeavesTheLineIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{answer: takes(func() time.Duration { return time.Second })}
		q := fairqueue.New(fairqueue.Config{Engine: e, Streams: 1})
		go func() { _ = stream(t.Context(), q, "a") }()
		synctest.Wait()
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		left := make(chan error, 1)
		go func() { left <- stream(ctx, q, "b") }()
		synctest.Wait()
		cancel(stopped)
		synctest.Wait()
		if err := <-left; !errors.Is(err, stopped) || q.Waiting() != 0 {
			t.Error(err, q.Waiting())
		}
		if err := stream(t.Context(), q, "c"); err != nil || !slices.Equal(e.asked(), []string{"a", "c"}) || q.Active() != 0 {
			t.Error(err, e.asked(), q.Active())
		}
	})
}

// Beyond the bounds nobody waits: neither in all nor of one principal.
func TestTheLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := fairqueue.New(fairqueue.Config{Engine: &engine{answer: takes(func() time.Duration { return time.Second })}, Streams: 1, Waiting: 5, WaitingPerPrincipal: 3})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		full := func(principal string) bool {
			err := make(chan error, 1)
			go func() { err <- stream(ctx, q, principal) }()
			synctest.Wait()
			select {
			case err := <-err:
				list, ok := fault.Of(err)
				if !ok || list[0].Code != fault.RateLimited || list[0].RetryAfter <= 0 {
					t.Errorf("refused with %v", err)
				}
				return true
			default:
				return false
			}
		}
		for i, c := range []struct {
			principal string
			full      bool
		}{{"a", false}, {"a", false}, {"a", false}, {"a", false}, {"a", true}, {"b", false}, {"b", false}, {"b", true}, {"c", true}} {
			if full(c.principal) != c.full {
				t.Errorf("number %d, of %s", i, c.principal)
			}
		}
	})
}

// An engine that is too busy is asked again when it said, by fewer at once, and by all
// again when it is well.
func TestABusyEngineIsAskedAgainByFewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		after, most := []time.Duration{}, 0
		e := &engine{}
		well := takes(func() time.Duration { return 100 * time.Millisecond })
		e.answer = func(ctx context.Context, r inference.Request, emit func(inference.Delta)) error {
			since := time.Since(began)
			mu.Lock()
			if since >= 2*time.Second && since < 3*time.Second {
				after = append(after, since)
			}
			e.mu.Lock()
			if since >= 2*time.Second && since < 2600*time.Millisecond {
				most = max(most, e.active)
			}
			e.mu.Unlock()
			mu.Unlock()
			if since < time.Second {
				return busy(2 * time.Second)
			}
			return well(ctx, r, emit)
		}
		q := fairqueue.New(fairqueue.Config{Engine: e, Streams: 16})
		var wg sync.WaitGroup
		for range 400 {
			wg.Go(func() {
				if err := stream(t.Context(), q, "a"); err != nil && !fault.Is(err, fault.RateLimited) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(e.asked()); n < 200 {
			t.Fatalf("asked %d times", n)
		}
		if len(after) == 0 || after[0] < 2*time.Second || after[0] > 2600*time.Millisecond || most > 12 {
			t.Errorf("asked again after %v, by %d", after[:min(3, len(after))], most)
		}
		e.mu.Lock()
		e.most = 0
		e.mu.Unlock()
		for range 40 {
			wg.Go(func() { _ = stream(t.Context(), q, "a") })
		}
		wg.Wait()
		if e.most != 16 {
			t.Errorf("%d at once when it was well again", e.most)
		}
	})
}

// An engine that stays too busy is given up on when a first token would be late, and what
// it said is told; what it says after a token is not tried again.
func TestPatienceWithABusyEngineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{answer: func(context.Context, inference.Request, func(inference.Delta)) error { return busy(0) }}
		q := fairqueue.New(fairqueue.Config{Engine: e, Patience: 30 * time.Second})
		began := time.Now()
		err := stream(t.Context(), q, "a")
		if took := time.Since(began); !fault.Is(err, fault.UpstreamRateLimit) || took > 30*time.Second || took < 27*time.Second || len(e.asked()) < 20 {
			t.Error(err, took, len(e.asked()))
		}
		e.answer = func(_ context.Context, _ inference.Request, emit func(inference.Delta)) error {
			emit(inference.Delta{Text: "x"})
			return busy(0)
		}
		before := len(e.asked())
		if err := stream(t.Context(), q, "a"); !fault.Is(err, fault.UpstreamRateLimit) || len(e.asked()) != before+1 {
			t.Error(err, len(e.asked())-before)
		}
		<-time.After(time.Minute) // timers end
	})
}

// T17: a panic of who reads the reply frees its place.
func TestAPanicFreesItsPlace(t *testing.T) {
	e := &engine{answer: func(_ context.Context, _ inference.Request, emit func(inference.Delta)) error {
		emit(inference.Delta{Text: "x"})
		return nil
	}}
	q := fairqueue.New(fairqueue.Config{Engine: e, Streams: 1})
	func() {
		defer func() { _ = recover() }()
		_, _ = q.Stream(t.Context(), inference.Request{}, func(inference.Delta) { panic("x") })
	}()
	if err := stream(t.Context(), q, "a"); err != nil || q.Active() != 0 {
		t.Error(err, q.Active())
	}
}
