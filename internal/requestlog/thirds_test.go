package requestlog_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/models"
)

// unlike is in how many thirds of days that were summed up the thirds and the hours differ
// in a number of rows, of tokens or of credits, or one is missing.
func (r *room) unlike() int64 {
	r.t.Helper()
	return r.count(`WITH days AS (SELECT DISTINCT date_trunc('day', third, 'UTC') AS day FROM api_request_thirds),
		hours AS (SELECT subject, date_bin('8 hours', hour, '2000-01-01Z') AS third, key_ref, model_id, route, sum(succeeded) AS n, sum(output_tokens) AS tokens, sum(credits) AS credits
			FROM api_request_hours WHERE date_trunc('day', hour, 'UTC') IN (SELECT day FROM days) GROUP BY 1, 2, 3, 4, 5)
		SELECT count(*) FROM hours FULL JOIN api_request_thirds t USING (subject, third, key_ref, model_id, route)
		WHERE (hours.n, tokens, hours.credits) IS DISTINCT FROM (t.succeeded::numeric, t.output_tokens::numeric, t.credits::numeric)`)
}

// Days are summed up an hour after they are over, by whichever instance and once; then
// nothing of them is read but their thirds.
func TestDaysThatAreOverAreSummedUp(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	e := r.entry(key(v))
	e.At = e.At.Truncate(day).Add(7 * time.Hour)
	e.Took = 300 * time.Millisecond
	other := e
	other.ID, other.At, other.Took = "req_2", e.At.Add(2*time.Hour), 3*time.Second
	r.write(e, other)
	r.pass(e.At.Truncate(day).Add(25*time.Hour - time.Second).Sub(*r.now.Load()))
	r.must(r.SumDays(t.Context()))
	if n := r.partitions("api_request_thirds"); n != 1 {
		t.Errorf("%d days are summed up, want yesterday's", n)
	}
	r.pass(time.Second)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := r.SumDays(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if days, rows := r.partitions("api_request_thirds"), r.count(`SELECT count(*) FROM api_request_thirds`); days != 2 || rows != 2 || r.unlike() != 0 {
		t.Errorf("%d days of %d thirds", days, rows)
	}
	if r.count(`WITH gone AS (DELETE FROM api_request_hours RETURNING 1) SELECT count(*) FROM gone`) != 2 {
		t.Error("there are other hours")
	}
	for _, said := range []*time.Location{time.UTC, time.FixedZone("", 8*3600)} { // however the window's times are written
		from := e.At.Truncate(day).In(said)
		total, groups, err := r.Analytics(t.Context(), v, requestlog.Window{From: from, To: from.Add(day), By: []models.RequestDimension{models.RequestsByDay}})
		r.must(err)
		if ms, ok := total.Latency(0.5); total.Requests != 2 || len(groups) != 1 || !ok || requestlog.BucketOf(ms) != requestlog.BucketOf(300) {
			t.Errorf("%s: %+v of %d groups, %d ms", from, total.Sum, len(groups), ms)
		}
	}
}

// Rows that come while their day is summed up, or after it, are in its thirds as they are in
// its hours, whoever writes them.
func TestLateRowsAreInTheThirds(t *testing.T) {
	a := newRoom(t)
	all := []*room{a, newRoomOn(t, a.db, a.bus), newRoomOn(t, a.db, a.bus)}
	v := a.account()
	keys := []string{key(v).KeyID, key(v).KeyID}
	const batches, size, days = 30, 12, 4
	first := a.now.Load().Truncate(day).Add(-days * day)
	var writers sync.WaitGroup
	for n, r := range all {
		writers.Go(func() {
			for b := range batches {
				var rows []requestlog.Entry
				for i := range size {
					e := a.entry(v)
					e.ID, e.KeyID, e.ModelID = fmt.Sprintf("req_%d_%d_%d", n, b, i), keys[rand.IntN(2)], fmt.Sprint("m", rand.IntN(2))
					e.At = first.Add(time.Duration(rand.Int64N(int64(days * day))))
					e.OutputTokens, e.Credits = 3, 5
					rows = append(rows, e)
				}
				if err := r.WriteForTest(t.Context(), rows); err != nil {
					t.Error(err)
				}
				if b%5 == n {
					if err := r.SumDays(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	if n := a.unlike(); n != 0 {
		t.Errorf("%d thirds are not their hours' sums", n)
	}
	want := int64(len(all) * batches * size)
	if n := a.count(`SELECT sum(succeeded)::bigint FROM api_request_thirds`); n != want {
		t.Errorf("thirds have %d rows, want %d", n, want)
	}
	if total := a.total(v); total.Requests != want || total.OutputTokens != 3*want {
		t.Errorf("%d requests, want %d", total.Requests, want)
	}
}

// A day whose rows are being written is summed up when they are there.
func TestADayIsSummedUpBehindItsWriters(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	e := r.entry(key(v))
	r.write(e)
	r.pass(2 * day)
	writer, err := r.db.Pool().Begin(t.Context())
	r.must(err)
	defer func() { _ = writer.Rollback(t.Context()) }()
	_, err = writer.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared($1, $2)`, int32(requestlog.SumLock), int32(e.At.Unix()/86400)) //nolint:gosec // of our time
	r.must(err)
	_, err = writer.Exec(t.Context(), `UPDATE api_request_hours SET succeeded = 7`)
	r.must(err)
	summed := make(chan error, 1)
	go func() { summed <- r.SumDays(t.Context()) }()
	until(t, func() bool {
		return r.count(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND NOT granted`, requestlog.SumLock) > 0
	})
	r.must(writer.Commit(t.Context()))
	r.must(<-summed)
	if n := r.count(`SELECT sum(succeeded)::bigint FROM api_request_thirds`); n != 7 {
		t.Errorf("%d rows are summed up, want 7", n)
	}
}
