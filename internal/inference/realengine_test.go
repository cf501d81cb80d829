package inference_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
)

func TestRealEngine(t *testing.T) {
	url, over := realengine.StartCounting(t)
	e := newEngine(t, url)
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := 0 // chat requests so far
	model := func(id string) inference.Request {
		asked++
		m, err := e.Resolve(id)
		if err != nil {
			t.Fatal(err)
		}
		r := asking("hello")
		r.Model = m
		return r
	}

	t.Run("lists its models and is recognised", func(t *testing.T) {
		got := ids(e.Models(), true)
		slices.Sort(got)
		if !slices.Equal(got, []string{realengine.Endless, realengine.Short}) || e.Info().Name != inference.NameOllama {
			t.Errorf("got %q of %+v", got, e.Info())
		}
	})
	t.Run("streams to its own end", func(t *testing.T) {
		text, _, result, err := collected(t.Context(), e, model(realengine.Short))
		if err != nil || result.FinishReason != "stop" || text == "" || !utf8.ValidString(text) {
			t.Fatalf("got %.200q, %+v, %v", text, result, err)
		}
		if u := result.Usage; u == nil || u.PromptTokens < 5 || u.OutputTokens < 5 || u.OutputTokens > 200 || u.Estimated {
			t.Errorf("got the usage %+v", u)
		}
		whole, usage, err := e.Complete(t.Context(), model(realengine.Short))
		if err != nil || whole != text || usage == nil || usage.OutputTokens != result.Usage.OutputTokens {
			t.Errorf("in one piece: %q, %+v, %v; streamed: %q, %+v", whole, usage, err, text, result.Usage)
		}
	})
	t.Run("stops at the limit", func(t *testing.T) {
		r := model(realengine.Endless)
		r.MaxOutputTokens = 17
		_, _, result, err := collected(t.Context(), e, r)
		if err != nil || result.FinishReason != "length" || result.Usage == nil || result.Usage.OutputTokens != 17 {
			t.Errorf("got %+v, %v", result, err)
		}
	})
	t.Run("really stops when it is cancelled (F7)", func(t *testing.T) {
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		r := model(realengine.Endless)
		r.Model.MaxOutputTokens = 0 // no limit: it would go on for many seconds
		deltas := 0
		go func() {
			_, err := e.Stream(ctx, r, func(inference.Delta) {
				if deltas++; deltas == 20 {
					cancel(stopped)
				}
			})
			ended <- err
		}()
		if err := inferencetest.Await(t, ended, "the end of the stream"); !errors.Is(err, stopped) {
			t.Fatalf("got %v after %d deltas", err, deltas)
		}
		// Left alone it would go on for 25 s on an idle machine. (Whether the slot is free
		// at once is another matter: this engine may keep it when a client goes away.)
		look, done := time.NewTicker(10*time.Millisecond), time.NewTimer(10*time.Second)
		defer look.Stop()
		defer done.Stop()
		for over() < asked {
			select {
			case <-look.C:
			case <-done.C:
				t.Fatal("the engine's own request is not over")
			}
		}
	})
	t.Run("refuses a model that it does not have", func(t *testing.T) {
		r := asking("hello")
		r.Model.EngineID = "missing"
		_, _, _, err := collected(t.Context(), e, r)
		wantFault(t, err, fault.ModelUnavailable, "missing")
	})
}
