package account_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// A database that nobody has analyzed yet takes every table for small; a guest is looked up
// by its keys there too, and not among all who were active lately.
func TestAGuestIsLookedUpByItsKeys(t *testing.T) {
	db := dbtest.New(t)
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, q := range []string{
		"SET LOCAL plan_cache_mode = force_generic_plan",
		"PREPARE find (bytea, timestamptz) AS " + account.FindByTicket + "$1 AND o.last_active_at > $2",
	} {
		if _, err := tx.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := tx.Query(t.Context(), `EXPLAIN EXECUTE find ('\x00', now())`)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "\n")
	if !strings.Contains(text, "owners_pkey") || !strings.Contains(text, "sessions_token") || strings.Contains(text, "owners_guests") {
		t.Error(text)
	}
}
