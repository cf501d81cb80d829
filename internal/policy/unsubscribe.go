package policy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// unsubscribePath leads to the page that ends news.
const unsubscribePath = "/unsubscribe/"

// UnsubscribePath is the path of the page that ends news for one owner. It needs no
// sign-in, can't be guessed, and can be used again without harm.
func (s *Service) UnsubscribePath(ownerID string) string {
	_, rest, _ := strings.Cut(ownerID, "_")
	return unsubscribePath + rest + hex.EncodeToString(s.unsubscribeMark(ownerID))
}

// unsubscribeMark proves that we made a link.
func (s *Service) unsubscribeMark(ownerID string) []byte {
	return seal.Derive(s.leave, ownerID)
}

// leaveKey is the key of links that end news.
func leaveKey(secret []byte) []byte {
	return seal.Derive(secret, "unsubscribe link v1")
}

// ownerOf is whose link a token is of. It refuses with NOT_FOUND what we didn't make.
func (s *Service) ownerOf(token string) (string, error) {
	const digits = 32
	if len(token) == digits+2*sha256.Size {
		ownerID := string(id.Owner) + "_" + token[:digits]
		mark, err := hex.DecodeString(token[digits:])
		if err == nil && id.Is(id.Owner, ownerID) && hmac.Equal(mark, s.unsubscribeMark(ownerID)) {
			return ownerID, nil
		}
	}
	return "", fault.New(fault.NotFound, "this link is not complete: copy all of it from the mail, or change it in the settings")
}

// CheckUnsubscribe refuses with NOT_FOUND a token that we didn't make.
func (s *Service) CheckUnsubscribe(token string) error {
	_, err := s.ownerOf(token)
	return err
}

// Unsubscribe ends news for whom the token was made, who may be gone meanwhile. Once it
// returns nothing more is sent, queued or not. It refuses with NOT_FOUND a token that we
// didn't make, and does nothing the second time.
func (s *Service) Unsubscribe(ctx context.Context, token string) error {
	ownerID, err := s.ownerOf(token)
	if err != nil {
		return err
	}
	row := models.Consent{OwnerID: ownerID, ID: id.New(id.Consent), Kind: models.ConsentMarketing, PolicyVersion: s.Current().Version, Method: models.ConsentMail, CreatedAt: s.clock.Now()}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := lockTx(tx, ownerID); err != nil {
			return err
		}
		c, err := newest(tx, ownerID, models.ConsentMarketing)
		if err != nil || c.Made() && !c.Granted {
			return err
		}
		return s.leaveTx(tx, row)
	})
	s.choices.forget(ownerID)
	if database.Violates(err, "consents_owner_id_fkey") {
		return nil
	}
	return err
}

// leaveTx keeps the withdrawal and writes it down.
func (s *Service) leaveTx(tx *gorm.DB, row models.Consent) error {
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("store consent: %w", err)
	}
	return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditConsentWithdrawn, Subject: row.OwnerID, By: audit.By(viewer.Viewer{Kind: viewer.Account, OwnerID: row.OwnerID}),
		Facts: models.AuditFacts{Consent: row.Kind, Version: row.PolicyVersion}})
}

// Subscribed reports whether an owner wants news now, as the database has it.
func (s *Service) Subscribed(ctx context.Context, ownerID string) (bool, error) {
	c, err := newest(s.DB.Gorm(ctx), ownerID, models.ConsentMarketing)
	return c.Granted, err
}

// AgreedTx are those of the owners who agree to something now.
func (s *Service) AgreedTx(tx *gorm.DB, owners []string, kind models.ConsentKind) (map[string]bool, error) {
	var found []string
	err := tx.Raw(`SELECT owner_id FROM (SELECT DISTINCT ON (owner_id) owner_id, granted FROM consents WHERE kind = ? AND owner_id IN ? ORDER BY owner_id, number DESC) newest WHERE granted`,
		kind, owners).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read consents: %w", err)
	}
	agreed := make(map[string]bool, len(found))
	for _, o := range found {
		agreed[o] = true
	}
	return agreed, nil
}

// AgreedCount is how many agree to something now.
func (s *Service) AgreedCount(ctx context.Context, kind models.ConsentKind) (n int64, err error) {
	err = s.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM (SELECT DISTINCT ON (owner_id) granted FROM consents WHERE kind = $1 ORDER BY owner_id, number DESC) newest WHERE granted`, kind).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count consents: %w", database.Translate(err))
	}
	return n, nil
}

// handedOver is how long a mail may be on its way out while its consent is withdrawn.
const handedOver = time.Minute

// Disagreed counts those owners who had not agreed to something at the time that stands
// beside them, or more than a minute before it.
func (s *Service) Disagreed(ctx context.Context, kind models.ConsentKind, at map[string]time.Time) (n int64, err error) {
	owners, times := make([]string, 0, len(at)), make([]time.Time, 0, len(at))
	for owner, t := range at {
		owners, times = append(owners, owner), append(times, t.Add(-handedOver))
	}
	err = s.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM unnest($1::text[], $2::timestamptz[]) AS m (owner_id, at)
		WHERE NOT COALESCE((SELECT c.granted FROM consents c WHERE c.owner_id = m.owner_id AND c.kind = $3 AND c.created_at <= m.at ORDER BY c.number DESC LIMIT 1), false)
		  AND NOT EXISTS (SELECT FROM consents c WHERE c.owner_id = m.owner_id AND c.kind = $3 AND c.granted AND c.created_at BETWEEN m.at AND m.at + $4)`,
		owners, times, kind, handedOver).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("compare with consents: %w", database.Translate(err))
	}
	return n, nil
}
