package account

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// OldestGuest is when the guest was last active that has been inactive for longest; ok is
// false when there is no guest. Guests that are being deleted don't count.
func (s *Service) OldestGuest(ctx context.Context) (at time.Time, ok bool, err error) {
	var found *time.Time
	err = s.db.Pool().QueryRow(ctx, `SELECT min(last_active_at) FROM owners WHERE kind = 'GUEST' AND erasing_at IS NULL`).Scan(&found)
	if err != nil || found == nil {
		return at, false, database.Translate(err)
	}
	return found.UTC(), true, nil
}

// DeletionFacts are numbers of deletions.
type DeletionFacts struct {
	Running, Done, Unasked int64
	Oldest                 time.Time // when the oldest began that runs; zero when none does
	Slowest                time.Duration
}

// DeletionFacts counts the deletions that run and those that began at a time or later.
func (s *Service) DeletionFacts(ctx context.Context, since time.Time) (f DeletionFacts, err error) {
	var oldest *time.Time
	var slowest float64
	err = s.db.Pool().QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = $2), min(started_at) FILTER (WHERE state = $2),
			count(*) FILTER (WHERE state = $3 AND started_at >= $1), count(*) FILTER (WHERE state = $3 AND started_at >= $1 AND elsewhere = $4),
			coalesce(extract(epoch FROM max(finished_at - started_at) FILTER (WHERE started_at >= $1)), 0)::float8
		FROM erasures`, since, models.Erasing, models.Erased, models.ElsewhereFailed).Scan(&f.Running, &oldest, &f.Done, &f.Unasked, &slowest)
	if err != nil {
		return f, fmt.Errorf("count deletions: %w", database.Translate(err))
	}
	if oldest != nil {
		f.Oldest = oldest.UTC()
	}
	f.Slowest = time.Duration(slowest * float64(time.Second))
	return f, nil
}

// Admins are all administrators' accounts, with their keys: mails to them are written as
// theirs.
func (s *Service) Admins(ctx context.Context) ([]viewer.Viewer, error) {
	var rows []struct {
		OwnerID    string
		KeyWrapped []byte
	}
	err := s.db.Gorm(ctx).Raw(`SELECT a.owner_id, o.key_wrapped FROM accounts a JOIN owners o ON o.id = a.owner_id
		WHERE a.role = ? AND o.erasing_at IS NULL ORDER BY a.owner_id`, models.RoleAccountAdmin).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find the administrators: %w", database.Translate(err))
	}
	out := make([]viewer.Viewer, len(rows))
	for i, r := range rows {
		key, err := s.keeper.Unwrap(r.OwnerID, r.KeyWrapped)
		if err != nil {
			return nil, err
		}
		out[i] = viewer.Viewer{Kind: viewer.Account, OwnerID: r.OwnerID, Key: key}
	}
	return out, nil
}
