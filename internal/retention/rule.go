package retention

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

// rule is a table whose rows end, and the statements for it. It is named by its table.
type rule struct {
	register.Table
	max, idle time.Duration

	table  string // quoted
	clock  string // the time that counts, as SQL
	unused string // the time since when it lies idle, as SQL; empty: none
	among  string // which rows the rule is for, as SQL
}

func (r rule) job() string { return r.Retention.By }

// word is what values look like in the register; nothing else gets into a statement.
var word = regexp.MustCompile(`^[A-Z_]+$`)

// ruleOf reads the rule of a table that has a clock.
func ruleOf(t register.Table) (rule, error) {
	quote := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	of := t.Retention
	r := rule{Table: t, max: time.Duration(of.Max), table: quote(t.Name), clock: quote(of.Clock)}
	if of.Guests > 0 {
		r.max = time.Duration(of.Guests)
	}
	if of.Or != "" {
		r.clock = "COALESCE(" + r.clock + ", " + quote(of.Or) + ")"
	}
	if of.Idle != nil {
		r.idle, r.unused = time.Duration(of.Idle.Max), quote(of.Idle.Clock)
	}
	among := []string{r.clock + " IS NOT NULL"}
	for _, part := range []struct {
		is     string
		values map[string]string
	}{{"=", of.Only}, {"<>", of.Except}} {
		for _, column := range slices.Sorted(maps.Keys(part.values)) {
			if !word.MatchString(part.values[column]) {
				return r, fmt.Errorf("table %s, retention: %s: %q is no word in capitals", t.Name, column, part.values[column])
			}
			among = append(among, quote(column)+" "+part.is+" '"+part.values[column]+"'")
		}
	}
	r.among = strings.Join(among, " AND ")
	return r, nil
}

// over is the condition under which a row has ended by a time.
func (r rule) over(at time.Time) (string, []any) {
	args := []any{at.Add(-r.max)}
	cond := r.clock + " <= $1"
	if r.unused != "" {
		args = append(args, at.Add(-r.idle))
		cond = "(" + cond + " OR " + r.unused + " <= $2)"
	}
	return r.among + " AND " + cond, args
}

// dueSQL counts what has ended by a time, up to limit.
func (r rule) dueSQL(at time.Time, limit int64) (string, []any) {
	cond, args := r.over(at)
	return fmt.Sprintf("SELECT count(*) FROM (SELECT FROM %s WHERE %s LIMIT $%d) due", r.table, cond, len(args)+1), append(args, limit)
}

// deleteSQL deletes some of what has ended by a time, oldest first. Who uses a row just now
// keeps it until the next sweep.
func (r rule) deleteSQL(at time.Time, some int) (string, []any) {
	cond, args := r.over(at)
	return fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s WHERE %s ORDER BY %s LIMIT $%d FOR UPDATE SKIP LOCKED))",
		r.table, r.table, cond, r.clock, len(args)+1), append(args, some)
}

// oldestSQL asks for the clock of the oldest row.
func (r rule) oldestSQL() string {
	return fmt.Sprintf("SELECT min(%s) FROM %s WHERE %s", r.clock, r.table, r.among)
}

// end is when a row ends, as SQL; its arguments are max and idle in microseconds.
func (r rule) end() string {
	end := r.clock + " + $1::bigint * interval '1 microsecond'"
	if r.unused == "" {
		return end
	}
	return "LEAST(" + end + ", " + r.unused + " + $2::bigint * interval '1 microsecond')"
}

// upcomingSQL counts what ends before a time, by day; what is over already counts to the
// day of since.
func (r rule) upcomingSQL(since, before time.Time) (string, []any) {
	args := []any{r.max.Microseconds()}
	if r.unused != "" {
		args = append(args, r.idle.Microseconds())
	}
	args = append(args, since, before)
	return fmt.Sprintf("SELECT date_trunc('day', GREATEST(%s, $%d), 'UTC') AS day, count(*) FROM %s WHERE %s AND %s < $%d GROUP BY 1 ORDER BY 1",
		r.end(), len(args)-1, r.table, r.among, r.end(), len(args)), args
}
