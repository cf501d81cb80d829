package rows

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// plan is how a table is read.
type plan struct {
	table  register.Table
	owned  string            // the condition that a row of t is the owner's, $1
	fields []register.Column // what is read of it, in order
	parts  []string          // the columns that name sealed values' rows
	key    []keyColumn       // its order
}

// keyColumn is a column of a primary key.
type keyColumn struct{ name, typ string }

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// plan is how a table is read. It refuses with ErrTable.
func (r Reader) plan(ctx context.Context, table string) (plan, error) {
	t, err := r.table(table)
	if err != nil {
		return plan{}, err
	}
	p := plan{table: t, owned: r.owned(t, "t", "$1")}
	seen := map[string]bool{}
	for _, c := range t.Columns {
		if !c.Exported() {
			continue
		}
		p.fields = append(p.fields, c)
		if c.Store != register.Sealed {
			continue
		}
		for part := range strings.SplitSeq(c.Row, "/") {
			if !seen[part] {
				seen[part] = true
				p.parts = append(p.parts, part)
			}
		}
	}
	p.key, err = r.primaryKey(ctx, table)
	return p, err
}

const keySQL = `SELECT a.attname, format_type(a.atttypid, a.atttypmod)
	FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
	JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.place`

// primaryKey asks the database for it: the register needn't repeat what decides nothing
// but an order.
func (r Reader) primaryKey(ctx context.Context, table string) (key []keyColumn, err error) {
	found, err := r.DB.Pool().Query(ctx, keySQL, quote(table))
	if err != nil {
		return nil, fmt.Errorf("ask for the key of %s: %w", table, database.Translate(err))
	}
	key, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (c keyColumn, err error) {
		err = row.Scan(&c.name, &c.typ)
		return c, err //nolint:wrapcheck // wrapped below
	})
	if err == nil && len(key) == 0 {
		err = fmt.Errorf("%q has no primary key", table)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the key of %s: %w", table, database.Translate(err))
	}
	return key, nil
}

// owned is the condition that a row of the table, named as alias, is the owner's.
func (r Reader) owned(t register.Table, alias, owner string) string {
	column := func(name string) string { return alias + "." + quote(name) }
	if t.Subject.Column != "" {
		return column(t.Subject.Column) + " = " + owner
	}
	via := t.Subject.Via
	other, ok := r.Register.Table(via.Table)
	if !ok || !other.Subject.Personal() || len(alias) > len(r.Register.Tables) {
		return "false" // the register is checked when it is loaded
	}
	next := alias + "t"
	return column(via.Column) + " IN (SELECT " + next + "." + quote(via.Key) + " FROM " + quote(via.Table) + " AS " + next +
		" WHERE " + r.owned(other, next, owner) + ")"
}

// selection is everything that is read of a row: its values, then the parts of sealed
// values' rows, then its key.
func (p plan) selection() string {
	var out []string
	for _, c := range p.fields {
		if c.Store == register.Sealed {
			out = append(out, "t."+quote(c.Name))
		} else {
			out = append(out, "to_json(t."+quote(c.Name)+")::text")
		}
	}
	for _, part := range p.parts {
		out = append(out, "t."+quote(part)+"::text")
	}
	for _, k := range p.key {
		out = append(out, "t."+quote(k.name)+"::text")
	}
	return strings.Join(out, ", ")
}

func (p plan) order() string {
	names := make([]string, len(p.key))
	for i, k := range p.key {
		names[i] = "t." + quote(k.name)
	}
	return strings.Join(names, ", ")
}

// whole is the statement that reads all rows, or those whose column holds a text.
func (p plan) whole(owner, column, text string) (sql string, args []any, err error) {
	where, args := p.owned, []any{owner}
	if column != "" {
		if _, ok := p.table.Column(column); !ok {
			return "", nil, fmt.Errorf("%s.%s: %w", p.table.Name, column, ErrTable)
		}
		where += " AND t." + quote(column) + " = $2"
		args = append(args, text)
	}
	return "SELECT " + p.selection() + " FROM " + quote(p.table.Name) + " AS t WHERE " + where + " ORDER BY " + p.order(), args, nil
}

// page is the statement that reads the rows after a position.
func (p plan) page(owner, after string, limit int) (sql string, args []any, err error) {
	where, args := p.owned, []any{owner}
	if after != "" {
		at, err := p.parsePosition(after)
		if err != nil {
			return "", nil, err
		}
		marks := make([]string, len(p.key))
		for i, k := range p.key {
			args = append(args, at[i])
			marks[i] = fmt.Sprintf("$%d::text::%s", len(args), k.typ)
		}
		where += " AND (" + p.order() + ") > (" + strings.Join(marks, ", ") + ")"
	}
	args = append(args, limit)
	return fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s ORDER BY %s LIMIT $%d", p.selection(), quote(p.table.Name), where, p.order(), len(args)), args, nil
}

func position(key [][]byte) string {
	texts := make([]string, len(key))
	for i, k := range key {
		texts[i] = string(k)
	}
	raw, _ := json.Marshal(texts) // texts always can be
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (p plan) parsePosition(text string) (at []string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err == nil && len(at) != len(p.key) {
		err = fmt.Errorf("%d parts instead of %d", len(at), len(p.key))
	}
	if err != nil {
		return nil, fmt.Errorf("a position in %s: %w", p.table.Name, err)
	}
	return at, nil
}

// each yields what was found, and says how many there were. It closes found.
func (p plan) each(found pgx.Rows, owner string, key *seal.Key, yield func(Row) error) (n int, err error) {
	defer found.Close()
	cells := make([][]byte, len(p.fields)+len(p.parts)+len(p.key))
	into := make([]any, len(cells))
	for i := range cells {
		into[i] = &cells[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return n, fmt.Errorf("read %s: %w", p.table.Name, err)
		}
		row, err := p.row(cells, owner, key)
		if err != nil {
			return n, err
		}
		if err := yield(row); err != nil {
			return n, err
		}
		n++
	}
	if err := found.Err(); err != nil {
		return n, fmt.Errorf("read %s: %w", p.table.Name, database.Translate(err))
	}
	return n, nil
}

func (p plan) row(cells [][]byte, owner string, key *seal.Key) (Row, error) {
	values, parts, keys := cells[:len(p.fields)], cells[len(p.fields):len(p.fields)+len(p.parts)], cells[len(p.fields)+len(p.parts):]
	row := Row{Values: make([]Value, len(p.fields)), Position: position(keys)}
	for i, c := range p.fields {
		row.Values[i] = Value{Name: c.Name, JSON: orNull(values[i])}
		if c.Store != register.Sealed {
			continue
		}
		plain, err := key.Open(seal.Place{Table: p.table.Name, Column: c.Name, Row: p.sealedRow(c, parts), Owner: owner}, values[i])
		if err != nil {
			return row, fmt.Errorf("read %s: %w", p.table.Name, err)
		}
		row.Values[i].JSON = opened(c, values[i] == nil, plain)
	}
	return row, nil
}

// sealedRow names the row of a sealed value.
func (p plan) sealedRow(c register.Column, parts [][]byte) string {
	var out []string
	for name := range strings.SplitSeq(c.Row, "/") {
		for i, part := range p.parts {
			if part == name {
				out = append(out, string(parts[i]))
			}
		}
	}
	return strings.Join(out, "/")
}

func orNull(raw []byte) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// opened is what was sealed as JSON.
func opened(c register.Column, null bool, plain []byte) json.RawMessage {
	switch {
	case null:
		return json.RawMessage("null")
	case c.As == "json" && json.Valid(plain):
		return plain
	case c.As == "bytes":
		raw, _ := json.Marshal(plain) // bytes always can be
		return raw
	}
	raw, _ := json.Marshal(string(plain)) // a text always can be
	return raw
}
