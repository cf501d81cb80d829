package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// Job is the name under which Kick gets its turns.
const Job = "exports.resume"

// errLost ends the writing of an export that has gone to another instance, or is nobody's
// any more.
var errLost = errors.New("the export is no longer this instance's to write")

// Kick has this instance write what waits, if it has the room.
func (s *Service) Kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return // who is at work looks again afterwards
	}
	s.working.Add(1)
	go func() {
		defer s.working.Done()
		defer func() { <-s.slots }()
		if err := s.Resume(s.life); err != nil && s.life.Err() == nil {
			s.Log.Error("write exports; it is tried again", "err", err)
		}
	}()
}

// Resume writes, one after the other, the exports that wait or whose instance died. It ends
// when there are none.
func (s *Service) Resume(ctx context.Context) error {
	var failed []error
	for ctx.Err() == nil {
		e, err := s.claim(ctx)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if e == nil {
			break
		}
		err = s.write(ctx, e)
		if err != nil && !errors.Is(err, errLost) {
			failed = append(failed, fmt.Errorf("export %s: %w", e.ID, err))
		}
	}
	return errors.Join(failed...)
}

// claim takes the export that has waited longest; nil when there is none. One that was
// begun too often has failed.
func (s *Service) claim(ctx context.Context) (*models.Export, error) {
	now := s.Clock.Now()
	err := s.DB.Gorm(ctx).Exec(`UPDATE exports SET status = 'FAILED', finished_at = ? WHERE status = 'RUNNING' AND lease_expires_at <= ? AND epoch >= ?`, now, now, maxTries).Error
	if err != nil {
		return nil, fmt.Errorf("give up exports: %w", database.Translate(err))
	}
	var found []models.Export
	err = s.DB.Gorm(ctx).Raw(`UPDATE exports SET epoch = epoch + 1, lease_expires_at = ?, rows_done = 0 WHERE (owner_id, id) IN (
			SELECT owner_id, id FROM exports WHERE status = 'RUNNING' AND lease_expires_at <= ? ORDER BY lease_expires_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING *`, now.Add(lease), now).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("take an export: %w", database.Translate(err))
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// write writes the file of an export that was claimed.
func (s *Service) write(ctx context.Context, e *models.Export) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	s.writing[e.ID] = cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.writing, e.ID)
	}()
	s.removeParts(e.ID, e.Epoch)
	path := s.part(e.ID, e.Epoch)
	defer func() { _ = os.Remove(path) }() // it has its own name by then, or is no good
	size, err := s.guarded(ctx, e, path)
	if err == nil {
		err = s.finish(ctx, e, path, size)
	}
	if fault.Is(err, fault.NotFound) || err != nil && errors.Is(context.Cause(ctx), errLost) { // the owner is gone, or goes
		return errLost
	}
	if err == nil {
		s.Log.InfoContext(ctx, "wrote an export", "export", e.ID, "bytes", size, "attempt", e.Epoch)
	}
	return err
}

// guarded is writeFile; what panics there has failed, and ends nothing else.
func (s *Service) guarded(ctx context.Context, e *models.Export, path string) (size int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("writing the file broke down: %s\n%s", fault.OfPanic(p), debug.Stack())
		}
	}()
	return s.writeFile(ctx, e, path)
}

func (s *Service) writeFile(ctx context.Context, e *models.Export, path string) (size int64, err error) {
	key, err := s.Owners.Key(ctx, e.OwnerID)
	if err != nil {
		return 0, err //nolint:wrapcheck // a fault
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("make the file of an export: %w", database.Translate(err))
	}
	defer func() { _ = file.Close() }() // closed before when all went well
	sealed := newSealer(file, key, e.OwnerID, e.ID)
	if err := s.pack(ctx, e, key, sealed); err != nil {
		return 0, database.Translate(err)
	}
	if err := errors.Join(sealed.Close(), file.Sync(), file.Close()); err != nil {
		return 0, fmt.Errorf("write the file of an export: %w", database.Translate(err))
	}
	return sealed.written, nil
}

// finish makes the file the export's, if it is still this instance's to write. The file gets
// its name under the row's lock: whoever takes the export over, or deletes it with its owner,
// comes before or after that, so no file of a writer that was fenced off lies under the name.
func (s *Service) finish(ctx context.Context, e *models.Export, path string, size int64) error {
	// Once it is there it is told, though the instance may be on its way down.
	err := s.DB.Tx(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		now := s.Clock.Now()
		done := tx.Exec(`UPDATE exports SET status = 'READY', rows_done = rows_total, bytes = ?, finished_at = ?, expires_at = ?
			WHERE owner_id = ? AND id = ? AND epoch = ? AND status = 'RUNNING'`, size, now, now.Add(TTL), e.OwnerID, e.ID, e.Epoch)
		if done.Error != nil {
			return done.Error //nolint:wrapcheck // wrapped below
		}
		if done.RowsAffected == 0 {
			return errLost
		}
		return os.Rename(path, s.path(e.ID)) //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("finish an export: %w", err)
	}
	return s.dropOlder(ctx, e.OwnerID)
}

// removeParts removes what was written of an export before an epoch, by instances that died
// or lost the lease. Who writes there still learns it with its next sign of life.
func (s *Service) removeParts(exportID string, before int) {
	for epoch := 1; epoch < before; epoch++ {
		_ = os.Remove(s.part(exportID, epoch)) // what stays is swept later
	}
}

// part is where an export is written before it has its file.
func (s *Service) part(exportID string, epoch int) string {
	return filepath.Join(s.Dir, fmt.Sprintf("%s.%d.part", exportID, epoch))
}

// path is where the file of an export lies.
func (s *Service) path(exportID string) string { return filepath.Join(s.Dir, exportID+ending) }

const ending = ".zip.sealed"

// beat notes how far an export is, and that its instance lives. It refuses with errLost.
func (s *Service) beat(ctx context.Context, e *models.Export, done int64) error {
	alive := s.DB.Gorm(ctx).Exec(`UPDATE exports SET rows_total = ?, rows_done = ?, lease_expires_at = ? WHERE owner_id = ? AND id = ? AND epoch = ? AND status = 'RUNNING'`,
		e.RowsTotal, min(done, e.RowsTotal), s.Clock.Now().Add(lease), e.OwnerID, e.ID, e.Epoch)
	if alive.Error != nil {
		return fmt.Errorf("note how far an export is: %w", database.Translate(alive.Error))
	}
	if alive.RowsAffected == 0 {
		return errLost
	}
	return nil
}
