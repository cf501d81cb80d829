package requestlog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Buckets are at most 2.5 % of their lower bound wide, follow on each other without a gap,
// and histograms survive being written.
func TestBucketsAreNarrow(t *testing.T) {
	last := -1
	for ms := range 3_000_000 {
		b := requestlog.BucketOf(ms)
		low, high := requestlog.Bounds(b)
		if ms < low || ms > high || b != last && b != last+1 || float64(high-low+1) > 1+0.025*float64(low) && high != low {
			t.Fatalf("%d ms lie in bucket %d of %d to %d", ms, b, low, high)
		}
		last = b
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.IntRange(0, 1<<31-1)).Draw(t, "values")
		if n, err := requestlog.Recoded(values); err != nil || n != len(values) {
			t.Fatalf("%d of %d values, %v", n, len(values), err)
		}
		if len(values) == 0 {
			return
		}
		sort.Ints(values)
		for _, q := range []float64{0, 0.5, 0.95, 1} {
			exact := values[max(int(ceil(q*float64(len(values))))-1, 0)]
			if got := requestlog.QuantileOf(values, q); requestlog.BucketOf(got) != requestlog.BucketOf(exact) {
				t.Fatalf("the quantile %v is %d, not beside %d", q, got, exact)
			}
		}
	})
}

func ceil(f float64) int64 {
	n := int64(f)
	if float64(n) < f {
		n++
	}
	return n
}

var zones = []string{"", "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Chatham", "Pacific/Apia"}

// seeded writes n random rows of the last 89 days before now and returns them.
func (r *room) seeded(keys []viewer.Viewer, n int) (rows []requestlog.Entry) {
	routes := []string{"query viewer", "mutation messageSend", models.RouteReply}
	for i := range n {
		e := r.entry(keys[rand.IntN(len(keys))])
		e.At = e.At.Add(-time.Duration(rand.Int64N(int64(89 * day)))).Truncate(time.Microsecond)
		if i%3 == 0 { // some close together
			e.At = r.now.Load().Add(-time.Duration(rand.Int64N(int64(3 * time.Hour)))).Truncate(time.Microsecond)
		}
		e.Route, e.ModelID = routes[rand.IntN(len(routes))], fmt.Sprint("m", rand.IntN(3))
		e.Status = []int{200, 200, 200, 200, 403, 429, 500}[rand.IntN(7)]
		e.PromptTokens, e.CachedTokens, e.OutputTokens, e.ReasoningTokens, e.Credits = rand.Int64N(1e6), rand.Int64N(1e6), rand.Int64N(1e6), rand.Int64N(1e6), rand.Int64N(1e12)
		e.Took = time.Duration(rand.ExpFloat64() * float64(3*time.Second))
		if rand.IntN(2) == 0 {
			e.FirstToken = e.Took/3 + 1
		}
		rows = append(rows, e)
	}
	for part := range slices.Chunk(rows, 1000) {
		r.write(part...)
	}
	return rows
}

// P77: sums equal the rows they are of, exactly, for any window, zone and dimensions, and
// quantiles lie in the same bucket as the exact ones; some of the rows came before their
// days were summed up, some later.
func TestSumsEqualTheRows(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	keys := []viewer.Viewer{key(v, models.ScopeUsageRead), key(v), key(v)}
	rows := r.seeded(keys, 1500)
	r.must(r.SumDays(t.Context()))
	if n := r.count(`SELECT count(*) FROM api_request_thirds`); n == 0 {
		t.Fatal("no day was summed up")
	}
	rows = append(rows, r.seeded(keys, 1500)...) // come late
	all := []models.RequestDimension{models.RequestsByKey, models.RequestsByModel, models.RequestsByRoute, models.RequestsByDay, models.RequestsByHour}
	rapid.Check(t, func(t *rapid.T) {
		w := requestlog.Window{Zone: rapid.SampledFrom(zones).Draw(t, "zone"), By: rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 3, rapid.ID).Draw(t, "by")}
		length := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Minute, 20 * time.Minute, time.Hour, 26 * time.Hour, 9 * day, 90 * day}).Draw(t, "length")
		w.To = r.now.Load().Add(-time.Duration(rapid.Int64Range(-int64(time.Hour), int64(80*day)).Draw(t, "to")))
		if rapid.Bool().Draw(t, "recent") {
			w.To = r.now.Load().Add(-time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "ago")))
		}
		if rapid.Bool().Draw(t, "whole") {
			w.To = w.To.Truncate(rapid.SampledFrom([]time.Duration{time.Hour, 15 * time.Minute, day}).Draw(t, "to the")).Add(day)
		}
		w.To = w.To.Truncate(time.Microsecond)
		w.From = w.To.Add(-length)
		asker := rapid.SampledFrom([]viewer.Viewer{v, keys[0]}).Draw(t, "asker")
		if asker.Kind == viewer.APIKey {
			w.KeyID = asker.KeyID
		} else if rapid.Bool().Draw(t, "a key") {
			w.KeyID = keys[1].KeyID
		}
		if rapid.Bool().Draw(t, "a model") {
			w.ModelID = "m1"
		}
		compare(t, r, asker, w, rows)
	})
}

// expected is what a group must say.
type expected struct {
	requests, rows, errors, prompt, cached, output, reasoning, credits int64
	first, took                                                        []int
}

// compare asks for a window and works it out from the rows.
func compare(t *rapid.T, r *room, v viewer.Viewer, w requestlog.Window, rows []requestlog.Entry) {
	total, groups, err := r.Analytics(r.t.Context(), v, w)
	if err != nil {
		if fault.Is(err, fault.Invalid) {
			t.Skip("too many groups")
		}
		t.Fatal(err)
	}
	zone, err := sheet.Zone(w.Zone)
	if err != nil {
		t.Fatal(err)
	}
	want, whole := map[string]*expected{}, new(expected)
	for i := range rows {
		e := &rows[i]
		if e.At.Before(w.From) || !e.At.Before(w.To) || w.KeyID != "" && e.KeyID != w.KeyID || w.ModelID != "" && e.ModelID != w.ModelID {
			continue
		}
		name := nameOf(w.By, e.KeyID, e.ModelID, e.Route, start(w.By, e.At, zone))
		if want[name] == nil {
			want[name] = new(expected)
		}
		want[name].add(e)
		whole.add(e)
	}
	whole.check(t, "all", &total)
	if len(w.By) == 0 {
		if len(groups) != 0 {
			t.Fatalf("%d groups without dimensions", len(groups))
		}
		return
	}
	if len(groups) != len(want) {
		t.Fatalf("%d groups, want %d", len(groups), len(want))
	}
	for _, g := range groups {
		name := nameOf(w.By, g.KeyID, g.ModelID, g.Route, g.Start)
		if want[name] == nil {
			t.Fatalf("there is no group %s", name)
		}
		want[name].check(t, name, &g.Total)
	}
}

func (x *expected) add(e *requestlog.Entry) {
	x.rows++
	if e.Route != models.RouteReply {
		x.requests++
	}
	if e.Status != 200 {
		x.errors++
	}
	x.prompt, x.cached, x.output, x.reasoning, x.credits = x.prompt+e.PromptTokens, x.cached+e.CachedTokens, x.output+e.OutputTokens, x.reasoning+e.ReasoningTokens, x.credits+e.Credits
	x.took = append(x.took, int(e.Took.Milliseconds()))
	if e.FirstToken > 0 {
		x.first = append(x.first, int(e.FirstToken.Milliseconds()))
	}
}

func (x *expected) check(t *rapid.T, name string, got *requestlog.Total) {
	if got.Requests != x.requests || got.Succeeded+got.Errors() != x.rows || got.Errors() != x.errors || got.PromptTokens != x.prompt || got.CachedTokens != x.cached ||
		got.OutputTokens != x.output || got.ReasoningTokens != x.reasoning || got.Credits != x.credits {
		t.Fatalf("%s: got %+v of %d, want %+v", name, got.Sum, got.Requests, x)
	}
	for _, q := range []float64{0.5, 0.95} {
		for _, of := range []struct {
			values []int
			get    func(float64) (int, bool)
		}{{x.first, got.FirstToken}, {x.took, got.Latency}} {
			ms, ok := of.get(q)
			if ok != (len(of.values) > 0) {
				t.Fatalf("%s: a quantile of %d values is there: %v", name, len(of.values), ok)
			}
			if sort.Ints(of.values); ok && requestlog.BucketOf(ms) != requestlog.BucketOf(of.values[ceil(q*float64(len(of.values)))-1]) {
				t.Fatalf("%s: the quantile %v is %d", name, q, ms)
			}
		}
	}
}

// start is the day or hour of the zone that a moment lies in.
func start(by []models.RequestDimension, at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	switch {
	case slices.Contains(by, models.RequestsByHour): // of the clock on the wall, as it goes at that moment
		_, offset := local.Zone()
		wall := at.Unix() + int64(offset)
		return time.Unix(wall-wall%3600-int64(offset), 0).UTC()
	case slices.Contains(by, models.RequestsByDay):
		return sheet.DayStart(local.Year(), local.Month(), local.Day(), zone).UTC()
	}
	return time.Time{}
}

func nameOf(by []models.RequestDimension, keyID, model, route string, start time.Time) string {
	of := map[models.RequestDimension]string{models.RequestsByKey: keyID, models.RequestsByModel: model, models.RequestsByRoute: route,
		models.RequestsByDay: start.Format(time.RFC3339), models.RequestsByHour: start.Format(time.RFC3339)}
	name := ""
	for _, d := range by {
		name += string(d) + "=" + of[d] + " "
	}
	return name
}

// P77: days and hours of a zone that is off by three quarters of an hour begin there.
func TestDaysOfKathmandu(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v)
	midnight := time.Date(2026, 4, 30, 18, 15, 0, 0, time.UTC)
	for _, at := range []time.Time{midnight.Add(-time.Microsecond), midnight, midnight.Add(time.Hour - time.Microsecond), midnight.Add(time.Hour)} {
		e := r.entry(k)
		e.At = at
		r.write(e)
	}
	for by, want := range map[models.RequestDimension]string{
		models.RequestsByDay:  "[2026-04-30 00:00:1 2026-05-01 00:00:3]",
		models.RequestsByHour: "[2026-04-30 23:00:1 2026-05-01 00:00:2 2026-05-01 01:00:1]",
	} {
		_, groups, err := r.Analytics(t.Context(), v, requestlog.Window{From: midnight.Add(-day), To: midnight.Add(day), By: []models.RequestDimension{by}, Zone: "Asia/Kathmandu"})
		r.must(err)
		zone, _ := sheet.Zone("Asia/Kathmandu")
		var got []string
		for _, g := range groups {
			got = append(got, fmt.Sprintf("%s:%d", g.Start.In(zone).Format("2006-01-02 15:04"), g.Total.Requests))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", by, got, want)
		}
	}
}

// What can't be summed up is refused, and what nobody may see is nothing.
func TestWindowsThatAreRefused(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	now := *r.now.Load()
	for name, w := range map[string]requestlog.Window{
		"empty": {From: now, To: now}, "too long": {From: now.Add(-401 * day), To: now}, "a zone that isn't": {From: now.Add(-day), To: now, Zone: "Mars/Base"}, "the machine's": {From: now.Add(-day), To: now, Zone: "Local"}} {
		if _, _, err := r.Analytics(t.Context(), v, w); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, nobody := range map[string]viewer.Viewer{"idle": v, "nobody": {}, "a guest": {Kind: viewer.Guest, OwnerID: v.OwnerID, Key: v.Key}} {
		if total, groups, err := r.Analytics(t.Context(), nobody, requestlog.Window{From: now.Add(-day), To: now}); err != nil || total.Requests != 0 || groups != nil {
			t.Errorf("%s: %+v, %v", name, total, err)
		}
	}
}

// Too many groups are refused, whether that is seen while they are read or at the end.
func TestTooManyGroupsAreRefused(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	e := r.entry(key(v))
	r.write(e)
	w := requestlog.Window{From: e.At.Truncate(day), To: e.At.Truncate(day).Add(day), By: []models.RequestDimension{models.RequestsByModel}}
	for _, many := range []struct {
		groups  int64
		refused bool
	}{{4999, false}, {5000, true}, {16_000, true}} {
		r.count(`WITH made AS (INSERT INTO api_request_hours (subject, hour, key_ref, model_id, route, succeeded)
			SELECT subject, $1, key_ref, 'm' || n, 'query viewer', 1 FROM api_request_subjects JOIN api_request_keys USING (owner_id), generate_series(1, $2::bigint) n
			ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM made`, e.At.Truncate(time.Hour), many.groups)
		_, groups, err := r.Analytics(t.Context(), v, w)
		if fault.Is(err, fault.Invalid) != many.refused || !many.refused && int64(len(groups)) != many.groups+1 {
			t.Errorf("%d more groups: %d, %v", many.groups, len(groups), err)
		}
	}
}

// Three instances that write rows of the same keys at once lose and double none, and none
// of them waits for ever.
func TestInstancesWriteTheSameSums(t *testing.T) {
	a := newRoom(t)
	all := []*room{a, newRoomOn(t, a.db, a.bus), newRoomOn(t, a.db, a.bus)}
	v := a.account()
	keys := []viewer.Viewer{key(v), key(v), key(v), key(v)}
	const batches, size = 25, 40
	var writers sync.WaitGroup
	for n, r := range all {
		writers.Go(func() {
			for range batches {
				var rows []requestlog.Entry
				for range size {
					e := r.entry(keys[rand.IntN(len(keys))])
					e.At = e.At.Add(-time.Duration(rand.IntN(5000)) * time.Second)
					e.ModelID, e.OutputTokens, e.ID = fmt.Sprint("m", rand.IntN(3)), 1, fmt.Sprintf("req_%d_%d", n, rand.Int64())
					rows = append(rows, e)
				}
				for _, e := range rows {
					r.Record(e)
				}
			}
		})
	}
	writers.Wait()
	until(t, func() bool { return a.count(`SELECT count(*) FROM api_request_logs`) == int64(len(all)*batches*size) })
	total := a.total(v)
	if want := int64(len(all) * batches * size); total.Requests != want || total.OutputTokens != want || a.count(`SELECT sum(requests)::bigint FROM api_request_days`) != want {
		t.Errorf("the sums are of %d requests and %d tokens, want %d", total.Requests, total.OutputTokens, want)
	}
}
