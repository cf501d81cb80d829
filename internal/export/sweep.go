package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// SweepJob is the name under which Sweep gets its turns.
const SweepJob = "exports.sweep"

// orphanAge is how long a file may lie that is nobody's: it may be about to become
// somebody's.
const orphanAge = 10 * time.Minute

// Sweep deletes exports whose time is over, with their files, and files that are nobody's
// any more. It says how many exports and how many files of nobody.
func (s *Service) Sweep(ctx context.Context) (expired, orphans int, err error) {
	var ids []string
	err = s.DB.Gorm(ctx).Raw(`DELETE FROM exports WHERE expires_at <= ? RETURNING id`, s.Clock.Now()).Scan(&ids).Error
	if err != nil {
		return 0, 0, fmt.Errorf("delete old exports: %w", database.Translate(err))
	}
	for _, exportID := range ids {
		s.remove(exportID)
	}
	orphans, err = s.sweepFiles(ctx)
	return len(ids), orphans, err
}

// sweepFiles removes files without an export: their owner is gone, or their instance was
// killed.
func (s *Service) sweepFiles(ctx context.Context) (n int, err error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return 0, fmt.Errorf("read the folder of exports: %w", err)
	}
	for _, entry := range entries {
		exportID, rest, _ := strings.Cut(entry.Name(), ".")
		info, err := entry.Info()
		if err != nil || !id.Is(id.Export, exportID) || s.Clock.Now().Sub(info.ModTime()) < orphanAge {
			continue // gone meanwhile, not ours, or too young
		}
		var e []models.Export
		if err := s.DB.Gorm(ctx).Where("id = ?", exportID).Limit(1).Find(&e).Error; err != nil {
			return n, fmt.Errorf("find the export of a file: %w", database.Translate(err))
		}
		if len(e) == 1 && ("."+rest == ending || e[0].Status == models.ExportRunning) {
			continue
		}
		if err := os.Remove(filepath.Join(s.Dir, entry.Name())); err == nil {
			n++
		}
	}
	return n, nil
}

// remove removes the file of an export; what stays is swept later.
func (s *Service) remove(exportID string) {
	if err := os.Remove(s.path(exportID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.Error("remove the file of an export; it is tried again", "export", exportID, "err", err)
	}
}

// dropOlder leaves an owner its newest files only.
func (s *Service) dropOlder(ctx context.Context, ownerID string) error {
	var ids []string
	err := s.DB.Gorm(context.WithoutCancel(ctx)).Raw(`UPDATE exports SET expires_at = ? WHERE (owner_id, id) IN (
			SELECT owner_id, id FROM exports WHERE owner_id = ? AND status = 'READY' ORDER BY id DESC OFFSET ?)
		RETURNING id`, s.Clock.Now(), ownerID, kept).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("drop older exports: %w", database.Translate(err))
	}
	for _, exportID := range ids {
		s.remove(exportID)
	}
	return nil
}

// ShutTx takes from an owner that is deleted its exports. told stops what this instance
// writes for it and removes the files; other instances stop by themselves within a second.
func (s *Service) ShutTx(tx *gorm.DB, ownerID string) (counts map[string]int64, told func(), err error) {
	var ids []string
	if err := tx.Raw(`DELETE FROM exports WHERE owner_id = ? RETURNING id`, ownerID).Scan(&ids).Error; err != nil {
		return nil, nil, fmt.Errorf("delete exports: %w", err)
	}
	return map[string]int64{"exports": int64(len(ids))}, func() {
		for _, exportID := range ids {
			s.mu.Lock()
			if cancel := s.writing[exportID]; cancel != nil {
				cancel(errLost)
			}
			s.mu.Unlock()
			s.remove(exportID)
			s.removeParts(exportID, maxTries+1) // also those of an instance that died
		}
	}, nil
}
