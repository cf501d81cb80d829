// Package registertest fills every personal table of the register with values that are
// found again: canaries. Tests look for them in exports, on pages, and where they must not
// be. What a table's columns may hold is read from the database's own checks, so a new
// table is filled without a change here unless a check spans several columns (see odd).
package registertest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// Owner is whose rows are made. An owner that is in the database already keeps its row.
type Owner struct {
	ID      string
	Key     *seal.Key
	Wrapped []byte // the key's wrapped form
}

// NewOwner is an owner with a key of the keeper's.
func NewOwner(t testing.TB, keeper *seal.Keeper, id string) Owner {
	t.Helper()
	key, wrapped, err := keeper.NewKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return Owner{ID: id, Key: key, Wrapped: wrapped}
}

// Canary is the value of a column of the row that Fill made.
type Canary struct {
	Table, Column string
	// Text is the value: what a sealed one opens to, bytes in hex with a leading \x, all
	// else as Postgres writes it. Empty for NULL.
	Text string
	// Unique says that Text is found in no other column, as is neither an enum's nor a
	// reference to another row.
	Unique bool
	Stored register.Store
	Export bool
}

// Canaries are those of all personal tables, in the register's order.
type Canaries []Canary

// Of is the canary of a column.
func (c Canaries) Of(table, column string) Canary {
	i := slices.IndexFunc(c, func(c Canary) bool { return c.Table == table && c.Column == column })
	if i < 0 {
		return Canary{Table: table, Column: column}
	}
	return c[i]
}

// Fill gives the owner a row in each personal table (in messages and ledger_entries one
// more besides, which the first needs) with a canary in each column that can hold one. All
// of them live still: nothing has expired and nothing is being erased.
func Fill(t testing.TB, db *database.DB, reg *register.Register, owner Owner) Canaries {
	t.Helper()
	f := &filler{reg: reg, owner: owner, values: map[string]*string{}, unique: map[string]bool{}, resolving: map[string]bool{}}
	if err := f.fill(t.Context(), db); err != nil {
		t.Fatalf("fill the tables: %v", err)
	}
	return f.canaries
}

// filler works out the values. They are texts that Postgres reads as the column's type.
type filler struct {
	reg       *register.Register
	owner     Owner
	catalog   catalog
	count     int
	values    map[string]*string // by table.column; nil is NULL
	unique    map[string]bool
	resolving map[string]bool
	canaries  Canaries
}

func (f *filler) fill(ctx context.Context, db *database.DB) (err error) {
	if f.count, err = begin(ctx, db); err != nil {
		return err
	}
	if f.catalog, err = readCatalog(ctx, db); err != nil {
		return err
	}
	tables := f.reg.Personal()
	for _, t := range tables {
		for _, c := range t.Columns {
			f.value(t.Name, c.Name)
		}
	}
	if err := f.makePartitions(ctx, db, tables); err != nil {
		return err
	}
	tx, err := db.Pool().Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for _, t := range f.inOrder(tables) {
		if err := f.insert(ctx, tx, t); err != nil {
			return fmt.Errorf("%s: %w (when a check spans several columns, enter values into odd)", t.Name, err)
		}
	}
	for _, t := range tables {
		if err := f.readBack(ctx, tx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return tx.Commit(ctx)
}

// begin is a number that no other Fill of this database begins with.
func begin(ctx context.Context, db *database.DB) (n int, err error) {
	if _, err = db.Pool().Exec(ctx, "CREATE SEQUENCE IF NOT EXISTS registertest_fills"); err != nil {
		return 0, err
	}
	err = db.Pool().QueryRow(ctx, "SELECT nextval('registertest_fills')").Scan(&n)
	return n * 2000, err
}

func (f *filler) insert(ctx context.Context, tx pgx.Tx, t register.Table) error {
	row := map[string]*string{}
	for _, c := range t.Columns {
		row[c.Name] = f.values[t.Name+"."+c.Name]
	}
	rows := []map[string]*string{row}
	if more := companions[t.Name]; more != nil {
		rows = more(f, row)
	}
	var names, tuples []string
	var args []any
	for _, c := range t.Columns {
		names = append(names, quote(c.Name))
	}
	for _, row := range rows {
		var marks []string
		for _, c := range t.Columns {
			args = append(args, f.stored(t, c, row[c.Name]))
			marks = append(marks, fmt.Sprintf("$%d::text::%s", len(args), f.catalog.column(t.Name, c.Name).typ))
		}
		tuples = append(tuples, "("+strings.Join(marks, ", ")+")")
	}
	_, err := tx.Exec(ctx, "INSERT INTO "+quote(t.Name)+" ("+strings.Join(names, ", ")+") OVERRIDING SYSTEM VALUE VALUES "+
		strings.Join(tuples, ", ")+onConflict(t.Name), args...)
	return err
}

func onConflict(table string) string {
	if table == "owners" {
		return " ON CONFLICT DO NOTHING"
	}
	return ""
}

// stored is how a value is written: sealed ones are sealed first.
func (f *filler) stored(t register.Table, c register.Column, value *string) *string {
	if value == nil || c.Store != register.Sealed {
		return value
	}
	var row []string
	for part := range strings.SplitSeq(c.Row, "/") {
		row = append(row, *f.values[t.Name+"."+part])
	}
	sealed := f.owner.Key.SealString(seal.Place{Table: t.Name, Column: c.Name, Row: strings.Join(row, "/"), Owner: f.owner.ID}, *value)
	return hexed(sealed)
}

// readBack notes what the database holds: triggers may have changed sums.
func (f *filler) readBack(ctx context.Context, tx pgx.Tx, t register.Table) error {
	var names, where []string
	var args []any
	for _, c := range t.Columns {
		names = append(names, quote(c.Name)+"::text")
	}
	for _, k := range f.catalog[t.Name].key {
		args = append(args, f.values[t.Name+"."+k])
		where = append(where, fmt.Sprintf("%s = $%d::text::%s", quote(k), len(args), f.catalog.column(t.Name, k).typ))
	}
	found := make([]*string, len(t.Columns))
	into := make([]any, len(found))
	for i := range found {
		into[i] = &found[i]
	}
	sql := "SELECT " + strings.Join(names, ", ") + " FROM " + quote(t.Name) + " WHERE " + strings.Join(where, " AND ")
	if err := tx.QueryRow(ctx, sql, args...).Scan(into...); err != nil {
		return err
	}
	for i, c := range t.Columns {
		canary := Canary{Table: t.Name, Column: c.Name, Stored: c.Store, Export: c.Exported(), Unique: f.unique[t.Name+"."+c.Name]}
		switch value := f.values[t.Name+"."+c.Name]; {
		case c.Store == register.Sealed && value != nil:
			canary.Text = *value
		case found[i] != nil:
			canary.Text = *found[i]
		}
		f.canaries = append(f.canaries, canary)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func hexed(b []byte) *string {
	s := `\x` + hex.EncodeToString(b)
	return &s
}
