package dbtest

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// Dump returns everything the database holds in its own tables: each table as COPY
// writes it (bytea in hex), then the raw bytes of every bytea value and the unescaped
// text of every other one. Tests search it for what must not be there.
func Dump(t testing.TB, db *database.DB) string {
	t.Helper()
	var out bytes.Buffer
	if err := dump(t.Context(), db.Pool(), &out); err != nil {
		t.Fatalf("dump the database: %v", err)
	}
	return out.String()
}

// Values returns every value that the database holds in its own tables, each once: of bytea
// the raw bytes, of all others the text.
func Values(t testing.TB, db *database.DB) (out [][]byte) {
	t.Helper()
	conn, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tables, err := tablesOf(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, tb := range tables {
		for i, column := range tb.columns {
			err := values(t.Context(), conn, tb.name, column, tb.bytes[i], func(value []byte) {
				if !known[string(value)] {
					known[string(value)] = true
					out = append(out, bytes.Clone(value))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

const columns = `SELECT format('%I.%I', n.nspname, c.relname), array_agg(quote_ident(a.attname) ORDER BY a.attnum),
		array_agg(a.atttypid = 'bytea'::regtype ORDER BY a.attnum)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND a.attnum > 0 AND NOT a.attisdropped
	GROUP BY 1 ORDER BY 1`

func dump(ctx context.Context, pool *pgxpool.Pool, out *bytes.Buffer) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tables, err := tablesOf(ctx, conn)
	if err != nil {
		return err
	}
	for _, tb := range tables {
		fmt.Fprintf(out, "-- %s\n", tb.name)
		if _, err := conn.Conn().PgConn().CopyTo(ctx, out, "COPY "+tb.name+" TO STDOUT"); err != nil {
			return err
		}
		for i, column := range tb.columns {
			err := values(ctx, conn, tb.name, column, tb.bytes[i], func(value []byte) {
				fmt.Fprintf(out, "-- %s.%s: %s\n", tb.name, column, value)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// table is what a dump reads.
type table struct {
	name    string
	columns []string
	bytes   []bool // which of them are bytea
}

func tablesOf(ctx context.Context, conn *pgxpool.Conn) (out []table, err error) {
	rows, err := conn.Query(ctx, columns)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var tb table
		if err := rows.Scan(&tb.name, &tb.columns, &tb.bytes); err != nil {
			return nil, err
		}
		out = append(out, tb)
	}
	return out, rows.Err()
}

// values gives one column's values as they are.
func values(ctx context.Context, conn *pgxpool.Conn, table, column string, raw bool, give func(value []byte)) error {
	as := "::text"
	if raw {
		as = ""
	}
	rows, err := conn.Query(ctx, "SELECT "+column+as+" FROM "+table+" WHERE "+column+" IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		give(rows.RawValues()[0])
	}
	return rows.Err()
}

func digest(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return fmt.Sprintf("%x", h.Sum64())
}
