package requestlog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// readHours adds the quarters from begin to end, which are beginnings of quarters.
func (r *report) readHours(ctx context.Context, tx pgx.Tx, begin, end time.Time) error {
	if !begin.Before(end) {
		return nil
	}
	var c conditions
	c.of(r.sel)
	c.add("hour >= $?", begin.Truncate(time.Hour))
	c.add("hour < $?", end)
	rows, err := tx.Query(ctx, `SELECT hour, key_ref, model_id, route, succeeded, refused, limited, failed, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens,
			credits, first_token, latency, CASE WHEN `+r.cut(&c, begin, end)+` THEN quarters ELSE '' END
		FROM api_request_hours WHERE `+strings.Join(c.sql, " AND "), planned(c.args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var hour time.Time
	var keyRef int64
	var model, route string
	var sum Sum
	var first, took, parts pgtype.DriverBytes
	into := []any{&hour, &keyRef, &model, &route}
	for _, n := range sum.fields() {
		into = append(into, n)
	}
	into = append(into, &first, &took, &parts)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		r.look(hour)
		if len(parts) == 0 {
			t := r.group(keyRef, model, route, r.starts[0])
			if err := t.read(route, &sum, first, took); err != nil {
				return err
			}
		} else if err := r.addParts(hour, begin, end, keyRef, model, route, parts); err != nil {
			return err
		}
		if len(r.by) > maxGroups {
			break
		}
	}
	return rows.Err()
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

func (r *report) addParts(hour, begin, end time.Time, keyRef int64, model, route string, encoded []byte) error {
	parts, err := readParts(encoded)
	if err != nil {
		return err
	}
	for i := range parts {
		at := hour.Add(time.Duration(i) * quarter)
		if parts[i].rows() == 0 || at.Before(begin) || !at.Before(end) {
			continue
		}
		t := r.group(keyRef, model, route, r.starts[i])
		if err := t.read(route, &parts[i].Sum, parts[i].first, parts[i].took); err != nil {
			return err
		}
	}
	return nil
}

// read adds a sum with its encoded histograms.
func (t *Total) read(route string, sum *Sum, first, took []byte) error {
	t.add(route, sum)
	if err := eachBar(first, t.first.put); err != nil {
		return err
	}
	return eachBar(took, t.took.put)
}
