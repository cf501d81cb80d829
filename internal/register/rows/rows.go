// Package rows reads what the database holds of one person, as the register describes it:
// the access page and exports are made of it. The statements are generated from the
// register, so a table or column that is registered is read, and no other is.
package rows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// ErrTable refuses tables that the register doesn't know, or that hold nothing of anybody.
var ErrTable = errors.New("the register knows no such table of somebody")

// Reader reads the rows of one owner at a time. Its methods may be used at once.
type Reader struct {
	DB       *database.DB
	Register *register.Register
}

// Row is one row: its exported columns in the register's order.
type Row struct {
	Values []Value
	// Position is where the row stands in the table's order, for Page.
	Position string
}

// Value is the value of one column: null, true, 12, "text" or whatever a sealed value
// opens to. Times are RFC 3339 in UTC, bytes hexadecimal as Postgres writes them, sealed
// bytes base64.
type Value struct {
	Name string
	JSON json.RawMessage
}

// Text is the value for somebody to read: a text itself, else its JSON; nothing for null.
func (v Value) Text() string {
	var text string
	if err := json.Unmarshal(v.JSON, &text); err == nil {
		return text // also of null
	}
	return string(v.JSON)
}

// Value is the value of a column, nil when it has none.
func (r Row) Value(name string) json.RawMessage {
	for _, v := range r.Values {
		if v.Name == name {
			return v.JSON
		}
	}
	return nil
}

// AppendJSON appends the row as an object.
func (r Row) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, v := range r.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, v.Name...) // columns have plain names
		b = append(b, '"', ':')
		b = append(b, v.JSON...)
	}
	return append(b, '}')
}

// Read yields the owner's rows of a table in the order of its primary key. It holds few of
// them at a time. key opens what is sealed; a value that doesn't open ends it with
// seal.ErrOpen.
func (r Reader) Read(ctx context.Context, owner string, key *seal.Key, table string, yield func(Row) error) error {
	return r.Snapshot(ctx, owner, key, func(s *Snapshot) error { return s.Read(ctx, table, yield) })
}

// Page is the owner's next rows, at most limit, after a row's Position; from the first one
// when it is empty.
func (r Reader) Page(ctx context.Context, owner string, key *seal.Key, table, after string, limit int) (page []Row, err error) {
	p, err := r.plan(ctx, table)
	if err != nil {
		return nil, err
	}
	sql, args, err := p.page(owner, after, limit)
	if err != nil {
		return nil, err
	}
	found, err := r.DB.Pool().Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, database.Translate(err))
	}
	_, err = p.each(found, owner, key, func(row Row) error { page = append(page, row); return nil })
	return page, err
}

// Count is how many rows of a table are the owner's.
func (r Reader) Count(ctx context.Context, owner, table string) (n int64, err error) {
	t, err := r.table(table)
	if err != nil {
		return 0, err
	}
	if err := r.DB.Pool().QueryRow(ctx, "SELECT count(*) FROM "+quote(t.Name)+" AS t WHERE "+r.owned(t, "t", "$1"), owner).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, database.Translate(err))
	}
	return n, nil
}

// Oldest is when the owner's oldest row of a table was made; ok is false when there is
// none, or when rows of the table have no time.
func (r Reader) Oldest(ctx context.Context, owner, table string) (at time.Time, ok bool, err error) {
	t, err := r.table(table)
	if err != nil {
		return at, false, err
	}
	column := born(t)
	if column == "" {
		return at, false, nil
	}
	var oldest *time.Time
	sql := "SELECT min(t." + quote(column) + ")::timestamptz FROM " + quote(t.Name) + " AS t WHERE " + r.owned(t, "t", "$1")
	if err := r.DB.Pool().QueryRow(ctx, sql, owner).Scan(&oldest); err != nil {
		return at, false, fmt.Errorf("ask %s for its oldest row: %w", table, database.Translate(err))
	}
	if oldest == nil {
		return at, false, nil
	}
	return oldest.UTC(), true, nil
}

// beginnings are the columns that say when a row was made, the best first.
var beginnings = []string{"created_at", "at", "started_at", "accepted_at", "confirmed_at", "received_at", "hour", "day"}

// born is the column that says when a row of the table was made, "" when none does.
func born(t register.Table) string {
	for _, name := range beginnings {
		if _, ok := t.Column(name); ok {
			return name
		}
	}
	return ""
}

// table is a table of somebody. It refuses with ErrTable.
func (r Reader) table(name string) (register.Table, error) {
	t, ok := r.Register.Table(name)
	if !ok || !t.Subject.Personal() {
		return t, fmt.Errorf("%q: %w", name, ErrTable)
	}
	return t, nil
}

// Snapshot has f read any number of tables as all of them were at one moment. Nothing of
// them is locked against writers; f should not take minutes.
func (r Reader) Snapshot(ctx context.Context, owner string, key *seal.Key, f func(*Snapshot) error) error {
	tx, err := r.DB.Pool().BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin to read: %w", database.Translate(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	return f(&Snapshot{reader: r, tx: tx, owner: owner, key: key, plans: map[string]plan{}})
}

// Snapshot is one moment of an owner's rows. Its methods may not be used at once, and a
// yield may not call them.
type Snapshot struct {
	reader Reader
	tx     pgx.Tx
	owner  string
	key    *seal.Key
	plans  map[string]plan
}

// batch is how many rows are fetched at a time.
const batch = 200

// Read yields the owner's rows of a table in the order of its primary key.
func (s *Snapshot) Read(ctx context.Context, table string, yield func(Row) error) error {
	return s.read(ctx, table, "", "", yield)
}

// ReadWhere yields those whose column holds a text.
func (s *Snapshot) ReadWhere(ctx context.Context, table, column, text string, yield func(Row) error) error {
	return s.read(ctx, table, column, text, yield)
}

func (s *Snapshot) read(ctx context.Context, table, column, text string, yield func(Row) error) error {
	p, known := s.plans[table]
	if !known {
		var err error
		if p, err = s.reader.plan(ctx, table); err != nil {
			return err
		}
		s.plans[table] = p
	}
	sql, args, err := p.whole(s.owner, column, text)
	if err != nil {
		return err
	}
	cursor := quote("read_" + table) // a name of its own: what a name's rows look like is remembered
	if _, err := s.tx.Exec(ctx, "DECLARE "+cursor+" NO SCROLL CURSOR FOR "+sql, args...); err != nil {
		return fmt.Errorf("read %s: %w", table, database.Translate(err))
	}
	fetch := fmt.Sprintf("FETCH FORWARD %d FROM %s", batch, cursor)
	for n := batch; n == batch; {
		found, err := s.tx.Query(ctx, fetch)
		if err != nil {
			return fmt.Errorf("read %s: %w", table, database.Translate(err))
		}
		if n, err = p.each(found, s.owner, s.key, yield); err != nil {
			return err
		}
	}
	if _, err := s.tx.Exec(ctx, "CLOSE "+cursor); err != nil {
		return fmt.Errorf("read %s: %w", table, database.Translate(err))
	}
	return nil
}
