package apikey

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// goodKeysSQL looks each key up by itself, whatever the server thinks of the table's size.
const goodKeysSQL = `SELECT k.owner_id, k.id FROM unnest($1::text[], $2::text[]) AS o(owner, id)
CROSS JOIN LATERAL (SELECT owner_id, id FROM api_keys WHERE owner_id = o.owner AND id = o.id AND revoked_at IS NULL OFFSET 0) k`

// QueueChecks is CheckTx for many viewers in one round trip: refuse is called when the
// batch is read, with the number of whose key was revoked or is gone. It locks nothing:
// callers make what they begin known to StopKey and OnRevoked before they look.
func (s *Service) QueueChecks(b *pgx.Batch, vs []viewer.Viewer, refuse func(n int, err error)) {
	type key struct{ owner, id string }
	at := map[key][]int{}
	var owners, ids []string
	for n, v := range vs {
		k := key{v.OwnerID, v.KeyID}
		if at[k] == nil {
			owners, ids = append(owners, k.owner), append(ids, k.id)
		}
		at[k] = append(at[k], n)
	}
	b.Queue(goodKeysSQL, owners, ids).
		Query(func(rows pgx.Rows) error {
			var k key
			if _, err := pgx.ForEachRow(rows, []any{&k.owner, &k.id}, func() error { delete(at, k); return nil }); err != nil {
				return fmt.Errorf("look for API keys: %w", err)
			}
			for _, all := range at {
				for _, n := range all {
					refuse(n, errRevoked())
				}
			}
			return nil
		})
}
