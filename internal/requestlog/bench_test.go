package requestlog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// full is an account's 25 groups in each hour of 90 days, and histograms as full as those of
// ten million rows.
func full(b *testing.B) (*room, viewer.Viewer) {
	b.Helper()
	r := newRoom(b)
	v := r.account()
	var rows []requestlog.Entry
	for range 5 {
		k := key(v)
		for group := range 5 {
			e := r.entry(k)
			if group > 0 {
				e.Route, e.ModelID = []string{"POST /v1/chat/completions", "POST /v1/messages"}[group%2], fmt.Sprint("model-", group/3)
			}
			for hour := range 90*24 - 1 {
				e.ID, e.At = fmt.Sprint("req_", len(rows)), r.now.Load().Add(-time.Duration(hour)*time.Hour)
				rows = append(rows, e)
			}
		}
	}
	slices.SortStableFunc(rows, func(x, y requestlog.Entry) int { return x.At.Compare(y.At) })
	for part := range slices.Chunk(rows, 1000) {
		r.write(part...)
	}
	r.must(r.SumDays(b.Context()))
	for table, n := range map[string]int{"api_request_hours": 185, "api_request_thirds": 1480} {
		var first, took []int
		for range n {
			first = append(first, int(200*(0.5+rand.ExpFloat64())))
			took = append(took, int(200*(0.5+rand.ExpFloat64())+8000*rand.ExpFloat64()))
		}
		_, err := r.db.Pool().Exec(b.Context(), "UPDATE "+table+" SET first_token = $1, latency = $2", requestlog.Encoded(first), requestlog.Encoded(took))
		r.must(err)
	}
	for _, sql := range []string{"VACUUM FULL api_request_hours", "VACUUM FULL api_request_thirds", "ANALYZE"} {
		_, err := r.db.Pool().Exec(b.Context(), sql)
		r.must(err)
	}
	return r, v
}

// BenchmarkPage is what the page of analytics asks for: one of its four analyses, all of
// them in requests of their own, and all in one.
func BenchmarkPage(b *testing.B) {
	r, v := full(b)
	for _, of := range []struct {
		step models.RequestDimension
		days int
		zone string
	}{{models.RequestsByDay, 90, "UTC"}, {models.RequestsByDay, 90, "Europe/Berlin"}, {models.RequestsByDay, 90, "Asia/Kathmandu"}, {models.RequestsByHour, 7, "Europe/Berlin"}} {
		windows := func(i int) (out []*requestlog.Window) {
			to := r.now.Load().Add(-time.Duration(i) * time.Minute)
			for _, by := range []models.RequestDimension{of.step, models.RequestsByKey, models.RequestsByModel, models.RequestsByRoute} {
				out = append(out, &requestlog.Window{From: to.Add(-time.Duration(of.days) * day), To: to, By: []models.RequestDimension{by}, Zone: of.zone})
			}
			return out
		}
		name := fmt.Sprintf("%dd/%s", of.days, of.zone)
		b.Run(name+"/one", func(b *testing.B) {
			for i := range b.N {
				_, _, err := r.Analytics(b.Context(), v, *windows(i % 60)[i%4])
				r.must(err)
			}
		})
		b.Run(name+"/apart", func(b *testing.B) {
			for i := range b.N {
				var all sync.WaitGroup
				for _, w := range windows(i % 60) {
					all.Go(func() {
						_, _, err := r.Analytics(b.Context(), v, *w)
						r.must(err)
					})
				}
				all.Wait()
			}
		})
		b.Run(name+"/together", func(b *testing.B) {
			for i := range b.N {
				_, errs := r.Analyses(b.Context(), v, windows(i%60))
				for _, err := range errs {
					r.must(err)
				}
			}
		})
	}
}
