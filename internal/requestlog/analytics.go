package requestlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	maxWindow = 400 * dayLength
	maxGroups = 5000
)

// Window is a time and how to sum up what happened in it. Days and hours begin in Zone, an
// IANA name; empty means UTC.
type Window struct {
	From, To       time.Time // To is not included
	By             []models.RequestDimension
	Zone           string
	KeyID, ModelID string // empty: all
}

// Total is what requests of a window add up to.
type Total struct {
	Sum
	Requests    int64 // replies are none
	first, took tally
}

// Errors is how many rows did not succeed, replies among them.
func (t *Total) Errors() int64 { return t.errors() }

// FirstToken is a quantile of the time until the first token, in milliseconds; false when
// no row has one.
func (t *Total) FirstToken(q float64) (ms int, ok bool) { return t.first.quantile(q) }

// Latency is a quantile of how long it took, in milliseconds; false when there is no row.
func (t *Total) Latency(q float64) (ms int, ok bool) { return t.took.quantile(q) }

func (t *Total) add(route string, sum *Sum) {
	t.Sum.add(sum)
	if route != models.RouteReply {
		t.Requests += sum.rows()
	}
}

func (t *Total) merge(o *Total) {
	t.Sum.add(&o.Sum)
	t.Requests += o.Requests
	t.first.add(o.first)
	t.took.add(o.took)
}

// Group is a total and what it is of; what was not asked for is empty.
type Group struct {
	KeyID, ModelID, Route string
	Start                 time.Time // of the day or hour
	Total                 Total
}

// Analytics sums up the viewer's rows in a window, in all and by the dimensions, in their
// order. The sums are exactly those of the rows; a quantile lies in the same bucket as the
// exact one, which is 1/64 wide.
//
// Rows are counted as long as Logs shows them. Of the time before, there are the totals of
// keys and days in UTC: windows by KEY and DAY in UTC reach back to them, without times.
// It refuses windows that are empty or longer than 400 days, unknown zones, and more than
// 5,000 groups.
func (s *Service) Analytics(ctx context.Context, v viewer.Viewer, w Window) (Total, []*Group, error) {
	zone, err := w.check()
	if err != nil {
		return Total{}, nil, err
	}
	sel, ok, err := s.selection(ctx, v, Filter{KeyID: w.KeyID, ModelID: w.ModelID, From: w.From, To: w.To})
	if err != nil || !ok {
		return Total{}, nil, err
	}
	r := &report{Window: w, zone: zone, sel: sel, now: s.Clock.Now(), by: map[groupKey]*Group{}}
	if err := r.read(ctx, s, v); err != nil {
		return Total{}, nil, fmt.Errorf("sum up request logs: %w", database.Translate(err))
	}
	if len(r.by) > maxGroups {
		return Total{}, nil, fault.On("by", fault.Invalid, "these are more than %d groups: ask for a shorter time or fewer dimensions", maxGroups)
	}
	total, groups := r.result()
	return total, groups, nil
}

func (w Window) check() (*time.Location, error) {
	switch {
	case !w.From.Before(w.To):
		return nil, fault.On("to", fault.Invalid, "`to` must be later than `from`")
	case w.To.Sub(w.From) > maxWindow:
		return nil, fault.On("to", fault.Invalid, "ask for 400 days at most")
	}
	return sheet.Zone(w.Zone)
}

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
		if err := r.readHours(ctx, tx, begin, end); err != nil {
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
		t := r.group(keyRef, e.ModelID, e.Route, r.startOf(e.At))
		var sum Sum
		sum.count(&e)
		t.add(e.Route, &sum)
		if first != nil {
			t.first.put(bar{uint32(bucketOf(*first)), 1}) //nolint:gosec // a bucket is small
		}
		t.took.put(bar{uint32(bucketOf(took)), 1}) //nolint:gosec // a bucket is small
		return nil
	})
	return err
}

// old is the day from which on rows are counted, where the days before have totals that
// fit the window: those of keys and days in UTC.
func (r *report) old(cutoff time.Time) time.Time {
	fits := r.ModelID == "" && (r.Zone == "" || r.Zone == "UTC")
	for _, d := range r.By {
		fits = fits && (d == models.RequestsByKey || d == models.RequestsByDay)
	}
	day := cutoff.Truncate(dayLength) // of which some is gone
	switch {
	case !fits || r.From.After(day):
		return time.Time{}
	case r.To.Before(day.Add(dayLength)):
		return day
	}
	return day.Add(dayLength)
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
		t := r.group(keyRef, "", "", day.Unix())
		sum.Succeeded, sum.Failed = max(requests-failed, 0), failed
		t.Sum.add(&sum)
		t.Requests += requests
		return nil
	})
	return err
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
