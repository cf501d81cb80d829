package requestlog

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/models"
)

// readRows adds rows, of less than a quarter of an hour at each end of the window.
func (r *report) readRows(ctx context.Context, tx pgx.Tx, from, to time.Time) error {
	if !from.Before(to) {
		return nil
	}
	var c conditions
	c.of(r.sel)
	c.add("created_at >= $?", from)
	c.add("created_at < $?", to)
	rows, err := tx.Query(ctx, "SELECT created_at, key_ref, model_id, route, status, code, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits, first_token_ms, latency_ms FROM api_request_logs WHERE "+
		strings.Join(c.sql, " AND "), planned(c.args)...)
	if err != nil {
		return err
	}
	var e Entry
	var keyRef int64
	var first *int
	var took int
	_, err = pgx.ForEachRow(rows, []any{&e.At, &keyRef, &e.ModelID, &e.Route, &e.Status, &e.Code, &e.PromptTokens, &e.CachedTokens, &e.OutputTokens, &e.ReasoningTokens, &e.Credits, &first, &took}, func() error {
		for _, a := range r.all {
			if !a.many {
				a.group(keyRef, e.ModelID, e.Route, a.steps.startOf(e.At)).count(&e, first, took)
			}
		}
		return nil
	})
	return err
}

// old is the day from which on rows are counted, where the days before have totals that
// fit the window: those of keys and days in UTC.
func (r *report) old(cutoff time.Time) time.Time {
	day := cutoff.Truncate(dayLength) // of which some is gone
	switch {
	case r.ModelID != "" || r.Zone != "" && r.Zone != "UTC" || r.From.After(day):
		return time.Time{}
	case r.To.Before(day.Add(dayLength)):
		return day
	}
	return day.Add(dayLength)
}

// reaching are the analyses that the totals of keys and days fit, and the others.
func (r *report) reaching() (back, others []*sums) {
	for _, a := range r.all {
		if slices.ContainsFunc(a.of, func(d models.RequestDimension) bool { return d != models.RequestsByKey && d != models.RequestsByDay }) {
			others = append(others, a)
			continue
		}
		back = append(back, a)
	}
	return back, others
}

// readDays adds the totals of the days from the window's beginning until one, those that
// lie in the window as a whole.
func (r *report) readDays(ctx context.Context, tx pgx.Tx, ownerID string, until time.Time) error {
	if r.To.Before(until) {
		until = r.To.Truncate(dayLength)
	}
	rows, err := tx.Query(ctx, `SELECT k.key_ref, d.day::timestamptz, requests, errors, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits
		FROM api_request_days d JOIN api_request_keys k USING (owner_id, key_id)
		WHERE owner_id = $1 AND ($2 = '' OR key_id = $2) AND day >= $3::date AND day < $4::date`,
		ownerID, r.sel.KeyID, r.From.Add(dayLength-time.Microsecond).Truncate(dayLength), until)
	if err != nil {
		return err
	}
	var keyRef, requests, failed int64
	var day time.Time
	var sum Sum
	_, err = pgx.ForEachRow(rows, []any{&keyRef, &day, &requests, &failed, &sum.PromptTokens, &sum.CachedTokens, &sum.OutputTokens, &sum.ReasoningTokens, &sum.Credits}, func() error {
		sum.Succeeded, sum.Failed = max(requests-failed, 0), failed
		for _, a := range r.all {
			t := a.group(keyRef, "", "", day.Unix())
			t.Sum.add(&sum)
			t.Requests += requests
		}
		return nil
	})
	return err
}
