package floor

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

const listSQL = `SELECT c.id, c.title_sealed, c.updated_at, m.id, m.role, m.text_sealed, m.created_at
FROM (SELECT id, title_sealed, updated_at FROM conversations WHERE owner_id = $1 AND NOT archived
      ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT 20) c
CROSS JOIN LATERAL (SELECT id, role, text_sealed, created_at FROM messages
      WHERE owner_id = $1 AND conversation_id = c.id ORDER BY id DESC LIMIT 1) m`

// Lists answers the query "the 20 newest conversations with their last message" and
// nothing else: one SQL statement per request, the sealed columns opened, JSON
// appended by hand. Whom a cookie stands for it is told, not found out.
type Lists struct {
	pool   *pgxpool.Pool
	owners map[string]owner // by Cookie header
}

type owner struct {
	id  string
	key *seal.Key
}

// NewLists reads the keys of the owners whom the Cookie headers stand for.
func NewLists(ctx context.Context, pool *pgxpool.Pool, k *seal.Keeper, owners map[string]string) (*Lists, error) {
	l := &Lists{pool: pool, owners: map[string]owner{}}
	for cookie, id := range owners {
		var wrapped []byte
		if err := pool.QueryRow(ctx, `SELECT key_wrapped FROM owners WHERE id = $1`, id).Scan(&wrapped); err != nil {
			return nil, fmt.Errorf("read owner: %w", err)
		}
		key, err := k.Unwrap(id, wrapped)
		if err != nil {
			return nil, err
		}
		l.owners[cookie] = owner{id, key}
	}
	return l, nil
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// ServeHTTP answers with the list of the cookie's owner.
func (l *Lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o, ok := l.owners[r.Header.Get("Cookie")]
	if !ok {
		http.Error(w, "unknown cookie", http.StatusUnauthorized)
		return
	}
	var err error
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	*buf, err = l.list(r.Context(), o, (*buf)[:0])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(*buf)))
	_, _ = w.Write(*buf) // the client may be gone
}

func (l *Lists) list(ctx context.Context, o owner, b []byte) ([]byte, error) {
	rows, err := l.pool.Query(ctx, listSQL, o.id)
	if err != nil {
		return b, fmt.Errorf("list: %w", err)
	}
	defer rows.Close()
	b = append(b, `{"data":{"viewer":{"conversations":{"nodes":[`...)
	var r listRow
	for n := 0; rows.Next(); n++ {
		if err := rows.Scan(&r.id, &r.title, &r.updated, &r.message, &r.role, &r.text, &r.created); err != nil {
			return b, fmt.Errorf("list: %w", err)
		}
		if n > 0 {
			b = append(b, ',')
		}
		if b, err = r.append(b, o); err != nil {
			return b, err
		}
	}
	return append(b, `]}}}}`...), rows.Err()
}

// listRow is one conversation with its last message, sealed.
type listRow struct {
	id, message, role string
	title, text       []byte
	updated, created  time.Time
}

// timeLayout is how the API writes moments.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func (r *listRow) append(b []byte, o owner) ([]byte, error) {
	title, err := o.key.Open(seal.Place{Table: "conversations", Column: "title_sealed", Row: r.id, Owner: o.id}, r.title)
	if err != nil {
		return b, err
	}
	text, err := o.key.Open(seal.Place{Table: "messages", Column: "text_sealed", Row: r.message, Owner: o.id}, r.text)
	if err != nil {
		return b, err
	}
	b = append(append(b, `{"id":"`...), r.id...)
	b = quote(append(b, `","title":`...), title)
	b = append(b, `,"updatedAt":"`...)
	b = r.updated.UTC().AppendFormat(b, timeLayout)
	b = append(append(b, `","lastMessage":{"id":"`...), r.message...)
	b = append(append(b, `","role":"`...), r.role...)
	b = quote(append(b, `","text":`...), text)
	b = append(b, `,"createdAt":"`...)
	b = r.created.UTC().AppendFormat(b, timeLayout)
	return append(b, `"}}`...), nil
}

// quote appends s as a JSON string.
func quote(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for len(s) > 0 {
		c, n := utf8.DecodeRune(s)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
		s = s[n:]
	}
	return append(b, '"')
}
