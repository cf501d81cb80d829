package requestlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// maxSubjects bounds the memory of subjects.
const maxSubjects = 20_000

// who is whose key it is that a row is of, as the account knows it.
type who struct{ ownerID, keyID string }

// numbers stand for it in the rows. They are zero where the account is gone.
type numbers struct{ subject, keyRef int64 }

// subjects remembers numbers. They never change; those of an account that has gone lead
// to nothing any more, so that a row under them is nobody's.
type subjects struct {
	mu sync.Mutex
	by map[who]numbers
}

func (s *subjects) get(w who) (numbers, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.by[w]
	return n, ok
}

func (s *subjects) put(found map[who]numbers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil || len(s.by) > maxSubjects {
		s.by = map[who]numbers{}
	}
	for w, n := range found {
		s.by[w] = n
	}
}

// numbersOf are those of all rows. Accounts and keys that have none yet get them.
func (s *Service) numbersOf(ctx context.Context, rows []Entry) (map[who]numbers, error) {
	out := map[who]numbers{}
	var missing []who
	for i := range rows {
		w := who{rows[i].OwnerID, rows[i].KeyID}
		if _, ok := out[w]; ok {
			continue
		}
		n, ok := s.subjects.get(w)
		if out[w] = n; !ok {
			missing = append(missing, w)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	found, err := s.enter(ctx, missing)
	if err != nil {
		return nil, err
	}
	s.subjects.put(found)
	for w, n := range found {
		out[w] = n
	}
	return out, nil
}

// enter finds or makes numbers. An account that is gone has none: where one of many is,
// each is asked for by itself.
func (s *Service) enter(ctx context.Context, all []who) (map[who]numbers, error) {
	found, err := s.enterTogether(ctx, all)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return found, nil
	case !errors.As(err, &refused) || refused.Code != "23503": // foreign_key_violation
		return nil, err
	case len(all) == 1:
		return map[who]numbers{all[0]: {}}, nil
	}
	found = map[who]numbers{}
	for _, w := range all {
		one, err := s.enter(ctx, []who{w})
		if err != nil {
			return nil, err
		}
		found[w] = one[w]
	}
	return found, nil
}

func (s *Service) enterTogether(ctx context.Context, all []who) (map[who]numbers, error) {
	owners, keys := make([]string, len(all)), make([]string, len(all))
	for i, w := range all {
		owners[i], keys[i] = w.ownerID, w.keyID
	}
	for _, sql := range []string{
		`INSERT INTO api_request_subjects (owner_id) SELECT DISTINCT o FROM unnest($1::text[]) o WHERE $2::text[] IS NOT NULL ORDER BY o ON CONFLICT DO NOTHING`,
		`INSERT INTO api_request_keys (owner_id, key_id) SELECT DISTINCT o, k FROM unnest($1::text[], $2::text[]) g(o, k) ORDER BY o, k ON CONFLICT DO NOTHING`,
	} {
		if _, err := s.DB.Pool().Exec(ctx, sql, owners, keys); err != nil {
			return nil, fmt.Errorf("number the keys of request logs: %w", database.Translate(err))
		}
	}
	rows, err := s.DB.Pool().Query(ctx, `SELECT owner_id, key_id, subject, key_ref FROM api_request_keys k JOIN api_request_subjects s USING (owner_id)
		JOIN unnest($1::text[], $2::text[]) g(owner_id, key_id) USING (owner_id, key_id)`, owners, keys)
	if err != nil {
		return nil, fmt.Errorf("number the keys of request logs: %w", database.Translate(err))
	}
	found := map[who]numbers{}
	var w who
	var n numbers
	_, err = pgx.ForEachRow(rows, []any{&w.ownerID, &w.keyID, &n.subject, &n.keyRef}, func() error {
		found[w] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("number the keys of request logs: %w", database.Translate(err))
	}
	for _, w := range all { // one that went meanwhile
		if _, ok := found[w]; !ok {
			found[w] = numbers{}
		}
	}
	return found, nil
}

// reader is what leads from an account to its rows and back.
type reader struct {
	subject int64
	keyOf   map[int64]string // by number
	refOf   map[string]int64
}

// reader finds it; subject is zero for an account of which nothing was ever kept.
func (s *Service) reader(ctx context.Context, ownerID string) (reader, error) {
	r := reader{keyOf: map[int64]string{}, refOf: map[string]int64{}}
	rows, err := s.DB.Pool().Query(ctx, `SELECT subject, key_id, key_ref FROM api_request_subjects s JOIN api_request_keys k USING (owner_id) WHERE owner_id = $1`, ownerID)
	if err != nil {
		return r, fmt.Errorf("find request logs: %w", database.Translate(err))
	}
	var keyID string
	var ref int64
	_, err = pgx.ForEachRow(rows, []any{&r.subject, &keyID, &ref}, func() error {
		r.keyOf[ref], r.refOf[keyID] = keyID, ref
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("find request logs: %w", database.Translate(err))
	}
	return r, nil
}
