package account

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// A session's and its owner's last sign of life are written at most every touchEvery.
// One further ahead than touchAhead was written by a clock that was wrong, and is
// put right.
const (
	touchEvery = 5 * time.Minute
	touchAhead = time.Hour
)

// touch notes that the viewer's session was used. It waits for nobody: when another
// transaction holds one of the rows, the next request notes it. That it could not be
// noted is logged and keeps nobody from reading.
func (s *Service) touch(ctx context.Context, v viewer.Viewer, last time.Time) {
	now := s.clock.Now()
	if now.Before(last.Add(touchEvery)) && !last.After(now.Add(touchAhead)) {
		return
	}
	_, err := s.db.Pool().Exec(ctx, `WITH held AS (
			SELECT o.id, s.id AS session_id FROM owners o JOIN sessions s ON s.owner_id = o.id
			WHERE o.id = $1 AND s.id = $2 AND s.last_seen_at = $3 FOR NO KEY UPDATE SKIP LOCKED),
		seen AS (UPDATE sessions s SET last_seen_at = $4 FROM held WHERE s.owner_id = held.id AND s.id = held.session_id)
		UPDATE owners o SET last_active_at = $4 FROM held WHERE o.id = held.id`, v.OwnerID, v.SessionID, last, now)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "note a session's use", "viewer", v, "err", err)
	}
}
