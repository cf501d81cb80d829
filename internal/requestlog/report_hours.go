package requestlog

import (
	"context"
	"fmt"
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
		if r.look(time.Unix(g.hour, 0).UTC()); len(parts) > 0 {
			return r.addParts(g, begin, end, parts)
		}
		return r.add(g, 0, sum, first, took)
	}, &parts)
}

// add adds the sum of an hour or, of a group's hour, of the quarter i. What the group of
// its third has of it already is taken off there.
func (r *report) add(g group, i int, sum *Sum, first, took []byte) error {
	home, there := r.homes[g.hour-g.hour%thirdSeconds]
	if there && home == r.starts[i] {
		return nil
	}
	if err := r.group(g.keyRef, g.model, g.route, r.starts[i]).read(g.route, sum, first, took, false); err != nil || !there {
		return err
	}
	return r.group(g.keyRef, g.model, g.route, home).read(g.route, sum, first, took, true)
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
		if r.look(h); r.starts[0] != r.starts[quarters-1] {
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

// read adds a sum with its encoded histograms, or takes it off.
func (t *Total) read(route string, sum *Sum, first, took []byte, off bool) error {
	if off {
		less := sum.negative()
		sum = &less
	}
	t.add(route, sum)
	if err := t.first.read(first, off); err != nil {
		return err
	}
	return t.took.read(took, off)
}
