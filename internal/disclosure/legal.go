package disclosure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Request is what an authority asks for.
type Request struct {
	Account          string // its id or e-mail address
	Ground           models.LegalGround
	Authority, Basis string // who asks, and by which law or order
	Asked            []models.DataKind
	Words            models.LegalWords // Reference, Scope and Reason
}

// Decision is what is given and said. Given is empty for a refusal.
type Decision struct {
	RequestID   string
	Given       []models.DataKind
	Reason      string
	Prohibition string // what forbids to tell whom it is about; empty: it is told
}

// Receive keeps what an authority asks for; nothing is disclosed by it. It refuses with
// FORBIDDEN everybody but administrators, with REAUTHENTICATION_REQUIRED who hasn't proved
// lately who it is, with NOT_FOUND accounts that don't exist, and with INVALID what is not
// complete.
func (s *Service) Receive(ctx context.Context, v viewer.Viewer, r Request) (*models.LegalRequest, error) {
	if err := s.mayDisclose(v); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	owner, err := s.Owners.Named(ctx, r.Account)
	if err != nil {
		return nil, err
	}
	row := models.LegalRequest{ID: id.New(id.LegalRequest), Ground: r.Ground, Authority: r.Authority, Basis: r.Basis, Asked: models.JoinKinds(r.Asked),
		State: models.LegalOpen, Telling: models.TellingUndecided, ReceivedAt: s.Clock.Now(), OwnerID: &owner.OwnerID, LegalWords: r.Words}
	words, err := sealWords(owner, row.ID, r.Words)
	if err != nil {
		return nil, err
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.thereTx(tx, owner); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("keep a request: %w", err)
		}
		about := models.LegalSubject{OwnerID: owner.OwnerID, RequestID: row.ID, WordsSealed: words}
		if err := tx.Create(&about).Error; err != nil {
			if database.Violates(err, "legal_subjects_owner_id_fkey") {
				return errGone()
			}
			return fmt.Errorf("keep whom a request is about: %w", err)
		}
		// Whom it is about is not named before it is decided whether it may be told.
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditLegalReceived, By: audit.Operator(v), Facts: models.AuditFacts{Outcome: string(r.Ground), Ref: row.ID}})
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func errGone() error {
	return fault.On("account", fault.NotFound, "this account was deleted meanwhile: there is nothing to disclose")
}

// check trims the texts and refuses what is not complete.
func (r *Request) check() error {
	if r.Ground != models.LegalByLaw && r.Ground != models.LegalForSafety {
		return fault.On("ground", fault.Invalid, "say whether the law demands it or somebody's safety")
	}
	if err := checkKinds("asked", r.Asked, models.DataKinds); err != nil {
		return err
	}
	if len(r.Asked) == 0 {
		return fault.On("asked", fault.Invalid, "choose what they ask for")
	}
	for _, f := range []struct {
		name  string
		value *string
		most  int
		least int
	}{{"authority", &r.Authority, 200, 1}, {"basis", &r.Basis, 300, 1}, {"reference", &r.Words.Reference, 200, 0}, {"scope", &r.Words.Scope, 2000, 1}, {"reason", &r.Words.Reason, 2000, 1}} {
		if err := checkText(f.name, f.value, f.least, f.most); err != nil {
			return err
		}
	}
	return nil
}

func checkText(name string, value *string, least, most int) error {
	*value = strings.TrimSpace(*value)
	switch n := utf8.RuneCountInString(*value); {
	case !utf8.ValidString(*value) || strings.ContainsRune(*value, 0):
		return fault.On(name, fault.Invalid, "this is no text")
	case n < least:
		return fault.On(name, fault.Invalid, "write something here")
	case n > most:
		return fault.On(name, fault.Invalid, "at most %d characters, these are %d", most, n)
	}
	return nil
}

// checkKinds refuses kinds beyond those that are allowed.
func checkKinds(field string, kinds, allowed []models.DataKind) error {
	for _, k := range kinds {
		if !slices.Contains(allowed, k) {
			return fault.On(field, fault.Invalid, "%s was not asked for: nothing beyond that is given", k)
		}
	}
	return nil
}

// Decide keeps what is given to the authority, and tells whom it is about, unless that is
// prohibited; a refusal is told as well. It refuses like Receive, with INVALID kinds of data
// that weren't asked for, and with CONFLICT what was decided already.
func (s *Service) Decide(ctx context.Context, v viewer.Viewer, d Decision) (*models.LegalRequest, error) {
	if err := s.mayDisclose(v); err != nil {
		return nil, err
	}
	if err := checkText("reason", &d.Reason, 1, 2000); err != nil {
		return nil, err
	}
	if err := checkText("prohibition", &d.Prohibition, 0, 2000); err != nil {
		return nil, err
	}
	r, err := s.findRequest(ctx, d.RequestID)
	if err != nil {
		return nil, err
	}
	if err := checkKinds("given", d.Given, r.AskedKinds()); err != nil {
		return nil, err
	}
	owner, err := s.ownerOf(ctx, r)
	if err != nil {
		return nil, err
	}
	if owner == nil && len(d.Given) > 0 {
		return nil, errGone()
	}
	now := s.Clock.Now()
	r.Given, r.DecidedAt, r.State = models.JoinKinds(d.Given), &now, models.LegalRefused
	if len(d.Given) > 0 {
		r.State = models.LegalDisclosed
	}
	r.Decision, r.Prohibition = d.Reason, d.Prohibition
	if err := s.DB.Tx(ctx, func(tx *gorm.DB) error { return s.decideTx(tx, v, owner, r) }); err != nil {
		return nil, err
	}
	return r, nil
}

// decideTx keeps a decision, tells it where it may be told, and writes it down.
func (s *Service) decideTx(tx *gorm.DB, v viewer.Viewer, owner *viewer.Viewer, r *models.LegalRequest) (err error) {
	if r.Telling, err = s.tellTx(tx, owner, r); err != nil {
		return err
	}
	kept := tx.Model(&models.LegalRequest{}).Where("id = ? AND state = ?", r.ID, models.LegalOpen).
		Updates(map[string]any{"given": r.Given, "state": r.State, "telling": r.Telling, "decided_at": r.DecidedAt})
	if kept.Error != nil {
		return fmt.Errorf("keep a decision: %w", kept.Error)
	}
	if kept.RowsAffected == 0 {
		return fault.New(fault.Conflict, "this request was decided already")
	}
	entry := audit.Entry{Act: models.AuditLegalDecided, By: audit.Operator(v), Facts: models.AuditFacts{Outcome: string(r.State), Ref: r.ID}}
	if owner != nil {
		words, err := sealWords(*owner, r.ID, r.LegalWords)
		if err != nil {
			return err
		}
		if err := tx.Model(&models.LegalSubject{}).Where("owner_id = ? AND request_id = ?", owner.OwnerID, r.ID).Update("words_sealed", words).Error; err != nil {
			return fmt.Errorf("keep the words of a decision: %w", err)
		}
		if r.Telling != models.TellingProhibited {
			entry.Subject = owner.OwnerID // it stands in the owner's own activity
		}
	}
	return s.Audit.WriteTx(tx, entry)
}

// tellTx writes the mail, where something was given and telling is not prohibited.
func (s *Service) tellTx(tx *gorm.DB, owner *viewer.Viewer, r *models.LegalRequest) (models.Telling, error) {
	switch {
	case r.Prohibition != "":
		return models.TellingProhibited, nil
	case owner == nil || owner.Kind != viewer.Account:
		return models.TellingUnreachable, nil
	}
	reached, err := s.Owners.HasAddressTx(tx, *owner)
	if err != nil {
		return "", err
	}
	if !reached {
		return models.TellingUnreachable, nil
	}
	if r.State != models.LegalDisclosed {
		return models.TellingTold, nil // in the activity: nothing left the house
	}
	return models.TellingTold, s.Owners.TellTx(tx, *owner, models.LetterDisclosed, r.ID, map[string]string{"kinds": r.Given})
}

// findRequest is one request with its words, as far as whom it is about is still there.
func (s *Service) findRequest(ctx context.Context, requestID string) (*models.LegalRequest, error) {
	var r models.LegalRequest
	err := s.DB.Gorm(ctx).Take(&r, "id = ?", requestID).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, fault.New(fault.NotFound, "there is no such request")
	}
	if err != nil {
		return nil, fmt.Errorf("read a request: %w", err)
	}
	return &r, s.openRequests(ctx, []*models.LegalRequest{&r})
}

// openRequests adds whom requests are about, and their words.
func (s *Service) openRequests(ctx context.Context, requests []*models.LegalRequest) error {
	ids, byID := make([]string, len(requests)), map[string]*models.LegalRequest{}
	for i, r := range requests {
		ids[i], byID[r.ID] = r.ID, r
	}
	var subjects []models.LegalSubject
	if err := s.DB.Gorm(ctx).Where("request_id IN ?", ids).Find(&subjects).Error; err != nil {
		return fmt.Errorf("read whom requests are about: %w", err)
	}
	for _, about := range subjects {
		owner, err := s.Owners.Named(ctx, about.OwnerID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		text, err := owner.Key.Open(wordsPlace(about.OwnerID, about.RequestID), about.WordsSealed)
		if err != nil {
			return err
		}
		r := byID[about.RequestID]
		r.OwnerID = &owner.OwnerID
		if err := json.Unmarshal(text, &r.LegalWords); err != nil {
			return fmt.Errorf("read the words of a request: %w", err)
		}
	}
	return nil
}

// ownerOf is whom a request is about; nil: gone.
func (s *Service) ownerOf(ctx context.Context, r *models.LegalRequest) (*viewer.Viewer, error) {
	if r.OwnerID == nil {
		return nil, nil
	}
	owner, err := s.Owners.Named(ctx, *r.OwnerID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &owner, nil
}

// Requests is a page of what was asked for, newest first, and whether there is more. It
// refuses everybody but administrators with FORBIDDEN.
func (s *Service) Requests(ctx context.Context, v viewer.Viewer, p page.Args) (requests []*models.LegalRequest, more bool, err error) {
	if err := mayAct(v); err != nil {
		return nil, false, err
	}
	if requests, more, err = newest[models.LegalRequest](ctx, s.DB, p); err != nil {
		return nil, false, fmt.Errorf("list requests: %w", err)
	}
	return requests, more, s.openRequests(ctx, requests)
}

// Counts are how many requests there were, for everybody to see.
type Counts struct {
	Open, Disclosed, Refused int64
	Since                    *time.Time // when the first came; nil: none did
	Openings                 int64      // accesses of administrators that were approved
	OpenNow                  int64      // of them, those that are good at this moment
}

// Counts counts all requests that were ever received, and all openings of those who are
// still here.
func (s *Service) Counts(ctx context.Context) (c Counts, err error) {
	err = s.DB.Pool().QueryRow(ctx, `SELECT count(*) FILTER (WHERE state = 'OPEN'), count(*) FILTER (WHERE state = 'DISCLOSED'), count(*) FILTER (WHERE state = 'REFUSED'), min(received_at) FROM legal_requests`).
		Scan(&c.Open, &c.Disclosed, &c.Refused, &c.Since)
	if err == nil {
		err = s.DB.Pool().QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL AND expires_at > $1) FROM openings WHERE approved_at IS NOT NULL`, s.Clock.Now()).Scan(&c.Openings, &c.OpenNow)
	}
	if err != nil {
		return c, fmt.Errorf("count disclosures: %w", database.Translate(err))
	}
	return c, nil
}
