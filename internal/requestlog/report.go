package requestlog

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// groupKey is what a group is of; what was not asked for is zero.
type groupKey struct {
	keyRef int64
	model  string
	route  string
	start  int64
}

// report is an analysis under way.
type report struct {
	Window
	zone *time.Location
	sel  selection
	now  time.Time
	by   map[groupKey]*Group

	// homes are the groups' starts that thirds are added to, by the thirds.
	homes map[int64]int64

	// The hour looked at last, and in which day or hour of the zone its quarters lie.
	hour   time.Time
	starts [quarters]int64
}

// read adds up the whole hours from their sums, quarters where an hour is cut, and rows
// where a quarter is: all as of one moment.
func (r *report) read(ctx context.Context, s *Service, v viewer.Viewer) error {
	return pgx.BeginTxFunc(ctx, s.DB.Pool(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		from, to := r.sel.From, r.sel.To
		if old := r.old(s.cutoff()); old.After(r.From) {
			if err := r.readDays(ctx, tx, v.OwnerID, old); err != nil {
				return err
			}
			from = later(from, old)
		}
		begin, end := from.Truncate(quarter), to.Truncate(quarter)
		if begin.Before(from) {
			begin = begin.Add(quarter)
		}
		if end.Before(to) && to.After(r.now) { // nothing comes from later than now
			end = end.Add(quarter)
		}
		if begin.After(end) || !from.Before(to) {
			return r.readRows(ctx, tx, from, to)
		}
		if err := r.readRows(ctx, tx, from, begin); err != nil {
			return err
		}
		if err := r.readSums(ctx, tx, begin, end); err != nil {
			return err
		}
		return r.readRows(ctx, tx, end, to)
	})
}

// group is the group of a row of the sums.
func (r *report) group(keyRef int64, model, route string, start int64) *Total {
	k := groupKey{}
	for _, d := range r.By {
		switch d {
		case models.RequestsByKey:
			k.keyRef = keyRef
		case models.RequestsByModel:
			k.model = model
		case models.RequestsByRoute:
			k.route = route
		case models.RequestsByDay, models.RequestsByHour:
			k.start = start
		}
	}
	g := r.by[k]
	if g == nil {
		g = &Group{KeyID: r.sel.keyOf[k.keyRef], ModelID: k.model, Route: k.route}
		if k.start != 0 {
			g.Start = time.Unix(k.start, 0).UTC()
		}
		r.by[k] = g
	}
	return &g.Total
}

// startOf is when the day or hour begins that a moment lies in; zero when neither is asked
// for.
func (r *report) startOf(t time.Time) int64 {
	switch local := t.In(r.zone); {
	case slices.Contains(r.By, models.RequestsByHour):
		return t.Truncate(time.Second).Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second).Unix()
	case slices.Contains(r.By, models.RequestsByDay):
		return sheet.DayStart(local.Year(), local.Month(), local.Day(), r.zone).Unix()
	}
	return 0
}

// look works out where the quarters of an hour lie.
func (r *report) look(hour time.Time) {
	if hour.Equal(r.hour) {
		return
	}
	r.hour = hour
	for i := range r.starts {
		r.starts[i] = r.startOf(hour.Add(time.Duration(i) * quarter))
	}
}

// result is all groups in the order of the dimensions, and their total.
func (r *report) result() (total Total, groups []*Group) {
	for _, g := range r.by {
		total.merge(&g.Total)
		if len(r.By) > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *Group) int {
		for _, d := range r.By {
			var c int
			switch d {
			case models.RequestsByKey:
				c = cmp.Compare(a.KeyID, b.KeyID)
			case models.RequestsByModel:
				c = cmp.Compare(a.ModelID, b.ModelID)
			case models.RequestsByRoute:
				c = cmp.Compare(a.Route, b.Route)
			case models.RequestsByDay, models.RequestsByHour:
				c = a.Start.Compare(b.Start)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return total, groups
}
