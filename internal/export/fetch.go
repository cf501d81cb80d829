package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// File is an export to be read. It has to be closed.
type File struct {
	io.Reader
	io.Closer
	Name string
	Size int64
}

// Open gives the file of a token to the owner for whom the token was made. To everybody
// else it refuses with NOT_FOUND, and so it does when the token's time or the file's is
// over.
func (s *Service) Open(ctx context.Context, v viewer.Viewer, token string) (*File, error) {
	if !mayExport(v) {
		return nil, fault.New(fault.Unauthenticated, "sign in as whoever made this file: nobody else gets it")
	}
	exportID, err := s.parseToken(v, token)
	if err != nil {
		return nil, err
	}
	var e models.Export
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		e = models.Export{}
		err := tx.Where("owner_id = ? AND id = ? AND status = ? AND expires_at > ?", v.OwnerID, exportID, models.ExportReady, s.Clock.Now()).Take(&e).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return fault.New(fault.NotFound, "this file is gone: files are kept for %d days, export again", int(TTL/(24*time.Hour)))
		}
		if err != nil {
			return fmt.Errorf("find an export: %w", err)
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditExportFetched, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Ref: e.ID}})
	})
	if err != nil {
		return nil, fmt.Errorf("open an export: %w", err)
	}
	file, err := os.Open(s.path(e.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.StorageUnavailable, "the file is not here: export again (instances of one installation must share DATA_DIR/exports)")
	}
	if err != nil {
		return nil, fmt.Errorf("open an export: %w", database.Translate(err))
	}
	return &File{Reader: newUnsealer(file, v.Key, e.OwnerID, e.ID), Closer: file, Size: e.Bytes,
		Name: "export-" + e.CreatedAt.UTC().Format("2006-01-02") + ".zip"}, nil
}
