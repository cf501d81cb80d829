package inference_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

func say(w io.Writer, text string) {
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", text)
}

func TestStallsEndTheRequest(t *testing.T) {
	tests := map[string]struct {
		engine func(ctx context.Context, w io.Writer)
		after  time.Duration
		text   string
		words  string
	}{
		"no first token": {func(ctx context.Context, w io.Writer) {
			_, _ = io.WriteString(w, ": waiting\n\n") // a comment is no sign of an answer
			<-ctx.Done()
		}, 3 * time.Minute, "", "did not begin"},
		"an empty first chunk only": {func(ctx context.Context, w io.Writer) {
			say(w, "")
			<-ctx.Done()
		}, 3 * time.Minute, "", "did not begin"},
		"no next token": {func(ctx context.Context, w io.Writer) {
			<-time.After(179 * time.Second)
			say(w, "a")
			<-time.After(19 * time.Second)
			say(w, "b")
			<-ctx.Done()
		}, (179 + 19 + 20) * time.Second, "ab", "stopped in the middle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				e := newEngine(t, "http://engine/v1", func(c *inference.Config) {
					c.Transport = scripted(func(ctx context.Context, w io.Writer) {
						tt.engine(ctx, w)
						close(ended)
					})
				})
				began := time.Now()
				text, _, _, err := collected(t.Context(), e, asking("hi"))
				wantFault(t, err, fault.UpstreamStalled, tt.words)
				if d := time.Since(began); d != tt.after || text != tt.text {
					t.Errorf("ended after %s with %q", d, text)
				}
				<-ended // the request was cancelled
			})
		})
	}
}

func TestUsageThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, "http://engine/v1", func(c *inference.Config) {
			c.Transport = scripted(func(ctx context.Context, w io.Writer) {
				say(w, "a")
				_, _ = io.WriteString(w, "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n")
				<-ctx.Done()
			})
		})
		began := time.Now()
		text, _, result, err := collected(t.Context(), e, asking("hi"))
		if d := time.Since(began); err != nil || text != "a" || result.FinishReason != "stop" || d != 3*time.Second {
			t.Errorf("got %q, %+v, %v after %s", text, result, err, d)
		}
	})
}

func TestBodyThatDoesNotEndAfterItsLastEventIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, "http://engine/v1", func(c *inference.Config) {
			c.Transport = scripted(func(ctx context.Context, w io.Writer) {
				say(w, "a")
				_, _ = io.WriteString(w, "data: [DONE]\n\n")
				<-ctx.Done()
			})
		})
		began := time.Now()
		text, _, _, err := collected(t.Context(), e, asking("hi"))
		if d := time.Since(began); err != nil || text != "a" || d > 100*time.Millisecond {
			t.Errorf("got %q, %v after %s", text, err, d)
		}
	})
}

// health is an engine whose every request ends as it is told, with a clock.
type health struct {
	*inference.Engine
	requests int
	outcome  func() (*http.Response, error)
	pass     func(time.Duration)
}

func newHealth(t *testing.T) *health {
	t.Helper()
	h := &health{}
	now, pass := stopwatch()
	h.pass = pass
	h.Engine = newEngine(t, "http://engine/v1", func(c *inference.Config) {
		c.Clock = now
		c.Breaker = inference.Breaker{Failures: 3, Window: 30 * time.Second, Cooldown: 10 * time.Second}
		c.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			h.requests++
			return h.outcome()
		})
	})
	return h
}

func (h *health) ask() error {
	_, err := h.Stream(context.Background(), asking("hi"), func(inference.Delta) {})
	return err
}

func refusedConnection() (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func answer(status int, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func whole() (*http.Response, error) {
	return answer(200, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n")()
}

func TestBreakerLeavesADeadEngineAlone(t *testing.T) {
	h := newHealth(t)
	h.outcome = refusedConnection
	for range 3 {
		wantFault(t, h.ask(), fault.UpstreamFailed, "not running")
	}
	h.pass(4 * time.Second)
	f := wantFault(t, h.ask(), fault.UpstreamFailed, "left alone")
	if f.RetryAfter != 6*time.Second || h.requests != 3 {
		t.Errorf("retry after %s, %d requests", f.RetryAfter, h.requests)
	}
	if i := h.Info(); i.State != inference.StateDown || !strings.Contains(i.Message, "not running") {
		t.Errorf("the state is %+v", i)
	}
	h.pass(6 * time.Second)
	wantFault(t, h.ask(), fault.UpstreamFailed, "not running") // the probe
	wantFault(t, h.ask(), fault.UpstreamFailed, "left alone")
	h.pass(10 * time.Second)
	h.outcome = whole
	if err := h.ask(); err != nil || h.Info().State != inference.StateOK {
		t.Errorf("the engine is back, but %v, %+v", err, h.Info())
	}
	if h.requests != 5 {
		t.Errorf("%d requests", h.requests)
	}
}

func TestBreakerCountsOnlyFailuresInARowWithinTheWindow(t *testing.T) {
	tests := map[string]func(h *health, i int){
		"an answer between":      func(h *health, i int) { h.outcome = whole; _ = h.ask(); h.outcome = refusedConnection },
		"too far apart":          func(h *health, _ int) { h.pass(16 * time.Second) },
		"a refusal is an answer": func(h *health, i int) { h.outcome = answer(429, ""); _ = h.ask(); h.outcome = refusedConnection },
		"so is a wrong key":      func(h *health, i int) { h.outcome = answer(401, ""); _ = h.ask(); h.outcome = refusedConnection },
	}
	for name, between := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHealth(t)
			h.outcome = refusedConnection
			for i := range 8 {
				wantFault(t, h.ask(), fault.UpstreamFailed, "not running")
				between(h, i)
				if h.Info().State == inference.StateDown {
					t.Fatalf("it is left alone after %d failures", i+1)
				}
			}
		})
	}
	for name, outcome := range map[string]func() (*http.Response, error){
		"5xx": answer(503, ""), "cut": answer(200, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"), "wrong service": answer(200, "hello"),
	} {
		t.Run(name+" counts", func(t *testing.T) {
			h := newHealth(t)
			h.outcome = outcome
			for range 3 {
				_ = h.ask()
			}
			wantFault(t, h.ask(), fault.UpstreamFailed, "left alone")
		})
	}
}

func TestBreakerLetsOneProbeThroughAtATime(t *testing.T) {
	h := newHealth(t)
	h.outcome = refusedConnection
	for range 3 {
		_ = h.ask()
	}
	h.pass(10 * time.Second)
	probing, release := make(chan struct{}), make(chan struct{})
	h.outcome = func() (*http.Response, error) {
		close(probing)
		<-release
		return whole()
	}
	probe := make(chan error, 1)
	go func() { probe <- h.ask() }()
	<-probing
	wantFault(t, h.ask(), fault.UpstreamFailed, "left alone")
	close(release)
	if err := <-probe; err != nil {
		t.Error(err)
	}
	h.outcome = whole
	if err := h.ask(); err != nil {
		t.Error(err)
	}
}

func TestProbeThatIsStoppedByThePersonTellsNothing(t *testing.T) {
	h := newHealth(t)
	h.outcome = refusedConnection
	for range 3 {
		_ = h.ask()
	}
	h.pass(10 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	h.outcome = func() (*http.Response, error) { cancel(); return nil, context.Canceled }
	if _, err := h.Stream(ctx, asking("hi"), func(inference.Delta) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.outcome = whole
	if err := h.ask(); err != nil {
		t.Errorf("no second probe was let through: %v", err)
	}
}

func TestOneProbeThatBeginsToAnswerOpensTheWayForAll(t *testing.T) {
	fake := inferencetest.New(t)
	now, pass := stopwatch()
	e := newEngine(t, fake.URL(), func(c *inference.Config) {
		c.Clock, c.Breaker = now, inference.Breaker{Failures: 1, Cooldown: time.Second}
	})
	fake.Queue(inferencetest.Refuse(500, ""))
	_, _, _, _ = collected(t.Context(), e, asking("hi"))
	pass(time.Second)
	release := make(chan struct{})
	fake.Queue(inferencetest.Script{inferencetest.Say("a"), inferencetest.Wait(release), inferencetest.Finish("stop"), inferencetest.Done()})
	first, probe := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := e.Stream(context.Background(), asking("hi"), func(inference.Delta) { close(first) })
		probe <- err
	}()
	inferencetest.Await(t, first, "the probe's first text")
	if _, _, _, err := collected(t.Context(), e, asking("hi")); err != nil {
		t.Errorf("others are still refused: %v", err)
	}
	close(release)
	if err := inferencetest.Await(t, probe, "the probe"); err != nil {
		t.Error(err)
	}
}

func TestWatchAsksSoonUntilTheEngineAnswersAndThenEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		var asked atomic.Int32
		e := newEngine(t, "http://engine/v1", func(c *inference.Config) {
			c.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
				asked.Add(1)
				if !up.Load() {
					return refusedConnection()
				}
				return answer(200, `{"object":"list","data":[{"id":"kimi-k2"}]}`)()
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { e.Watch(ctx); close(ended) }()
		<-time.After(11 * time.Second)
		if synctest.Wait(); asked.Load() != 3 {
			t.Errorf("asked %d times in 11 s", asked.Load())
		}
		up.Store(true)
		<-time.After(5 * time.Second)
		if synctest.Wait(); asked.Load() != 4 || e.Info().State != inference.StateOK {
			t.Errorf("asked %d times, state %+v", asked.Load(), e.Info())
		}
		<-time.After(time.Minute)
		if synctest.Wait(); asked.Load() != 5 {
			t.Errorf("asked %d times after a minute more", asked.Load())
		}
		cancel()
		<-ended
	})
}
