package export

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Start begins to write down all that is held of the viewer, an account or a guest, whatever
// its balance, limits or acceptance of the policy; programs can't. One that is being written
// already is the answer, so that a repeated click does no harm. It refuses with RATE_LIMITED
// who has started many in a day.
func (s *Service) Start(ctx context.Context, v viewer.Viewer) (*models.Export, error) {
	if !mayExport(v) {
		return nil, errNobody()
	}
	var e models.Export
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		e = models.Export{}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		now := s.Clock.Now()
		var running []models.Export
		if err := tx.Where("owner_id = ? AND status = ?", v.OwnerID, models.ExportRunning).Limit(1).Find(&running).Error; err != nil {
			return fmt.Errorf("look for a running export: %w", err)
		}
		if len(running) == 1 {
			e = running[0]
			return nil
		}
		if err := s.pacedTx(tx, v.OwnerID, now); err != nil {
			return err
		}
		e = models.Export{OwnerID: v.OwnerID, ID: id.New(id.Export), Status: models.ExportRunning, LeaseExpiresAt: now, CreatedAt: now, ExpiresAt: now.Add(TTL)}
		if err := tx.Create(&e).Error; err != nil {
			return fmt.Errorf("store an export: %w", err)
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditExportMade, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Ref: e.ID}})
	})
	if err != nil {
		return nil, fmt.Errorf("start an export: %w", err)
	}
	s.Kick()
	return &e, nil
}

func mayExport(v viewer.Viewer) bool {
	return v.IsOwner() && (v.Kind == viewer.Account || v.Kind == viewer.Guest)
}

func errNobody() *fault.Fault {
	return fault.New(fault.Unauthenticated, "nothing of yours is stored here that could be exported")
}

// pacedTx refuses with RATE_LIMITED who has started many in a day. The acts are counted: of
// the exports themselves only the newest stay.
func (s *Service) pacedTx(tx *gorm.DB, ownerID string, now time.Time) error {
	times, err := s.Audit.TimesTx(tx, ownerID, models.AuditExportMade, now.Add(-24*time.Hour), perDay)
	if err != nil {
		return fmt.Errorf("count exports: %w", err)
	}
	if len(times) < perDay {
		return nil
	}
	f := fault.New(fault.RateLimited, "you have exported %d times in a day: wait, or use a file that you have", perDay)
	f.RetryAfter = times[perDay-1].Add(24 * time.Hour).Sub(now)
	return f
}

// List is the viewer's exports, the newest first; those whose time is over are left out.
func (s *Service) List(ctx context.Context, v viewer.Viewer) (list []*models.Export, err error) {
	if !mayExport(v) {
		return nil, nil
	}
	err = s.DB.Gorm(ctx).Where("owner_id = ? AND expires_at > ?", v.OwnerID, s.Clock.Now()).Order("id DESC").Limit(perDay).Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", database.Translate(err))
	}
	return list, nil
}

// Token is what the file of an export can be fetched with by its owner, and until when: a
// day at most, and not longer than there is the file. It is empty while there is none.
func (s *Service) Token(e *models.Export) (token string, until time.Time) {
	if e.Status != models.ExportReady {
		return "", until
	}
	until = s.Clock.Now().Add(LinkTTL).Truncate(time.Minute)
	if e.ExpiresAt.Before(until) {
		until = e.ExpiresAt
	}
	signed := e.ID + "." + strconv.FormatInt(until.Unix(), 36)
	return signed + "." + s.linkMAC(e.OwnerID, signed), until
}

func (s *Service) linkMAC(ownerID, signed string) string {
	return base64.RawURLEncoding.EncodeToString(seal.Derive(s.linkKey, ownerID+"\n"+signed))
}

// parseToken is the id in a token that was made for the viewer and is still good. Whoever
// else brings it learns nothing.
func (s *Service) parseToken(v viewer.Viewer, token string) (exportID string, err error) {
	signed, mac, _ := cutLast(token, ".")
	exportID, until, _ := strings.Cut(signed, ".")
	unix, failed := strconv.ParseInt(until, 36, 64)
	if failed != nil || !id.Is(id.Export, exportID) || !hmac.Equal([]byte(mac), []byte(s.linkMAC(v.OwnerID, signed))) {
		return "", fault.New(fault.NotFound, "there is no such file, or it isn't yours: sign in as whoever made it")
	}
	if !s.Clock.Now().Before(time.Unix(unix, 0)) {
		return "", fault.New(fault.NotFound, "this link was good for a day: get a new one in the settings")
	}
	return exportID, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
