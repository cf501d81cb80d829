package transparency

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

const (
	dayLength = 24 * time.Hour
	// period is what counts of the past are about.
	period = 90 * dayLength
	// refusedMatters is for how long a refused call is shown.
	refusedMatters = dayLength
	// sweepGrace is how long a sweep may come late before that is said, and before it breaks
	// the promise.
	sweepGrace = 2 * time.Hour
	sweepLate  = dayLength
	// Deletions should be over within minutes and must be within a day.
	deletionSlow = time.Hour
	deletionLate = dayLength
	// booksLate is how old the newest check of the books may be.
	booksLate = 3 * time.Hour
)

// late says how bad an age is when something may be kept for max.
func late(age, limit time.Duration) models.TransparencyState {
	switch {
	case age > limit+sweepLate:
		return models.TransparencyRed
	case age > limit+sweepGrace:
		return models.TransparencyAmber
	}
	return models.TransparencyGreen
}

// oldestRequestLog looks at the log entry that is stored longest. Entries are deleted by
// whole days, so the first of a day are stored for a day longer than they are shown.
func (s *Service) oldestRequestLog(ctx context.Context) (Result, error) {
	at, any, err := s.Facts.OldestRequestLog(ctx)
	if err != nil {
		return Result{}, err
	}
	if !any {
		return green(found("no_request_log"))
	}
	limit := s.Facts.RequestLogTTL
	return result(late(s.Clock.Now().Sub(at), limit+dayLength), found("request_log_oldest", "day", at, "limit", limit)), nil
}

// oldestGuest looks at the guest that has been inactive for longest.
func (s *Service) oldestGuest(ctx context.Context) (Result, error) {
	at, any, err := s.Facts.OldestGuest(ctx)
	if err != nil {
		return Result{}, err
	}
	if !any {
		return green(found("no_guest"))
	}
	age := s.Clock.Now().Sub(at)
	return result(late(age, s.Facts.GuestTTL), found("guest_oldest", "age", age, "limit", s.Facts.GuestTTL)), nil
}

// sweeps looks whether everything that has an end is gone by then.
func (s *Service) sweeps(ctx context.Context) (Result, error) {
	rules, err := s.Facts.Retention(ctx)
	if err != nil {
		return Result{}, err
	}
	var over, held []string
	var last time.Time
	var rows int64
	for _, r := range rules {
		if r.Overdue {
			over = append(over, r.Name)
		}
		if r.Held != "" {
			held = append(held, r.Name+" ("+r.Held+")")
		}
		if r.SweptAt.After(last) {
			last, rows = r.SweptAt, r.Rows
		}
	}
	switch {
	case len(over) > 0:
		return red(found("rules_overdue", "rules", over))
	case len(held) > 0:
		return amber(found("rules_held", "rules", held))
	case last.IsZero():
		return amber(found("nothing_swept"))
	}
	return green(found("rules_kept", "rules", len(rules), "last", last, "rows", rows))
}

// deletions looks at accounts and guests that are being deleted.
func (s *Service) deletions(ctx context.Context) (Result, error) {
	now := s.Clock.Now()
	d, err := s.Facts.Deletions(ctx, now.Add(-period))
	if err != nil {
		return Result{}, err
	}
	if d.Unnoted {
		return red(found("deletions_unnoted"))
	}
	if d.Running > 0 {
		age := now.Sub(d.Oldest)
		running := found("deletions_running", "running", d.Running, "age", age)
		switch {
		case age > deletionLate:
			return red(running, found("deletion_late"))
		case age > deletionSlow:
			return amber(running)
		}
		return green(running)
	}
	if d.Done == 0 {
		return green(found("no_deletion"))
	}
	done := found("deletions_done", "done", d.Done, "slowest", d.Slowest)
	if d.Unasked > 0 {
		return amber(done, found("deletions_unasked", "cases", d.Unasked))
	}
	return green(done)
}

// exports looks at exports of people's data.
func (s *Service) exports(ctx context.Context) (Result, error) {
	e, err := s.Facts.Exports(ctx)
	if err != nil {
		return Result{}, err
	}
	now := found("exports_now", "ready", e.Ready, "running", e.Running)
	switch {
	case e.Overdue > sweepLate:
		return red(now, found("export_file_late", "age", e.Overdue))
	case e.Overdue > sweepGrace:
		return amber(now, found("export_file_waits", "age", e.Overdue))
	case e.Failed > 0:
		return amber(now, found("exports_failed", "failed", e.Failed))
	}
	return green(now)
}

// ledgerDrift looks at the newest check of the books.
func (s *Service) ledgerDrift(ctx context.Context) (Result, error) {
	l, any, err := s.Facts.Ledger(ctx)
	if err != nil {
		return Result{}, err
	}
	if !any {
		return amber(found("books_unchecked"))
	}
	checked := found("books_checked", "last", l.At, "rows", l.Checked)
	switch {
	case len(l.Broken) > 0:
		return red(checked, found("books_broken", "invariants", l.Broken))
	case s.Clock.Now().Sub(l.At) > booksLate:
		return amber(checked, found("books_old"))
	}
	return green(checked, found("books_right"))
}
