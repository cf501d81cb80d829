package inference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// errStalled is the cause of a request that the watchdog ended.
var errStalled = errors.New("the engine said nothing for too long")

const (
	// usageWait is how long the usage may follow the finish reason.
	usageWait = 3 * time.Second
	// drainWait is how long the end of the body may follow [DONE].
	drainWait = 100 * time.Millisecond
)

// Stream asks for one reply and calls emit for every piece, at once and on the calling
// goroutine. It returns when the reply is whole; what was emitted before an error
// stays valid. The error is context.Cause(ctx) when ctx ended, which ends the request
// at the engine at once, else a *fault.Fault. The Result holds what is known also
// when there is an error.
//
// Engines under load have been seen to say that they call tools and to name none. Where
// nothing but thoughts had come then, the request is made once more in one piece.
func (e *Engine) Stream(ctx context.Context, r Request, emit func(Delta)) (Result, error) {
	var result Result
	var said, thought bool
	err := e.attempt(ctx, func(leave *permit) *trouble {
		var t *trouble
		result, t = e.stream(ctx, r, leave, func(d Delta) {
			said, thought = said || d.Text != "" || len(d.ToolCalls) > 0, thought || d.Reasoning != ""
			emit(d)
		})
		return t
	})
	if err == nil && !said && len(r.Tools) > 0 && meansCalls(result.FinishReason) {
		return e.askAgain(ctx, r, !thought, emit)
	}
	return result, err
}

// askAgain asks for the whole answer in one piece and takes its calls and its text, and
// its thoughts too where there were none before.
func (e *Engine) askAgain(ctx context.Context, r Request, thoughts bool, emit func(Delta)) (result Result, err error) {
	var d Delta
	err = e.attempt(ctx, func(*permit) *trouble {
		var t *trouble
		d, result, t = e.whole(ctx, r)
		return t
	})
	if err != nil {
		return result, err
	}
	if !thoughts {
		d.Reasoning = ""
	}
	if d.Text == "" && len(d.ToolCalls) == 0 {
		return result, fault.New(fault.UpstreamFailed, "The inference engine said that it calls tools, and named none. Try again.")
	}
	emit(d)
	return result, nil
}

// Complete asks for a short reply in one piece; it takes no longer than the first and
// the next token may take together. Errors are those of Stream.
func (e *Engine) Complete(ctx context.Context, r Request) (text string, u *Usage, err error) {
	err = e.attempt(ctx, func(*permit) *trouble {
		var t *trouble
		text, u, t = e.complete(ctx, r)
		return t
	})
	return text, u, err
}

// attempt makes one request under the breaker and settles what it taught.
func (e *Engine) attempt(ctx context.Context, request func(*permit) *trouble) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	leave, wait := e.breaker.enter()
	if leave == nil {
		f := fault.New(fault.UpstreamFailed, "The inference engine has failed several times and is being left alone for a moment. Try again shortly.")
		f.RetryAfter = wait
		return f
	}
	taught := unknown
	defer func() { leave.done(taught) }()
	t := request(leave)
	switch {
	case t == nil:
		taught = healthy
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case t.broken:
		taught = broken
	default:
		taught = healthy
	}
	e.note(t)
	level := slog.LevelWarn
	if forOperator(t.fault) {
		level = slog.LevelError
	}
	e.log.Log(ctx, level, "inference engine failed a request", "host", e.base.Host, "code", t.fault.Code, "cause", e.clean(fmt.Sprint(t.cause)))
	return t.fault
}

// watchdog ends a request whose engine falls silent. Its timer is moved only when it
// would ring too late or rings too early: most tokens cost it a look at the clock.
type watchdog struct {
	end   context.CancelCauseFunc
	begun time.Time
	until atomic.Int64 // since begun, in nanoseconds: when the silence is too long

	mu    sync.Mutex
	timer *time.Timer
	rings time.Duration // when the timer rings, since begun
	over  bool
}

func newWatchdog(ctx context.Context, first time.Duration) (context.Context, *watchdog) {
	ctx, end := context.WithCancelCause(ctx)
	w := &watchdog{end: end, begun: time.Now()} //nolint:forbidigo // a timer's time, not the clock's
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until.Store(int64(first))
	w.rings = first
	w.timer = time.AfterFunc(first, w.ring)
	return ctx, w
}

func (w *watchdog) passed() time.Duration { return time.Since(w.begun) } //nolint:forbidigo // a timer's time, not the clock's

// allow gives the engine d more.
func (w *watchdog) allow(d time.Duration) {
	until := w.passed() + d
	if until >= time.Duration(w.until.Swap(int64(until))) {
		return // the timer rings before it, and looks again
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if until < w.rings {
		w.rings = until
		w.timer.Reset(d)
	}
}

// ring ends the request unless the engine was given more meanwhile.
func (w *watchdog) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := time.Duration(w.until.Load())
	more := until - w.passed()
	switch {
	case w.over:
		return
	case more <= 0:
		w.end(errStalled)
		return
	}
	w.rings = until
	w.timer.Reset(more)
}

// stop ends the request for good.
func (w *watchdog) stop() {
	w.mu.Lock()
	w.over = true
	w.timer.Stop()
	w.mu.Unlock()
	w.end(context.Canceled)
}

func (e *Engine) stream(ctx context.Context, r Request, leave *permit, emit func(Delta)) (Result, *trouble) {
	ctx, dog := newWatchdog(ctx, e.firstTimeout)
	defer dog.stop()
	resp, t := e.post(ctx, r, true)
	if t != nil {
		return Result{}, e.blame(ctx, t, true)
	}
	defer func() { _ = resp.Body.Close() }()
	if isJSON(resp) {
		return e.unstreamed(ctx, r, resp, emit)
	}
	p := newParser(resp.Body, e.maxLine, e.maxOutput)
	p.calls.before = callsIn(r.Messages)
	begun := false
	err := p.run(func(d Delta) {
		if !d.IsEmpty() {
			if !begun {
				leave.alive()
				begun = true
			}
			emit(d)
		}
		switch {
		case p.finish != "":
			dog.allow(min(usageWait, e.tokenTimeout))
		case begun:
			dog.allow(e.tokenTimeout)
		}
	})
	if p.garbage > 0 {
		e.log.WarnContext(ctx, "inference engine sent events that could not be read", "host", e.base.Host, "events", p.garbage)
	}
	switch {
	case err != nil && p.finish != "" && !p.capped && isLate(err):
		// The answer is whole; only its usage or its end did not come.
	case errors.Is(err, errCut) && p.events == 0 && !isEventStream(resp):
		return Result{}, notOurs(resp.Header.Get("Content-Type"))
	case err != nil:
		return p.result(), e.blame(ctx, e.streamed(err), !begun)
	case p.done:
		dog.allow(drainWait)
		drain(resp.Body)
	}
	return p.result(), nil
}

// isLate reports whether a stream broke only by its connection.
func isLate(err error) bool {
	return !errors.As(err, new(engineError)) && !errors.Is(err, errLineTooLong)
}

// blame tells the watchdog's doing from the engine's.
func (e *Engine) blame(ctx context.Context, t *trouble, first bool) *trouble {
	if !errors.Is(context.Cause(ctx), errStalled) {
		return t
	}
	if first {
		return stalled(true, e.firstTimeout)
	}
	return stalled(false, e.tokenTimeout)
}

// unstreamed takes an engine's whole answer to a request for a stream.
func (e *Engine) unstreamed(ctx context.Context, r Request, resp *http.Response, emit func(Delta)) (Result, *trouble) {
	d, result, t := e.readCompletion(ctx, r, resp)
	if t == nil && !d.IsEmpty() {
		emit(d)
	}
	return result, t
}

func (e *Engine) complete(ctx context.Context, r Request) (string, *Usage, *trouble) {
	d, result, t := e.whole(ctx, r)
	return d.Text, result.Usage, t
}

// whole asks for an answer in one piece.
func (e *Engine) whole(ctx context.Context, r Request) (Delta, Result, *trouble) {
	ctx, dog := newWatchdog(ctx, e.firstTimeout+e.tokenTimeout)
	defer dog.stop()
	resp, t := e.post(ctx, r, false)
	if t != nil {
		return Delta{}, Result{}, e.blame(ctx, t, true)
	}
	defer func() { _ = resp.Body.Close() }()
	return e.readCompletion(ctx, r, resp)
}

// readCompletion reads an answer in one piece with the same tolerance as a stream.
func (e *Engine) readCompletion(ctx context.Context, r Request, resp *http.Response) (Delta, Result, *trouble) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(e.maxOutput)+1<<20))
	if err != nil {
		return Delta{}, Result{}, e.blame(ctx, e.streamed(err), true)
	}
	p := newParser(nil, e.maxLine, e.maxOutput)
	p.calls.before = callsIn(r.Messages)
	c, ok := p.scan.scan(body)
	if !ok || c.problem == nil && !c.whole {
		return Delta{}, Result{}, notOurs(resp.Header.Get("Content-Type"))
	}
	if err := p.apply(c, func(Delta) {}); err != nil {
		return Delta{}, Result{}, e.streamed(err)
	}
	d := p.held
	rest := p.flush()
	d.Reasoning, d.Text, d.ToolCalls = d.Reasoning+rest.Reasoning, d.Text+rest.Text, join(d.ToolCalls, rest.ToolCalls)
	if p.finish == "" {
		p.finish = "stop"
	}
	return d, p.result(), nil
}
