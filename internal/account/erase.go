package account

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// deletePatience is how long Delete waits for the end of what it began.
const deletePatience = 8 * time.Second

// Erasure is how far a deletion is. It says nothing of whom.
type Erasure struct {
	models.Erasure
	// Ticket lets whoever holds it see how far it is, without being signed in.
	Ticket string
	// Counts are the rows that were deleted so far, by table.
	Counts map[string]int64
	// Receipt is the signed receipt as JSON, empty as long as it isn't over.
	Receipt string
}

// Delete deletes the viewer, an account or a guest, with all that is its own, at once and
// for good. In the first transaction its sessions and keys end, its identities and its
// address are free, and nothing new may become its own; what runs is stopped and settled
// then, and the rows go in bounded batches. It waits a few seconds for the end and says how
// far it is; what is not over by then goes on, on another instance too when this one dies.
//
// An account needs a fresh proof of who it is (see Fresh). It refuses with INVALID a
// confirmation that is neither the account's own address nor, where there is none, the word
// of models.EraseWord, and with CONFLICT the last administrator. Two deletions at once are
// one.
func (s *Service) Delete(ctx context.Context, v viewer.Viewer, confirmation string) (Erasure, error) {
	switch {
	case isAccount(v):
		if err := s.Fresh(v); err != nil {
			return Erasure{}, err
		}
	case v.Kind != viewer.Guest || !v.IsOwner():
		return Erasure{}, errNobody()
	}
	if err := s.confirmed(ctx, v, confirmation); err != nil {
		return Erasure{}, err
	}
	e, err := s.beginErasure(ctx, erasing{owner: v.OwnerID, by: audit.By(v), may: notLastAdminTx})
	if fault.Is(err, fault.NotFound) { // another deletion is over already
		err = errGone()
	}
	if err != nil {
		return Erasure{}, err
	}
	done := s.background(ctx, func(ctx context.Context) {
		if _, err := s.finishErasure(ctx, v.OwnerID, e); err != nil {
			s.log.ErrorContext(ctx, "a deletion is not over; it is tried again", "erasure", e.ID, "err", err)
		}
	})
	patience := time.NewTimer(deletePatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
	return s.findErasure(context.WithoutCancel(ctx), e.ID)
}

// confirmed refuses a deletion that wasn't confirmed by what was to be typed. Who is being
// deleted already has no address left to compare: that deletion was confirmed.
func (s *Service) confirmed(ctx context.Context, v viewer.Viewer, typed string) error {
	var found []struct {
		Index []byte
		Going bool
	}
	err := s.db.Gorm(ctx).Raw(`SELECT a.email_index AS index, o.erasing_at IS NOT NULL AS going FROM owners o LEFT JOIN accounts a ON a.owner_id = o.id WHERE o.id = ?`, v.OwnerID).Scan(&found).Error
	if err != nil {
		return fmt.Errorf("read the address: %w", database.Translate(err))
	}
	if len(found) == 0 || found[0].Going {
		return nil
	}
	index := found[0].Index
	if len(index) == 0 {
		if strings.EqualFold(strings.TrimSpace(typed), models.EraseWord) {
			return nil
		}
		return fault.On("confirmation", fault.Invalid, "type %s to delete everything", models.EraseWord)
	}
	if a, ok := parseAddress(typed); ok && subtle.ConstantTimeCompare(s.index.ofEmail(a), index) == 1 {
		return nil
	}
	return fault.On("confirmation", fault.Invalid, "this is not the e-mail address of your account: type it as your profile shows it")
}

// erasing is whose deletion begins, by whom and why, and whether the owner may go.
type erasing struct {
	owner  string
	by     audit.Actor
	reason models.RemovalReason
	may    func(tx *gorm.DB, ownerID string) error
}

// everybodyTx lets everybody go.
func everybodyTx(*gorm.DB, string) error { return nil }

// beginErasure is the first transaction of a deletion: from its commit on the owner is
// there for nobody. One that has begun before is gone on with.
func (s *Service) beginErasure(ctx context.Context, begin erasing) (models.Erasure, error) {
	ownerID := begin.owner
	var e models.Erasure
	var told []func()
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, told = models.Erasure{}, nil
		owner, err := lockOwnerTx(tx, ownerID)
		if err != nil {
			return err
		}
		if owner.ErasingAt != nil {
			return tx.Where("tombstone = ?", s.tombstone(ownerID)).Take(&e).Error
		}
		if err := begin.may(tx, ownerID); err != nil {
			return err
		}
		now := s.clock.Now()
		e = models.Erasure{ID: id.New(id.Erasure), Tombstone: s.tombstone(ownerID), Kind: owner.Kind, Reason: begin.reason, State: models.Erasing,
			Elsewhere: models.ElsewherePending, AttemptedAt: now, StartedAt: now}
		err = s.audit.WriteTx(tx, audit.Entry{Act: models.AuditAccountRemoved, Subject: ownerID, By: begin.by, Facts: models.AuditFacts{Ref: e.ID, Outcome: string(begin.reason)}})
		if err != nil {
			return err
		}
		var rows map[string]int64
		if rows, told, err = s.shutTx(tx, ownerID, now); err != nil {
			return err
		}
		return insertErasureTx(tx, &e, rows)
	})
	if err != nil {
		return models.Erasure{}, fmt.Errorf("begin a deletion: %w", err)
	}
	s.announce(endings{{Owner: ownerID}})
	for _, f := range told {
		f()
	}
	if err := s.note(e.Tombstone); err != nil {
		s.log.ErrorContext(ctx, "the journal of deletions is behind", "erasure", e.ID, "err", err)
	}
	return e, s.after("begun")
}

// insertErasureTx stores a deletion. An owner that was deleted before and is here again
// came out of a backup: its deletion begins anew, under its old id.
func insertErasureTx(tx *gorm.DB, e *models.Erasure, rows map[string]int64) error {
	text, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write the counts of a deletion: %w", err)
	}
	e.Rows = text
	err = tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "tombstone"}}, DoUpdates: clause.Assignments(map[string]any{
		"state": models.Erasing, "finished_at": nil, "elsewhere": models.ElsewherePending, "attempted_at": e.AttemptedAt})}).Create(e).Error
	if err != nil {
		return fmt.Errorf("store a deletion: %w", err)
	}
	if err := tx.Where("tombstone = ?", e.Tombstone).Take(e).Error; err != nil {
		return fmt.Errorf("read a deletion: %w", err)
	}
	return nil
}

// shutTx takes from the owner all ways in, and keeps everybody from giving it anything.
// told is what has to be done after the commit.
func (s *Service) shutTx(tx *gorm.DB, ownerID string, now time.Time) (rows map[string]int64, told []func(), err error) {
	if err := tx.Exec(`UPDATE owners SET erasing_at = ? WHERE id = ?`, now, ownerID).Error; err != nil {
		return nil, nil, fmt.Errorf("shut account: %w", err)
	}
	rows = map[string]int64{}
	for _, table := range []string{"sessions", "email_changes", "identities", "accounts"} {
		gone := tx.Exec(`DELETE FROM `+table+` WHERE owner_id = ?`, ownerID)
		if gone.Error != nil {
			return nil, nil, fmt.Errorf("shut account: %w", gone.Error)
		}
		rows[table] = gone.RowsAffected
	}
	for _, shutter := range s.shutters {
		more, f, err := shutter.ShutTx(tx, ownerID)
		if err != nil {
			return nil, nil, err
		}
		add(rows, more)
		told = append(told, f)
	}
	return rows, told, nil
}

// finishErasure does what is left of a deletion, for as long as ctx lasts; each of its steps
// has removeTimeout. It may run twice at once, and be cut off anywhere: what was done is done,
// and once more does no harm.
func (s *Service) finishErasure(ctx context.Context, ownerID string, e models.Erasure) (models.Erasure, error) {
	if e.State == models.Erased {
		return e, nil
	}
	v, err := s.named(s.db.Gorm(ctx), ownerID)
	if fault.Is(err, fault.NotFound) { // somebody else was faster
		return s.takeErasure(ctx, e.ID)
	}
	if err != nil {
		return e, err
	}
	s.stopAll(ctx, v)
	if err := s.after("stopped"); err != nil {
		return e, err
	}
	if err := s.askElsewhere(ctx, ownerID, e); err != nil {
		return e, err
	}
	if err := s.eraseBatches(ctx, ownerID, e.ID); err != nil {
		return e, err
	}
	if err := s.eraseRest(ctx, ownerID, e.ID); err != nil {
		return e, err
	}
	s.announce(endings{{Owner: ownerID}})
	if e, err = s.takeErasure(ctx, e.ID); err == nil {
		s.log.InfoContext(ctx, "deleted an owner", "erasure", e.ID, "kind", string(e.Kind), "reason", string(e.Reason), "rows", string(e.Rows))
	}
	return e, err
}

// giveUpElsewhere is how long nobody stays here because it can't be read under which
// name others know it.
const giveUpElsewhere = 12 * time.Hour

// askElsewhere has others forget the owner, once. What they don't do is left to be done by
// hand, and the receipt says so.
func (s *Service) askElsewhere(ctx context.Context, ownerID string, e models.Erasure) error {
	if e.Elsewhere != models.ElsewherePending {
		return nil
	}
	outcome := models.ElsewhereAsked
	forget, err := s.leaving(ctx, ownerID)
	switch {
	case err == nil && !s.leave(ctx, e.ID, forget):
		outcome = models.ElsewhereFailed
	case err != nil && s.clock.Now().Sub(e.StartedAt) < giveUpElsewhere:
		return fmt.Errorf("ask others to forget an owner: %w", err)
	case err != nil:
		s.log.ErrorContext(ctx, "an owner is deleted although it can't be read who else knows it", "erasure", e.ID, "err", err)
		outcome = models.ElsewhereFailed
	}
	err = s.db.Gorm(ctx).Exec(`UPDATE erasures SET elsewhere = ? WHERE id = ?`, outcome, e.ID).Error
	if err != nil {
		return fmt.Errorf("note what others said: %w", database.Translate(err))
	}
	return s.after("elsewhere")
}

// eraseBatches deletes what may be very much, a bounded part in each transaction.
func (s *Service) eraseBatches(ctx context.Context, ownerID, erasureID string) error {
	for _, eraser := range s.erasers {
		for more := true; more; {
			var err error
			if more, err = s.eraseBatch(ctx, ownerID, erasureID, eraser); err == nil {
				err = s.after("batch")
			}
			if err != nil {
				return fmt.Errorf("delete a part: %w", err)
			}
		}
	}
	return nil
}

// eraseBatch is one transaction. It notes that somebody is at it: nobody takes a deletion over
// that makes progress, however long it takes.
func (s *Service) eraseBatch(ctx context.Context, ownerID, erasureID string, eraser Eraser) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		counts, left, err := eraser.EraseTx(tx, ownerID)
		more = left
		if err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE erasures SET attempted_at = ? WHERE id = ?`, s.clock.Now(), erasureID).Error; err != nil {
			return fmt.Errorf("note the progress of a deletion: %w", err)
		}
		return addRowsTx(tx, erasureID, counts)
	})
	return more, err
}

// errLeft says that something of an owner outlived it.
var errLeft = errors.New("rows of a deleted owner are left")

// eraseRest deletes the owner, with it its key and all other rows, and then looks through
// every table that the database knows of: with a row left nothing of this is done.
func (s *Service) eraseRest(ctx context.Context, ownerID, erasureID string) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := database.AllowTx(tx, removeTimeout); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		if _, err := lockOwnerTx(tx, ownerID); err != nil {
			if fault.Is(err, fault.NotFound) { // somebody else was faster
				return nil
			}
			return err
		}
		counts, err := ownedTx(tx, ownerID)
		if err != nil {
			return err
		}
		counts["owners"] = 1
		if err := tx.Where("id = ?", ownerID).Delete(&models.Owner{}).Error; err != nil {
			return fmt.Errorf("delete owner: %w", err)
		}
		left, err := ownedTx(tx, ownerID)
		if err != nil {
			return err
		}
		maps.DeleteFunc(left, func(_ string, n int64) bool { return n == 0 })
		if len(left) > 0 {
			return fmt.Errorf("%w: %v", errLeft, left)
		}
		if err := addRowsTx(tx, erasureID, counts); err != nil {
			return err
		}
		return tx.Exec(`UPDATE erasures SET state = ?, finished_at = ? WHERE id = ?`, models.Erased, s.clock.Now(), erasureID).Error
	})
	if err != nil {
		return fmt.Errorf("delete the owner: %w", err)
	}
	return s.after("erased")
}

// addRowsTx adds to the counts of a deletion, in the transaction of what they count.
func addRowsTx(tx *gorm.DB, erasureID string, counts map[string]int64) error {
	var rows []string
	if err := tx.Raw(`SELECT rows::text FROM erasures WHERE id = ? FOR UPDATE`, erasureID).Scan(&rows).Error; err != nil {
		return fmt.Errorf("read the counts of a deletion: %w", err)
	}
	sum := map[string]int64{}
	if len(rows) != 1 {
		return errors.New("a deletion is not written down")
	}
	if err := json.Unmarshal([]byte(rows[0]), &sum); err != nil {
		return fmt.Errorf("read the counts of a deletion: %w", err)
	}
	add(sum, counts)
	text, err := json.Marshal(sum)
	if err != nil {
		return fmt.Errorf("write the counts of a deletion: %w", err)
	}
	if err := tx.Exec(`UPDATE erasures SET rows = ?::jsonb WHERE id = ?`, string(text), erasureID).Error; err != nil {
		return fmt.Errorf("write the counts of a deletion: %w", err)
	}
	return nil
}

func add(sum, counts map[string]int64) {
	for table, n := range counts {
		sum[table] += n
	}
}

// after is where tests cut a deletion off.
func (s *Service) after(step string) error {
	if s.afterStep == nil {
		return nil
	}
	return s.afterStep(step)
}

// background goes on with something although ctx ends, until it is done or the service is
// closed. The channel is closed at its end.
func (s *Service) background(ctx context.Context, f func(context.Context)) <-chan struct{} {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(done)
		return done
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(s.life, cancel)
	s.working.Add(1)
	go func() {
		defer s.working.Done()
		defer close(done)
		defer cancel()
		defer stop()
		f(ctx)
	}()
	return done
}
