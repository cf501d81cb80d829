package share

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Make is what to share, and how.
type Make struct {
	ConversationID string
	LeafID         string // empty: the branch on show
	Days           int    // how long the link opens; 0: until it is revoked
	Reasoning      bool   // show what the model thought
	Named          bool   // show the account's name
}

// Make shares one branch of a conversation of the viewer's as it is at this moment. Each call
// makes a link of its own. It refuses with UNAUTHENTICATED who has no account, with
// SHARING_OFF where nobody may share, with CONSENT_REQUIRED who hasn't agreed to sharing, with
// NOT_FOUND what isn't the viewer's, with CONFLICT while an answer of the branch is being
// written, and with INVALID a branch that is too long and a time that is none.
func (s *Service) Make(ctx context.Context, v viewer.Viewer, in Make) (*models.Share, error) {
	by, err := s.mayMake(ctx, v, in)
	if err != nil {
		return nil, err
	}
	var row *models.Share
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		if err := s.agreedTx(tx, v); err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := fewTx(tx, v.OwnerID, now); err != nil {
			return err
		}
		shown, err := s.Conversations.SnapshotTx(tx, v, in.ConversationID, in.LeafID)
		if err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		shown.By, shown.SharedAt = by, now
		if row, err = s.row(v, in, shown); err != nil {
			return err
		}
		if err := tx.Create(row).Error; err != nil {
			return fmt.Errorf("store a share: %w", deleted(err))
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditConversationShared, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Ref: row.ID}})
	})
	if err != nil {
		return nil, fmt.Errorf("share a conversation: %w", err)
	}
	return row, nil
}

// mayMake checks what can be known before the conversation is looked at. by is the name that
// the share shows.
func (s *Service) mayMake(ctx context.Context, v viewer.Viewer, in Make) (by string, err error) {
	switch {
	case !v.IsOwner() || v.Kind != viewer.Account:
		return "", fault.New(fault.Unauthenticated, "only accounts can share conversations: sign in first")
	case s.Off:
		return "", errOff()
	case in.Days < 0 || in.Days > mostDays:
		return "", fault.On("expiresInDays", fault.Invalid, "a link opens for 1 to %d days, or without an end", mostDays)
	}
	if !in.Named {
		return "", nil
	}
	account, err := s.Owners.Account(ctx, v)
	if err != nil {
		return "", err //nolint:wrapcheck // says what failed
	}
	return account.Name, nil
}

// agreedTx refuses who hasn't agreed to sharing. Nobody withdraws it before the share is there
// to be revoked.
func (s *Service) agreedTx(tx *gorm.DB, v viewer.Viewer) error {
	agreed, err := s.Policy.HoldsTx(tx, v, models.ConsentShare)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if !agreed {
		return fault.New(fault.ConsentRequired, "agree to sharing by link first (consentSet SHARE)")
	}
	return nil
}

// fewTx refuses who has very many links.
func fewTx(tx *gorm.DB, ownerID string, now time.Time) error {
	var n int64
	if err := tx.Model(&models.Share{}).Where("owner_id = ? AND (expires_at IS NULL OR expires_at > ?)", ownerID, now).Count(&n).Error; err != nil {
		return fmt.Errorf("count shares: %w", err)
	}
	if n >= mostShares {
		return fault.New(fault.Invalid, "you have %d links that open: revoke some that nobody needs any more", mostShares)
	}
	return nil
}

// row is a share, sealed.
func (s *Service) row(v viewer.Viewer, in Make, shown *models.SharedConversation) (*models.Share, error) {
	row := &models.Share{OwnerID: v.OwnerID, ID: id.New(id.Share), ConversationID: in.ConversationID, Messages: len(shown.Messages), Reasoning: in.Reasoning, Named: shown.By != "",
		CreatedAt: shown.SharedAt, Link: s.newLink(), Title: shown.Title}
	if in.Days > 0 {
		end := row.CreatedAt.AddDate(0, 0, in.Days)
		row.ExpiresAt, shown.ExpiresAt = &end, &end
	}
	if !in.Reasoning {
		for _, m := range shown.Messages {
			m.Reasoning, m.ReasoningMs = "", 0
		}
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("write a snapshot: %w", err)
	}
	if len(text) > mostBytes {
		return nil, fault.On("conversationId", fault.Invalid, "this branch is longer than %d MB: it is too long to be shared", mostBytes>>20)
	}
	row.LinkHash = hashOf(row.Link)
	row.LinkSealed = v.Key.SealString(place("link_sealed", row), row.Link)
	row.TitleSealed = v.Key.SealString(place("title_sealed", row), row.Title)
	row.SnapshotSealed = v.Key.Seal(place("snapshot_sealed", row), text)
	return row, nil
}

// deleted tells a conversation that was deleted while it was being shared.
func deleted(err error) error {
	if database.Violates(err, "shares_conversation") {
		return fault.On("conversationId", fault.NotFound, "there is no such conversation")
	}
	return err
}
