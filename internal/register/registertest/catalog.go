package registertest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
)

// catalog is what the database says of its tables.
type catalog map[string]*tableInfo

type tableInfo struct {
	columns     map[string]columnInfo
	key         []string
	checks      []string
	references  map[string]reference // by column
	needs       []string             // tables whose row must be there first
	partitioned string               // the column of its partitions
}

type columnInfo struct{ typ string }

type reference struct{ table, column string }

// refer notes what a column refers to. A reference that comes later, or leads into the same
// table, says nothing of columns of the key: those come from elsewhere or are the row's own.
func (t *tableInfo) refer(column string, r reference, loose bool) {
	if _, has := t.references[column]; loose && (has || slices.Contains(t.key, column)) {
		return
	}
	t.references[column] = r
}

func (c catalog) column(table, column string) columnInfo {
	if t := c[table]; t != nil {
		return t.columns[column]
	}
	return columnInfo{}
}

func (c catalog) table(name string) *tableInfo {
	if c[name] == nil {
		c[name] = &tableInfo{columns: map[string]columnInfo{}, references: map[string]reference{}}
	}
	return c[name]
}

const (
	columnsSQL = `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`
	keysSQL = `SELECT c.relname, a.attname
		FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND i.indisprimary ORDER BY 1, k.place`
	checksSQL = `SELECT c.relname, pg_get_constraintdef(k.oid)
		FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND k.contype = 'c'`
	referencesSQL = `SELECT c.relname, a.attname, o.relname, b.attname, k.condeferrable
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class o ON o.oid = k.confrelid
		CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS p(mine, theirs)
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.mine JOIN pg_attribute b ON b.attrelid = o.oid AND b.attnum = p.theirs
		WHERE c.relnamespace = 'public'::regnamespace AND k.contype = 'f' ORDER BY k.oid`
	partitionedSQL = `SELECT c.relname, a.attname
		FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]`
)

func readCatalog(ctx context.Context, db *database.DB) (catalog, error) {
	c := catalog{}
	var table, column, third, fourth string
	var later bool
	for _, q := range []struct {
		sql  string
		into []any
		note func()
	}{
		{columnsSQL, []any{&table, &column, &third}, func() { c.table(table).columns[column] = columnInfo{third} }},
		{keysSQL, []any{&table, &column}, func() { c.table(table).key = append(c.table(table).key, column) }},
		{checksSQL, []any{&table, &third}, func() { c.table(table).checks = append(c.table(table).checks, conjuncts(third)...) }},
		{partitionedSQL, []any{&table, &column}, func() { c.table(table).partitioned = column }},
		{referencesSQL, []any{&table, &column, &third, &fourth, &later}, func() {
			c.table(table).refer(column, reference{third, fourth}, later || third == table)
			if !later && third != table {
				c.table(table).needs = append(c.table(table).needs, third)
			}
		}},
	} {
		found, err := db.Pool().Query(ctx, q.sql)
		if err != nil {
			return nil, err
		}
		if _, err := pgx.ForEachRow(found, q.into, func() error { q.note(); return nil }); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// inOrder puts tables after those that they need.
func (f *filler) inOrder(tables []register.Table) (out []register.Table) {
	done := map[string]bool{}
	var put func(t register.Table)
	put = func(t register.Table) {
		if done[t.Name] {
			return
		}
		done[t.Name] = true
		for _, need := range append(f.catalog.table(t.Name).needs, after[t.Name]...) {
			if other, ok := f.reg.Table(need); ok && other.Subject.Personal() {
				put(other)
			}
		}
		out = append(out, t)
	}
	for _, t := range tables {
		put(t)
	}
	return out
}

// makePartitions makes those that the rows fall into, of a day each.
func (f *filler) makePartitions(ctx context.Context, db *database.DB, tables []register.Table) error {
	for _, t := range tables {
		column := f.catalog.table(t.Name).partitioned
		if column == "" {
			continue
		}
		day := (*f.values[t.Name+"."+column])[:10]
		_, err := db.Pool().Exec(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM ('%s 00:00:00+00') TO ('%s 00:00:00+00'::timestamptz + interval '1 day')",
			quote(t.Name+"_"+strings.ReplaceAll(day, "-", "")), quote(t.Name), day, day))
		if err != nil {
			return fmt.Errorf("make a partition of %s: %w", t.Name, err)
		}
	}
	return nil
}

// conjuncts are the conditions that a check joins by AND, without what is around them.
func conjuncts(check string) []string {
	parts := strings.Split(strings.TrimPrefix(strings.Join(strings.Fields(check), " "), "CHECK "), " AND ")
	for i := range parts {
		parts[i] = strings.Trim(parts[i], "()")
	}
	return parts
}

// The forms of conditions of one column, as Postgres writes them.
var (
	likeCheck   = regexp.MustCompile(`^(\w+) ~~ '([^']*)%'::text$`)
	oneOfCheck  = regexp.MustCompile(`^(\w+) = ANY \(ARRAY\[(.+)\]$`)
	lengthCheck = regexp.MustCompile(`^(?:octet_)?length\((\w+)\) = (\d+)$`)
	mostCheck   = regexp.MustCompile(`^length\((\w+)\) <= (\d+)$`)
	quoted      = regexp.MustCompile(`'([^']*)'`)
)

// limits are what the checks of a column alone allow.
type limits struct {
	prefix         string
	oneOf          []string
	length, atMost string
}

func (f *filler) limits(table, column string) (l limits) {
	for _, check := range f.catalog.table(table).checks {
		if m := likeCheck.FindStringSubmatch(check); m != nil && m[1] == column {
			l.prefix = strings.ReplaceAll(m[2], `\_`, "_")
		}
		if m := oneOfCheck.FindStringSubmatch(check); m != nil && m[1] == column {
			for _, one := range quoted.FindAllStringSubmatch(m[2], -1) {
				l.oneOf = append(l.oneOf, one[1])
			}
		}
		if m := lengthCheck.FindStringSubmatch(check); m != nil && m[1] == column {
			l.length = m[2]
		}
		if m := mostCheck.FindStringSubmatch(check); m != nil && m[1] == column {
			l.atMost = m[2]
		}
	}
	return l
}
