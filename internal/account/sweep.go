package account

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// sweepBatch is how many rows Sweep deletes at once.
const sweepBatch = 1000

// Sweep deletes accounts' sessions, operator links and e-mail changes that have run
// out, in batches, and says how many. They count as gone without it; it only frees
// what is left of them. A row goes only when the database's own clock agrees that it
// has run out, so that one machine's wrong clock signs nobody out.
func (s *Service) Sweep(ctx context.Context) (total int64, err error) {
	now := s.clock.Now()
	for _, sweep := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM sessions WHERE (owner_id, id) IN (SELECT owner_id, id FROM sessions
			WHERE method <> 'GUEST' AND (created_at <= LEAST($1, now() - interval '30 days') OR last_seen_at <= LEAST($2, now() - interval '7 days'))
			LIMIT $3 FOR UPDATE SKIP LOCKED)`, []any{now.Add(-SessionTTL), now.Add(-SessionIdle), sweepBatch}},
		{`DELETE FROM operator_links WHERE token_hash IN (SELECT token_hash FROM operator_links
			WHERE expires_at <= LEAST($1, now()) LIMIT $2 FOR UPDATE SKIP LOCKED)`, []any{now, sweepBatch}},
		{`DELETE FROM email_changes WHERE owner_id IN (SELECT owner_id FROM email_changes
			WHERE expires_at <= LEAST($1, now()) LIMIT $2 FOR UPDATE SKIP LOCKED)`, []any{now, sweepBatch}},
	} {
		for {
			gone, err := s.db.Pool().Exec(ctx, sweep.query, sweep.args...)
			if err != nil {
				return total, fmt.Errorf("sweep what has run out: %w", database.Translate(err))
			}
			total += gone.RowsAffected()
			if gone.RowsAffected() < sweepBatch {
				break
			}
		}
	}
	return total, nil
}
