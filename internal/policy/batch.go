package policy

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	factsSQL = `SELECT o.n, EXISTS (SELECT FROM age_confirmations a WHERE a.owner_id = o.id),
	EXISTS (SELECT FROM policy_acceptances p WHERE p.owner_id = o.id AND p.version = ANY($2::text[])) FROM unnest($1::text[]) WITH ORDINALITY AS o(id, n)`
	consentsSQL = `SELECT o.n, coalesce(c.granted, false) AND c.provider = $3 FROM unnest($1::text[]) WITH ORDINALITY AS o(id, n)
LEFT JOIN LATERAL (SELECT granted, provider FROM consents WHERE owner_id = o.id AND kind = $2 ORDER BY number DESC LIMIT 1) c ON true`
)

// QueueChecks is CheckTx for many owners in one round trip, their gates empty, as those of
// API keys are. refuse is called when the batch is read, with the number of who may not
// send and why. Nothing is asked where nothing is left to ask.
func (s *Service) QueueChecks(b *pgx.Batch, vs []viewer.Viewer, refuse func(n int, err error)) {
	current := s.Current().Version
	owners := make([]string, len(vs))
	settled := true
	for i, v := range vs {
		owners[i] = v.OwnerID
		settled = settled && s.settled.has(v.OwnerID, current)
	}
	if !settled {
		b.Queue(factsSQL, owners, s.sufficient()).Query(func(rows pgx.Rows) error {
			var n int
			var f facts
			_, err := pgx.ForEachRow(rows, []any{&n, &f.age, &f.policy}, func() error {
				if err := s.refusal(f, vs[n-1].Gate); err != nil {
					refuse(n-1, err)
				} else {
					s.settled.add(owners[n-1], current)
				}
				return nil
			})
			return wrap(err)
		})
	}
	provider := s.provider()
	if provider == "" {
		return
	}
	b.Queue(consentsSQL, owners, models.ConsentExternalInference, provider).Query(func(rows pgx.Rows) error {
		var n int
		var agreed bool
		_, err := pgx.ForEachRow(rows, []any{&n, &agreed}, func() error {
			if !agreed {
				refuse(n-1, errConsent(provider))
			}
			return nil
		})
		return wrap(err)
	})
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("read what owners confirmed: %w", err)
	}
	return nil
}
