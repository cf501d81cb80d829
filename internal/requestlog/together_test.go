package requestlog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// told is all that an analysis says, or its error.
func told(total requestlog.Total, groups []*requestlog.Group, err error) string {
	if err != nil {
		return err.Error()
	}
	say := func(t *requestlog.Total) string {
		out := fmt.Sprintf("%+v %d", t.Sum, t.Requests)
		for q := range 21 {
			first, begun := t.FirstToken(float64(q) / 20)
			took, ended := t.Latency(float64(q) / 20)
			out += fmt.Sprint(" ", first, begun, took, ended)
		}
		return out
	}
	out := say(&total)
	for _, g := range groups {
		out += fmt.Sprintf("\n%s %s %s %v: %s", g.KeyID, g.ModelID, g.Route, g.Start, say(&g.Total))
	}
	return out
}

// P77: analyses that are asked for together say what each says alone, whatever the windows,
// zones and dimensions are, beyond 90 days too and with those that are refused among them.
func TestTogetherAsAlone(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	keys := []viewer.Viewer{key(v, models.ScopeUsageRead), key(v), key(v)}
	r.seeded(keys, 1500)
	r.must(r.SumDays(t.Context()))
	r.seeded(keys, 500) // come late
	r.pass(5*day + 3*time.Hour + 7*time.Minute)
	all := []models.RequestDimension{models.RequestsByKey, models.RequestsByModel, models.RequestsByRoute, models.RequestsByDay, models.RequestsByHour}
	rapid.Check(t, func(t *rapid.T) {
		var windows []*requestlog.Window
		some := append([]string{"UTC", "UTC", "Mars/Base"}, zones...)
		add := func(w requestlog.Window, most int) {
			for _, by := range rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(all), 0, 3), 1, most).Draw(t, "by") {
				one := w
				one.By = by
				windows = append(windows, &one)
			}
		}
		w := requestlog.Window{Zone: rapid.SampledFrom(some).Draw(t, "zone")}
		length := rapid.SampledFrom([]time.Duration{0, time.Minute, 20 * time.Minute, time.Hour, 26 * time.Hour, 9 * day, 89 * day, 100 * day, 100 * day, 401 * day}).Draw(t, "length")
		w.To = r.now.Load().Add(-time.Duration(rapid.Int64Range(-int64(time.Hour), int64(20*day)).Draw(t, "to")))
		if rapid.Bool().Draw(t, "whole") {
			w.To = w.To.Truncate(rapid.SampledFrom([]time.Duration{time.Hour, 15 * time.Minute, day}).Draw(t, "to the")).Add(day)
		}
		w.From = w.To.Add(-length)
		if rapid.Bool().Draw(t, "a key") {
			w.KeyID = keys[rapid.IntRange(0, 1).Draw(t, "key")].KeyID
		}
		if rapid.IntRange(0, 3).Draw(t, "a model") == 0 {
			w.ModelID = "m1"
		}
		add(w, rapid.SampledFrom([]int{1, 4, 10}).Draw(t, "most"))
		switch rapid.SampledFrom([]string{"no key", "zone", "key", "model", "from", "to"}).Draw(t, "beside") {
		case "no key":
			w.KeyID = "none"
		case "zone":
			w.Zone = rapid.SampledFrom(some).Draw(t, "another zone")
		case "key":
			w.KeyID = keys[2].KeyID
		case "model":
			w.ModelID = "m2"
		case "from":
			w.From = w.From.Add(time.Hour)
		case "to":
			w.To = w.To.Add(-7 * time.Minute)
		}
		add(w, 2)
		asker := rapid.SampledFrom([]viewer.Viewer{v, v, keys[0], keys[1], {}}).Draw(t, "asker")
		got, errs := r.Analyses(r.t.Context(), asker, windows)
		for i, w := range windows {
			alone := told(r.Analytics(r.t.Context(), asker, *w))
			if together := told(got[i].Total, got[i].Groups, errs[i]); together != alone {
				t.Fatalf("%+v is together\n%s\nand alone\n%s", w, together, alone)
			}
		}
	})
}

// What has too many groups is refused alone: what is asked for beside it is answered.
func TestTooManyGroupsBesideOthers(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	e := r.entry(key(v))
	r.write(e)
	r.count(`WITH made AS (INSERT INTO api_request_hours (subject, hour, key_ref, model_id, route, succeeded)
		SELECT subject, $1, key_ref, 'm' || n, 'query viewer', 1 FROM api_request_subjects JOIN api_request_keys USING (owner_id), generate_series(1, 16000) n
		RETURNING 1) SELECT count(*) FROM made`, e.At.Truncate(time.Hour))
	var windows []*requestlog.Window
	for _, by := range []models.RequestDimension{models.RequestsByModel, models.RequestsByKey, models.RequestsByDay} {
		windows = append(windows, &requestlog.Window{From: e.At.Truncate(day), To: e.At.Truncate(day).Add(day), By: []models.RequestDimension{by}})
	}
	got, errs := r.Analyses(t.Context(), v, windows)
	if !fault.Is(errs[0], fault.Invalid) || errors.Join(errs[1:]...) != nil || got[1].Total.Requests != 16_001 || got[2].Total.Requests != 16_001 || len(got[1].Groups) != 1 {
		t.Errorf("%v: %d and %d requests", errs, got[1].Total.Requests, got[2].Total.Requests)
	}
}
