package requestlog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// readHours adds hours, to and from what begins and ends a window with their quarters.
func (r *report) readHours(ctx context.Context, tx pgx.Tx, s spans, begin, end time.Time) error {
	if len(s.from) == 0 {
		return nil
	}
	var c conditions
	cut := ", CASE WHEN " + r.cut(&c, begin, end) + " THEN quarters ELSE '' END"
	rows, err := r.readSpans(ctx, tx, s, hoursTable, "hour", cut, c)
	if err != nil {
		return err
	}
	var parts pgtype.DriverBytes
	return eachSum(rows, func(g group, sum *Sum, first, took []byte) error {
		if err := r.bounded(); err != nil {
			return err
		}
		for _, c := range r.clocks {
			c.look(time.Unix(g.hour, 0).UTC())
		}
		if len(parts) > 0 {
			return r.addParts(g, begin, end, parts)
		}
		return r.add(g, 0, sum, first, took)
	}, &parts)
}

// add adds the sum of an hour or, of a group's hour, of the quarter i. What the group of
// its third has of it already is taken off there.
func (r *report) add(g group, i int, sum *Sum, first, took []byte) error {
	decoded := false
	for _, a := range r.all {
		home, there := a.steps.homes[g.hour-g.hour%thirdSeconds]
		start := a.steps.starts[i]
		if a.many || there && home == start {
			continue
		}
		if !decoded {
			if err := r.bars.read(first, took); err != nil {
				return err
			}
			decoded = true
		}
		a.group(g.keyRef, g.model, g.route, start).addBars(g.route, sum, &r.bars, false)
		if there {
			a.group(g.keyRef, g.model, g.route, home).addBars(g.route, sum, &r.bars, true)
		}
	}
	return nil
}

// cut is the condition under which an hour is looked at by its quarters: where the window
// cuts it, or the zone does.
func (r *report) cut(c *conditions, begin, end time.Time) string {
	c.args = append(c.args, begin, end)
	sql := fmt.Sprintf("hour < $%d OR hour + interval '1 hour' > $%d", len(c.args)-1, len(c.args))
	if r.oddZone(begin, end) {
		c.args = append(c.args, r.cutHours(begin, end))
		sql += fmt.Sprintf(" OR hour = ANY($%d::timestamptz[])", len(c.args))
	}
	return "(" + sql + ")"
}

// oddZone reports whether the zone is off by less than whole hours at some time between.
func (r *report) oddZone(begin, end time.Time) bool {
	for t := begin; ; {
		local := t.In(r.zone)
		if _, offset := local.Zone(); offset%3600 != 0 {
			return true
		}
		_, next := local.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return false
		}
		t = next
	}
}

// cutHours are the hours whose quarters lie in different days or hours of the zone.
func (r *report) cutHours(begin, end time.Time) (out []time.Time) {
	for h := begin.Truncate(time.Hour); h.Before(end); h = h.Add(time.Hour) {
		if slices.ContainsFunc(r.clocks, func(c *steps) bool { c.look(h); return c.starts[0] != c.starts[quarters-1] }) {
			out = append(out, h)
		}
	}
	return out
}

func (r *report) addParts(g group, begin, end time.Time, encoded []byte) error {
	parts, err := readParts(encoded)
	if err != nil {
		return err
	}
	for i := range parts {
		at := time.Unix(g.hour, 0).Add(time.Duration(i) * quarter)
		if parts[i].rows() == 0 || at.Before(begin) || !at.Before(end) {
			continue
		}
		if err := r.add(g, i, &parts[i].Sum, parts[i].first, parts[i].took); err != nil {
			return err
		}
	}
	return nil
}
