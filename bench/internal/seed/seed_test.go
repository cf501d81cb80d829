package seed_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/bench/internal/floor"
	"github.com/kimi-k2/kimi-k2/bench/internal/seed"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// super opens a fresh database as the superuser.
func super(t *testing.T) *pgxpool.Pool {
	t.Helper()
	own, err := url.Parse(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := url.Parse(dbtest.Admin(t))
	if err != nil {
		t.Fatal(err)
	}
	own.User = admin.User
	pool, err := pgxpool.New(t.Context(), own.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func count(t *testing.T, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSeededRowsAreAsTheProductStoresThem(t *testing.T) {
	pool := super(t)
	keeper, err := seal.NewKeeper(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if err := seed.Conversations(t.Context(), pool, keeper, clock.System{}, 10); err == nil {
		t.Error("conversations of nobody were no error")
	}
	owners := map[string]string{}
	for _, cookie := range []string{"guest=a", "guest=b"} {
		owner := id.New(id.Owner)
		_, wrapped, err := keeper.NewKey(owner)
		if err != nil {
			t.Fatal(err)
		}
		owners[cookie] = owner
		if _, err := pool.Exec(t.Context(), `INSERT INTO owners VALUES ($1, 'GUEST', $2, 0, now(), now())`, owner, wrapped); err != nil {
			t.Fatal(err)
		}
	}
	if err := seed.Conversations(t.Context(), pool, keeper, clock.System{}, 4101); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM conversations`: 4101,
		`SELECT count(*)::int / 10 FROM conversations WHERE owner_id = (SELECT min(id) FROM owners)`: 205,
		`SELECT count(*) FROM conversations c JOIN messages m ON (m.owner_id, m.conversation_id, m.id) = (c.owner_id, c.id, c.leaf_id)
			JOIN messages p ON (p.owner_id, p.conversation_id, p.id) = (m.owner_id, m.conversation_id, m.parent_id) WHERE p.parent_id IS NULL`: 4101,
		`SELECT count(*) FROM messages`: 8202,
	} {
		if got := count(t, pool, sql); got != want {
			t.Errorf("%s: %d, not %d", sql, got, want)
		}
	}
	h, err := floor.NewLists(t.Context(), pool, keeper, owners)
	if err != nil {
		t.Fatal(err)
	}
	checkList(t, h, "guest=b")
	if w := ask(t.Context(), h, "guest=c"); w.Code != http.StatusUnauthorized {
		t.Errorf("an unknown cookie: %d", w.Code)
	}
}

func ask(ctx context.Context, h http.Handler, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", nil)
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func checkList(t *testing.T, h http.Handler, cookie string) {
	t.Helper()
	w := ask(t.Context(), h, cookie)
	var got struct {
		Data struct {
			Viewer struct {
				Conversations struct {
					Nodes []struct {
						ID, Title   string
						UpdatedAt   time.Time
						LastMessage struct{ Role, Text string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %.300s", err, w.Body)
	}
	nodes := got.Data.Viewer.Conversations.Nodes
	if len(nodes) != 20 {
		t.Fatalf("%d conversations", len(nodes))
	}
	for i, n := range nodes {
		if n.Title == "" || n.LastMessage.Role != "ASSISTANT" || len(n.LastMessage.Text) < 100 || !id.Is(id.Conversation, n.ID) {
			t.Errorf("conversation %d: %+v", i, n)
		}
		if i > 0 && n.UpdatedAt.After(nodes[i-1].UpdatedAt) {
			t.Errorf("conversation %d is newer than the one before it", i)
		}
	}
}
