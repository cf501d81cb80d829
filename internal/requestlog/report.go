package requestlog

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/fault"
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

// report is analyses of one window under way: what they need is read once and added to
// each of them.
type report struct {
	Window // of which By says nothing
	zone   *time.Location
	sel    selection
	now    time.Time
	all    []*sums
	clocks []*steps // of all, each once

	bars bars // of what is added at the moment
}

// sums are the groups of one analysis.
type sums struct {
	of    []models.RequestDimension
	steps *steps
	keyOf map[int64]string
	by    map[groupKey]*Group
	many  bool // there are too many groups: none is kept
}

func newReport(w Window, zone *time.Location, sel selection, now time.Time, of [][]models.RequestDimension) *report {
	r := &report{Window: w, zone: zone, sel: sel, now: now}
	clocks := map[models.RequestDimension]*steps{}
	for _, by := range of {
		unit := unitOf(by)
		if clocks[unit] == nil {
			clocks[unit] = &steps{zone: zone, unit: unit}
		}
		r.all = append(r.all, &sums{of: by, steps: clocks[unit], keyOf: sel.keyOf, by: map[groupKey]*Group{}})
	}
	return r
}

// read adds up the whole hours from their sums, quarters where an hour is cut, and rows
// where a quarter is: all as of one moment.
func (r *report) read(ctx context.Context, s *Service, v viewer.Viewer) error {
	return pgx.BeginTxFunc(ctx, s.DB.Pool(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		rest := r.all
		if old := r.old(s.cutoff()); old.After(r.From) {
			var back []*sums
			back, rest = r.reaching()
			if err := r.only(back).readBack(ctx, tx, v.OwnerID, old); err != nil {
				return err
			}
		}
		return r.only(rest).readFrom(ctx, tx, r.sel.From)
	})
}

// only is the report with some of its analyses.
func (r *report) only(some []*sums) *report {
	part := *r
	part.all, part.clocks = some, nil
	for _, a := range some {
		if !slices.Contains(part.clocks, a.steps) {
			part.clocks = append(part.clocks, a.steps)
		}
	}
	return &part
}

// readBack adds the totals of the days before one, and all from it on.
func (r *report) readBack(ctx context.Context, tx pgx.Tx, ownerID string, old time.Time) error {
	if len(r.all) == 0 {
		return nil
	}
	if err := r.readDays(ctx, tx, ownerID, old); err != nil {
		return err
	}
	return r.readFrom(ctx, tx, later(r.sel.From, old))
}

// readFrom adds all from a moment on.
func (r *report) readFrom(ctx context.Context, tx pgx.Tx, from time.Time) error {
	if len(r.all) == 0 {
		return nil
	}
	to := r.sel.To
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
	switch err := r.readSums(ctx, tx, begin, end); {
	case errors.Is(err, errMany):
		return nil
	case err != nil:
		return err
	}
	return r.readRows(ctx, tx, end, to)
}

// group is the group of a row of the sums.
func (a *sums) group(keyRef int64, model, route string, start int64) *Total {
	k := groupKey{}
	for _, d := range a.of {
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
	g := a.by[k]
	if g == nil {
		g = &Group{KeyID: a.keyOf[k.keyRef], ModelID: k.model, Route: k.route}
		if k.start != 0 {
			g.Start = time.Unix(k.start, 0).UTC()
		}
		a.by[k] = g
	}
	return &g.Total
}

// result is all groups in the order of the dimensions, and their total.
func (a *sums) result() (out Analysis, err error) {
	if a.many || len(a.by) > maxGroups {
		return out, fault.On("by", fault.Invalid, "these are more than %d groups: ask for a shorter time or fewer dimensions", maxGroups)
	}
	for _, g := range a.by {
		out.Total.merge(&g.Total)
		if len(a.of) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	slices.SortFunc(out.Groups, func(x, y *Group) int {
		for _, d := range a.of {
			var c int
			switch d {
			case models.RequestsByKey:
				c = cmp.Compare(x.KeyID, y.KeyID)
			case models.RequestsByModel:
				c = cmp.Compare(x.ModelID, y.ModelID)
			case models.RequestsByRoute:
				c = cmp.Compare(x.Route, y.Route)
			case models.RequestsByDay, models.RequestsByHour:
				c = x.Start.Compare(y.Start)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return out, nil
}
