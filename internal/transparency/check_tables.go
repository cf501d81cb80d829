package transparency

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// Which tables and columns there are is the register's word: no table is named here.

// columnsSQL lists the columns of all tables; those of partitions are their table's.
const columnsSQL = `SELECT c.relname::text, a.attname::text FROM pg_class c
	JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
	ORDER BY 1, 2`

// registerComplete compares the register with the database as it is.
func (s *Service) registerComplete(ctx context.Context) (Result, error) {
	rows, err := s.DB.Pool().Query(ctx, columnsSQL)
	if err != nil {
		return Result{}, fmt.Errorf("list the columns: %w", database.Translate(err))
	}
	there := map[string]bool{}
	var table, column string
	if _, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error { there[table+"."+column] = true; return nil }); err != nil {
		return Result{}, fmt.Errorf("list the columns: %w", database.Translate(err))
	}
	var gone []string
	n := len(there)
	for _, t := range s.Register.Tables {
		for _, c := range t.Columns {
			if name := t.Name + "." + c.Name; !there[name] {
				gone = append(gone, name)
			} else {
				delete(there, name)
			}
		}
	}
	var unknown []string
	for name := range there {
		if !isDetached(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	switch {
	case len(unknown) > 0:
		return red(found("columns_unknown", "names", unknown))
	case len(gone) > 0:
		return amber(found("columns_gone", "names", gone))
	}
	return green(found("columns_described", "columns", n, "tables", len(s.Register.Tables)))
}

// isDetached reports whether a column is that of a partition on its way out: its name ends
// in a day.
func isDetached(name string) bool {
	table, _, _ := strings.Cut(name, ".")
	i := strings.LastIndexByte(table, '_')
	_, err := time.Parse("20060102", table[i+1:])
	return err == nil
}

// sampled is about how many rows of a table are looked at.
const sampled = 20_000

// columnsSealed looks whether what has to be encrypted is. Of large tables it takes a
// sample, another one each time.
func (s *Service) columnsSealed(ctx context.Context) (r Result, err error) {
	err = pgx.BeginTxFunc(ctx, s.DB.Pool(), pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '0', true)`); err != nil { // ctx bounds it
			return err
		}
		r, err = columnsSealedTx(ctx, tx, s.Register)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("look for what is not encrypted: %w", database.Translate(err))
	}
	return r, nil
}

func columnsSealedTx(ctx context.Context, tx pgx.Tx, held *register.Register) (Result, error) {
	var looked int64
	var columns int
	var bare []string
	for _, t := range held.Tables {
		for _, c := range t.Columns {
			if c.Store != register.Sealed {
				continue
			}
			columns++
			n, open, err := unsealed(ctx, tx, t.Name, c.Name)
			if err != nil {
				return Result{}, err
			}
			if looked += n; open > 0 {
				bare = append(bare, fmt.Sprintf("%s.%s (%d)", t.Name, c.Name, open))
			}
		}
	}
	if len(bare) > 0 {
		return red(found("values_open", "columns", bare))
	}
	if looked == 0 {
		return green(found("nothing_to_seal", "columns", columns))
	}
	return green(found("values_sealed", "values", looked, "columns", columns))
}

// unsealed counts the values of a column that were looked at, and those among them that
// were never sealed.
func unsealed(ctx context.Context, tx pgx.Tx, table, column string) (looked, open int64, err error) {
	name, value := pgx.Identifier{table}.Sanitize(), pgx.Identifier{column}.Sanitize()
	var rows float64
	if err := tx.QueryRow(ctx, `SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = $1::text::regclass`, name).Scan(&rows); err != nil {
		return 0, 0, err
	}
	from := name
	if rows > sampled {
		from += fmt.Sprintf(" TABLESAMPLE SYSTEM (%f)", 100*sampled/rows)
	}
	err = tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(*) FILTER (WHERE length(%[2]s) < $1 OR get_byte(substring(%[2]s FROM 1 FOR 1), 0) <> $2) FROM %[1]s WHERE length(%[2]s) > 0`, from, value),
		seal.Overhead, seal.Version).Scan(&looked, &open)
	return looked, open, err
}
