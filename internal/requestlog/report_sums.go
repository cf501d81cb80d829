package requestlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// spans are times, one after the other, as the arrays of a statement.
type spans struct{ from, to []time.Time }

// add adds what follows on them, to the last one where it does so at once.
func (s *spans) add(from, to time.Time) {
	if n := len(s.to); n > 0 && s.to[n-1].Equal(from) {
		s.to[n-1] = to
		return
	}
	s.from, s.to = append(s.from, from), append(s.to, to)
}

// readSums adds the quarters from begin to end, which are beginnings of quarters: in thirds
// of a day where there are some, and what these don't tell apart in hours.
func (r *report) readSums(ctx context.Context, tx pgx.Tx, begin, end time.Time) error {
	if !begin.Before(end) {
		return nil
	}
	all, err := partitions(ctx, tx)
	if err != nil {
		return err
	}
	thirds, hours := r.split(begin, end, summed(all))
	if err := r.readThirds(ctx, tx, thirds); err != nil {
		return err
	}
	if err := r.readHours(ctx, tx, hours, begin, end); err != nil {
		return err
	}
	for _, a := range r.all {
		maps.DeleteFunc(a.by, func(_ groupKey, g *Group) bool { return g.Total.Sum == Sum{} && g.Total.took != nil }) // all was taken off
	}
	return nil
}

// errMany means that there are more groups than may be asked for.
var errMany = errors.New("too many groups")

// bounded leaves out what is certain to have too many groups, and refuses with errMany when
// that is all. A group from which all is taken off in the end has a neighbour on either side
// at most that has some of it.
func (r *report) bounded() error {
	left := false
	for _, a := range r.all {
		if len(a.by) > 3*maxGroups {
			a.many, a.by = true, nil
		}
		left = left || !a.many
	}
	if !left {
		return errMany
	}
	return nil
}

// thirdHours is how many hours a third has.
const thirdHours = int(third / time.Hour)

// split says which thirds are read and which hours: all those of thirds that are not there,
// and those of others that lie in another step than most of their third, of any analysis.
func (r *report) split(begin, end time.Time, summed map[time.Time]bool) (thirds, hours spans) {
	for _, c := range r.clocks {
		c.homes = map[int64]int64{}
	}
	for t := begin.Truncate(third); t.Before(end); t = t.Add(third) {
		over := t.Add(third)
		if t.Before(begin) || over.After(end) || !summed[t.Truncate(dayLength)] {
			if over.After(end) {
				over = end
			}
			hours.add(later(t, begin.Truncate(time.Hour)), over)
			continue
		}
		var needed apart
		wanted := false
		for _, c := range r.clocks {
			some, there := c.settle(t)
			wanted = wanted || there
			for h := range needed {
				needed[h] = needed[h] || some[h]
			}
		}
		if wanted {
			thirds.add(t, over)
		}
		for h, is := range needed {
			if at := t.Add(time.Duration(h) * time.Hour); is {
				hours.add(at, at.Add(time.Hour))
			}
		}
	}
	return thirds, hours
}

// readThirds adds thirds.
func (r *report) readThirds(ctx context.Context, tx pgx.Tx, s spans) error {
	if len(s.from) == 0 {
		return nil
	}
	rows, err := r.readSpans(ctx, tx, s, thirdsTable, "third", "", conditions{})
	if err != nil {
		return err
	}
	return eachSum(rows, func(g group, sum *Sum, first, took []byte) error {
		if err := r.bounded(); err != nil {
			return err
		}
		if err := r.bars.read(first, took); err != nil {
			return err
		}
		for _, a := range r.all {
			if home, there := a.steps.homes[g.hour]; there && !a.many {
				a.group(g.keyRef, g.model, g.route, home).addBars(g.route, sum, &r.bars, false)
			}
		}
		return nil
	})
}

// readSpans asks for the sums of a table within spans: the columns of thirdColumns, and more
// of them. OFFSET 0 has the spans gone through one by one: joined in another way all that
// lies between them would be read.
func (r *report) readSpans(ctx context.Context, tx pgx.Tx, s spans, table, column, more string, c conditions) (pgx.Rows, error) {
	c.of(r.sel)
	c.add(column+" >= $?", s.from[0])
	c.add(column+" < $?", s.to[len(s.to)-1])
	c.args = append(c.args, s.from, s.to)
	return tx.Query(ctx, fmt.Sprintf(`SELECT h.* FROM unnest($%d::timestamptz[], $%d::timestamptz[]) s(since, until),
		LATERAL (SELECT %s%s FROM %s WHERE %s >= since AND %s < until AND %s OFFSET 0) h`, len(c.args)-1, len(c.args),
		strings.Replace(hourColumns, "hour", column, 1), more, table, column, column, strings.Join(c.sql, " AND ")), planned(c.args)...)
}
