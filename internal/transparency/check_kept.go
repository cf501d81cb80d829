package transparency

import (
	"context"
	"fmt"
	"strings"
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
		return green("No log of a request to the API is stored.")
	}
	limit := s.Facts.RequestLogTTL
	state := late(s.Clock.Now().Sub(at), limit+dayLength)
	say := "The oldest stored log entries are of %s. Entries are shown to nobody once they are %s old, and deleted with the day that they belong to."
	return Result{state, fmt.Sprintf(say, day(at), span(limit))}, nil
}

// oldestGuest looks at the guest that has been inactive for longest.
func (s *Service) oldestGuest(ctx context.Context) (Result, error) {
	at, any, err := s.Facts.OldestGuest(ctx)
	if err != nil {
		return Result{}, err
	}
	if !any {
		return green("Nothing of any guest is stored.")
	}
	age := s.Clock.Now().Sub(at)
	return Result{late(age, s.Facts.GuestTTL), fmt.Sprintf("The guest that has been inactive for longest was active %s ago; guests go after %s.", span(age), span(s.Facts.GuestTTL))}, nil
}

// sweeps looks whether everything that has an end is gone by then.
func (s *Service) sweeps(ctx context.Context) (Result, error) {
	if s.Facts.Retention == nil {
		return s.overdue(ctx)
	}
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
		return red("Kept for longer than promised: %s.", some(over))
	case len(held) > 0:
		return amber("A guard keeps these from being deleted until the operator has looked: %s.", some(held))
	case last.IsZero():
		return amber("Nothing has been swept yet.")
	}
	return green("All %d rules of how long data are kept are kept to. The last sweep was %s and deleted %s.", len(rules), moment(last), count(int(rows), "row", "rows"))
}

// deletions looks at accounts and guests that are being deleted.
func (s *Service) deletions(ctx context.Context) (Result, error) {
	now := s.Clock.Now()
	d, err := s.Facts.Deletions(ctx, now.Add(-period))
	if err != nil {
		return Result{}, err
	}
	if d.Running > 0 {
		age := now.Sub(d.Oldest)
		running := fmt.Sprintf("%s under way, the oldest for %s.", count(int(d.Running), "deletion is", "deletions are"), span(age))
		switch {
		case age > deletionLate:
			return red("%s Each should be over within a day.", running)
		case age > deletionSlow:
			return amber("%s", running)
		}
		return green("%s", running)
	}
	if d.Done == 0 {
		return green("No deletion waits. Nobody asked for one in the last 90 days.")
	}
	say := fmt.Sprintf("No deletion waits. In the last 90 days there were %d; the slowest took %s.", d.Done, span(d.Slowest))
	if d.Unasked > 0 {
		return amber("%s In %s a payment provider could not be asked to forget: the operator does that by hand.", say, count(int(d.Unasked), "case", "cases"))
	}
	return green("%s", say)
}

// exports looks at exports of people's data.
func (s *Service) exports(ctx context.Context) (Result, error) {
	if s.Facts.Exports == nil {
		return amber("Exports are not in use in this version of the program.")
	}
	e, err := s.Facts.Exports(ctx)
	if err != nil {
		return Result{}, err
	}
	say := fmt.Sprintf("%s to be fetched; %d under way now.", count(int(e.Ready), "export lies ready", "exports lie ready"), e.Running)
	switch {
	case e.Overdue > sweepLate:
		return red("%s A file that should have been deleted is still there, for %s.", say, span(e.Overdue))
	case e.Overdue > sweepGrace:
		return amber("%s A file waits to be deleted for %s.", say, span(e.Overdue))
	case e.Failed > 0:
		return amber("%s %d failed.", say, e.Failed)
	}
	return green("%s", say)
}

// ledgerDrift looks at the newest check of the books.
func (s *Service) ledgerDrift(ctx context.Context) (Result, error) {
	l, any, err := s.Facts.Ledger(ctx)
	if err != nil {
		return Result{}, err
	}
	if !any {
		return amber("The books have not been checked yet.")
	}
	say := fmt.Sprintf("The books were last proved %s, over %d rows.", moment(l.At), l.Checked)
	switch {
	case len(l.Broken) > 0:
		return red("%s They do not add up: %s.", say, strings.Join(l.Broken, ", "))
	case s.Clock.Now().Sub(l.At) > booksLate:
		return amber("%s That is too long ago.", say)
	}
	return green("%s Every amount adds up, and nothing drifted.", say)
}
