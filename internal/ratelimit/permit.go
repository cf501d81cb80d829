package ratelimit

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// Window is what is left of a limit. A Limit of 0 is none.
type Window struct {
	Limit, Remaining int64
	Reset            time.Duration // until all of it is there again, if nothing more is used
}

// Status is what an answer tells about limits: the tightest one that the request was taken
// off, with what it counts, and the tightest of those on requests and tokens.
type Status struct {
	Window
	What             models.RateLimitName
	Requests, Tokens Window
}

// Permit is the leave to do what was asked for.
type Permit struct {
	s      *Service
	takes  []take
	status Status
	once   sync.Once
}

// Status is how the limits stand after this request; zero when none concerns it.
func (p *Permit) Status() Status { return p.status }

// Done gives the place back and corrects the tokens that were guessed: negative ones mean
// that the guess stands. Only the first call counts; it waits for nothing.
func (p *Permit) Done(tokens int64) {
	p.once.Do(func() {
		if p.s == nil {
			return
		}
		for _, t := range p.takes {
			switch {
			case t.places():
				p.s.free(t.bucket)
			case t.what == models.LimitTokens && tokens >= 0 && tokens != t.units:
				p.s.fix(t.bucket, measure(t.bucket, tokens)-t.measure())
			}
		}
	})
}

// Leave leaves the place to whoever goes on with what it was for: it counts for a lease after
// this instance has closed, so that nobody else has it before that one does. It is instead of
// Done, and the guess of tokens stands.
func (p *Permit) Leave() {
	p.once.Do(func() {
		for _, t := range p.takes {
			if p.s != nil && t.places() {
				p.s.places.leave(t.bucket)
			}
		}
	})
}

// statusOf is how the limits stand by a verdict.
func statusOf(takes []take, got verdict) (s Status) {
	for i, t := range takes {
		w := window(t.bucket, got.levels[i], got.now)
		if s.Limit == 0 || tighter(w, s.Window) {
			s.Window, s.What = w, t.what
		}
		switch {
		case t.what == models.LimitRequests && (s.Requests.Limit == 0 || tighter(w, s.Requests)):
			s.Requests = w
		case t.what == models.LimitTokens && (s.Tokens.Limit == 0 || tighter(w, s.Tokens)):
			s.Tokens = w
		}
	}
	return s
}

func window(b bucket, level, now int64) Window {
	w := Window{Limit: b.limit}
	w.Remaining, w.Reset = b.left(level, now)
	return w
}

// tighter reports whether less of a is left, as a part of it.
func tighter(a, b Window) bool {
	return float64(a.Remaining)*float64(b.Limit) < float64(b.Remaining)*float64(a.Limit)
}

// refused is a refusal with its figures.
type refused struct {
	*fault.Fault
	status Status
}

// Unwrap is the fault.
func (r *refused) Unwrap() error { return r.Fault }

// StatusOf is how the limits stand that refused a request; false when err is no refusal
// of a limit.
func StatusOf(err error) (Status, bool) {
	var r *refused
	if !errors.As(err, &r) {
		return Status{}, false
	}
	return r.status, true
}

// placeWait is when to try again where a place is missing: nobody knows when one is free.
const placeWait = time.Second

// refusal says which limit refuses and when to come again.
func refusal(takes []take, got verdict) error {
	t, level := takes[got.refused], got.levels[got.refused]
	wait := placeWait
	if !t.places() {
		wait = time.Duration(max(t.used(level, got.now)+min(t.measure(), t.most())-t.most(), 1))
		wait = (wait + time.Millisecond - 1).Truncate(time.Millisecond) // it is told in milliseconds
	}
	f := fault.New(fault.RateLimited, "%s", words(t.bucket, wait))
	f.RetryAfter = wait
	s := statusOf(takes, got)
	s.Window, s.What = window(t.bucket, level, got.now), t.what
	return &refused{f, s}
}

func words(b bucket, wait time.Duration) string {
	who := map[models.RateLimitScope]string{models.LimitOfKey: "this API key", models.LimitOfAccount: "your API keys together", models.LimitOfGuest: "a guest"}[b.scope]
	if b.name == "page messages" && b.scope == models.LimitOfAccount || b.memory {
		who = "you"
	}
	again := fmt.Sprintf("try again in %s", seconds(wait))
	switch b.what {
	case models.LimitTokens:
		return fmt.Sprintf("%s may use %d tokens a minute: %s", who, b.limit, again)
	case models.LimitStreams:
		return fmt.Sprintf("%s may have %d streams at once: wait for one to end", who, b.limit)
	case models.LimitCost:
		return fmt.Sprintf("%s may ask for documents of a cost of %d a minute: %s, or ask for less", who, b.limit, again)
	case models.LimitRequests:
	}
	noun := "requests"
	if b.name == "page messages" {
		noun = "messages"
	}
	return fmt.Sprintf("%s may send %d %s a minute: %s", who, b.limit, noun, again)
}

// seconds is a wait in whole seconds, rounded up.
func seconds(d time.Duration) string {
	if n := int64(math.Ceil(d.Seconds())); n > 1 {
		return fmt.Sprintf("%d seconds", n)
	}
	return "a second"
}
