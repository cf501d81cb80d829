package disclosure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxOpened is how many conversations one opening may name.
const maxOpened = 10

// Ask is what an administrator wants to read, and why.
type Ask struct {
	Account       string // its id or e-mail address
	Conversations []string
	Reason        string
}

// Ask asks another administrator for access to named conversations; nothing can be read by
// it yet. It is written down, and stands in the owner's activity. It refuses with FORBIDDEN
// everybody but administrators, with REAUTHENTICATION_REQUIRED who hasn't proved lately
// who it is, and with NOT_FOUND accounts and conversations that don't exist.
func (s *Service) Ask(ctx context.Context, v viewer.Viewer, a Ask) (*models.Opening, error) {
	if err := s.mayDisclose(v); err != nil {
		return nil, err
	}
	if err := checkText("reason", &a.Reason, 10, 2000); err != nil {
		return nil, err
	}
	owner, err := s.Owners.Named(ctx, a.Account)
	if err != nil {
		return nil, err
	}
	slices.Sort(a.Conversations)
	a.Conversations = slices.Compact(a.Conversations)
	if n := len(a.Conversations); n < 1 || n > maxOpened {
		return nil, fault.On("conversations", fault.Invalid, "name 1 to %d conversations by their ids", maxOpened)
	}
	for _, c := range a.Conversations {
		if err := s.Reader.Owns(ctx, owner, c); fault.Is(err, fault.NotFound) {
			return nil, fault.On("conversations", fault.NotFound, "this account has no conversation %s", c)
		} else if err != nil {
			return nil, err
		}
	}
	now := s.Clock.Now()
	o := models.Opening{OwnerID: owner.OwnerID, ID: id.New(id.Opening), Conversations: strings.Join(a.Conversations, " "), AskedBy: v.OwnerID, AskedAt: now, ExpiresAt: now.Add(ApprovalTTL), Reason: a.Reason, State: models.OpeningAsked}
	o.ReasonSealed = owner.Key.SealString(reasonPlace(o.OwnerID, o.ID), a.Reason)
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.thereTx(tx, owner); err != nil {
			return err
		}
		if err := s.didTx(tx, v, &o, models.AuditContentAsked, ""); err != nil {
			return err
		}
		err := tx.Create(&o).Error
		if database.Violates(err, "openings_owner_id_fkey") {
			return errGone()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &o, nil
}

// didTx writes an act down, for the owner to see.
func (s *Service) didTx(tx *gorm.DB, v viewer.Viewer, o *models.Opening, act models.AuditAct, outcome string) error {
	return s.Audit.WriteTx(tx, audit.Entry{Act: act, Subject: o.OwnerID, By: audit.Operator(v), Facts: models.AuditFacts{Outcome: outcome, Ref: o.ID}})
}

// Approve opens what another administrator asked for, for an hour, and tells the owner by
// mail. It refuses like Ask, with FORBIDDEN who asked itself, and with CONFLICT what is not
// waiting for it.
func (s *Service) Approve(ctx context.Context, v viewer.Viewer, openingID string) (*models.Opening, error) {
	if err := s.mayDisclose(v); err != nil {
		return nil, err
	}
	owner, err := s.ownerOfOpening(ctx, openingID)
	if err != nil {
		return nil, err
	}
	var o *models.Opening
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if o, err = s.lockTx(tx, openingID); err != nil {
			return err
		}
		now := s.Clock.Now()
		switch {
		case o.AskedBy == v.OwnerID:
			return fault.New(fault.Forbidden, "who asks doesn't approve: another administrator has to")
		case o.StateAt(now) != models.OpeningAsked:
			return fault.New(fault.Conflict, "this doesn't wait for an approval any more: ask anew")
		}
		o.ApprovedBy, o.ApprovedAt, o.ExpiresAt = &v.OwnerID, &now, now.Add(OpeningTTL)
		if err := s.didTx(tx, v, o, models.AuditContentApproved, ""); err != nil {
			return err
		}
		if err := tx.Model(o).Updates(map[string]any{"approved_by": v.OwnerID, "approved_at": now, "expires_at": o.ExpiresAt}).Error; err != nil {
			return fmt.Errorf("approve an opening: %w", err)
		}
		if owner.Kind != viewer.Account { // a guest has no address, and sees it in its activity
			return nil
		}
		return s.Owners.TellTx(tx, owner, models.LetterContentOpened, o.ID, nil)
	})
	if err != nil {
		return nil, err
	}
	return o, s.show(ctx, o)
}

// ownerOfOpening is whose conversations an opening is about.
func (s *Service) ownerOfOpening(ctx context.Context, openingID string) (viewer.Viewer, error) {
	var found []models.Opening
	if err := s.DB.Gorm(ctx).Where("id = ?", openingID).Limit(1).Find(&found).Error; err != nil {
		return viewer.Viewer{}, fmt.Errorf("find an opening: %w", err)
	}
	if len(found) == 0 {
		return viewer.Viewer{}, errNoOpening()
	}
	return s.Owners.Named(ctx, found[0].OwnerID)
}

func errNoOpening() error {
	return fault.New(fault.NotFound, "there is no such request, or its account was deleted")
}

// lockTx is an opening that nobody else changes before the transaction ends.
func (s *Service) lockTx(tx *gorm.DB, openingID string) (*models.Opening, error) {
	var found []models.Opening
	if err := tx.Raw(`SELECT * FROM openings WHERE id = ? FOR UPDATE`, openingID).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("find an opening: %w", err)
	}
	if len(found) == 0 {
		return nil, errNoOpening()
	}
	return &found[0], nil
}

// End ends an opening, or takes back or refuses what was asked for. It refuses everybody
// but administrators with FORBIDDEN, and does nothing for what has ended.
func (s *Service) End(ctx context.Context, v viewer.Viewer, openingID string) (*models.Opening, error) {
	if err := mayAct(v); err != nil {
		return nil, err
	}
	var o *models.Opening
	err := s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if o, err = s.lockTx(tx, openingID); err != nil {
			return err
		}
		now := s.Clock.Now()
		state := o.StateAt(now)
		if state == models.OpeningEnded {
			return nil
		}
		o.EndedAt = &now
		if err := s.didTx(tx, v, o, models.AuditContentEnded, string(state)); err != nil {
			return err
		}
		if err := tx.Model(o).Update("ended_at", now).Error; err != nil {
			return fmt.Errorf("end an opening: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, s.show(ctx, o)
}

// Read is one conversation of an opening. Each reading is written down first, for the owner
// to see. It refuses with FORBIDDEN everybody but the administrator who asked, and him
// before another one has approved it, after its hour, and for what it doesn't name; with
// NOT_FOUND what is somebody's whose deletion has begun.
func (s *Service) Read(ctx context.Context, v viewer.Viewer, openingID, conversationID string) (Conversation, error) {
	if err := mayAct(v); err != nil {
		return Conversation{}, err
	}
	owner, err := s.ownerOfOpening(ctx, openingID)
	if err != nil {
		return Conversation{}, err
	}
	var o *models.Opening
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := s.thereTx(tx, owner); err != nil {
			return err
		}
		if o, err = s.lockTx(tx, openingID); err != nil {
			return err
		}
		switch {
		case o.AskedBy != v.OwnerID:
			return fault.New(fault.Forbidden, "only who asked for it may read it")
		case o.StateAt(s.Clock.Now()) != models.OpeningOpen:
			return fault.New(fault.Forbidden, "nothing is open: another administrator has to approve it first, and it is good for an hour then")
		case !slices.Contains(o.ConversationIDs(), conversationID):
			return fault.New(fault.Forbidden, "this conversation was not named when access was asked for")
		}
		if err := s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditContentOpened, Subject: o.OwnerID, By: audit.Operator(v), Facts: models.AuditFacts{Outcome: o.ID, Ref: conversationID}}); err != nil {
			return err
		}
		return tx.Model(o).Update("reads", gorm.Expr("reads + 1")).Error
	})
	if err != nil {
		return Conversation{}, err
	}
	return s.Reader.Read(ctx, owner, conversationID)
}

// Openings is a page of what was asked for, newest first, and whether there is more. It
// refuses everybody but administrators with FORBIDDEN.
func (s *Service) Openings(ctx context.Context, v viewer.Viewer, p page.Args) (openings []*models.Opening, more bool, err error) {
	if err := mayAct(v); err != nil {
		return nil, false, err
	}
	if openings, more, err = newest[models.Opening](ctx, s.DB, p); err != nil {
		return nil, false, fmt.Errorf("list openings: %w", err)
	}
	for _, o := range openings {
		if err := s.show(ctx, o); err != nil {
			return nil, false, err
		}
	}
	return openings, more, nil
}

// show adds the reason, as long as the owner is there, and the state.
func (s *Service) show(ctx context.Context, o *models.Opening) error {
	o.State = o.StateAt(s.Clock.Now())
	owner, err := s.Owners.Named(ctx, o.OwnerID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	o.Reason, err = owner.Key.OpenString(reasonPlace(o.OwnerID, o.ID), o.ReasonSealed)
	return err
}
