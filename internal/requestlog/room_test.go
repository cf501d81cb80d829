package requestlog_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const day = 24 * time.Hour

// room is the logs of one test, with a clock that is moved by hand.
type room struct {
	*requestlog.Service
	t   testing.TB
	db  *database.DB
	bus *bus.Bus
	now atomic.Pointer[time.Time]
	up  atomic.Int64 // of the process, in nanoseconds
	log *lines
}

// lines is a log that can be looked at.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRoom(t testing.TB, change ...func(*requestlog.Config)) *room {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newRoomOn(t, dbtest.New(t), b, change...)
}

// newRoomOn is an instance beside others.
func newRoomOn(t testing.TB, db *database.DB, b *bus.Bus, change ...func(*requestlog.Config)) *room {
	t.Helper()
	r := &room{t: t, db: db, bus: b, log: new(lines)}
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r.now.Store(&began)
	tell := func(context.Context) (time.Time, error) { return *r.now.Load(), nil }
	c := requestlog.Config{DB: r.db, Bus: b, Clock: clock.Func(func() time.Time { return *r.now.Load() }), Every: time.Millisecond, SecondClock: tell,
		Uptime: func() time.Duration { return time.Duration(r.up.Load()) }, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, f := range change {
		f(&c)
	}
	r.Service = requestlog.New(c)
	r.must(r.Start(t.Context()))
	t.Cleanup(func() {
		r.Close(context.Background())
		if t.Failed() {
			t.Log(r.log)
		}
	})
	return r
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// pass moves the clock, evenly.
func (r *room) pass(d time.Duration) {
	later := r.now.Load().Add(d)
	r.now.Store(&later)
	r.up.Add(int64(d))
}

// jump sets the clock alone.
func (r *room) jump(d time.Duration) {
	later := r.now.Load().Add(d)
	r.now.Store(&later)
}

// account makes an owner, who has keys without end.
func (r *room) account() viewer.Viewer {
	r.t.Helper()
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner), Key: new(seal.Key)}
	_, err := r.db.Pool().Exec(r.t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x00', now(), now())`, v.OwnerID)
	r.must(err)
	return v
}

// key is a program of the account's.
func key(v viewer.Viewer, scopes ...models.Scope) viewer.Viewer {
	k := viewer.Viewer{Kind: viewer.APIKey, OwnerID: v.OwnerID, Key: v.Key, KeyID: id.New(id.APIKey)}
	for _, s := range scopes {
		k.Scopes = append(k.Scopes, string(s))
	}
	return k
}

// entry is a request of the key's, now.
func (r *room) entry(k viewer.Viewer) requestlog.Entry {
	return requestlog.Entry{ID: id.New(id.Request), At: *r.now.Load(), OwnerID: k.OwnerID, KeyID: k.KeyID, Route: "query viewer", Status: 200, Took: 12 * time.Millisecond}
}

// write writes rows in one batch.
func (r *room) write(rows ...requestlog.Entry) {
	r.t.Helper()
	r.must(r.WriteForTest(r.t.Context(), rows))
}

// list is all rows that the viewer is shown.
func (r *room) list(v viewer.Viewer, f requestlog.Filter) (out []*models.RequestLog) {
	r.t.Helper()
	l := requestlog.List{Filter: f}
	for l.Page.Size = 7; ; {
		rows, more, err := r.Logs(r.t.Context(), v, l)
		r.must(err)
		if out = append(out, rows...); !more {
			return out
		}
		l.Page.After = requestlog.Position(rows[len(rows)-1])
	}
}

// total sums up everything.
func (r *room) total(v viewer.Viewer) requestlog.Total {
	r.t.Helper()
	total, _, err := r.Analytics(r.t.Context(), v, requestlog.Window{From: r.now.Load().Add(-399 * day), To: r.now.Load().Add(time.Second), By: []models.RequestDimension{models.RequestsByRoute}})
	r.must(err)
	return total
}

// count is what a statement counts.
func (r *room) count(sql string, args ...any) (n int64) {
	r.t.Helper()
	r.must(r.db.Pool().QueryRow(r.t.Context(), sql, args...).Scan(&n))
	return n
}
