package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// removeTimeout bounds one step of a removal, and how long an administrator waits for all of
// it: one owner may have very many rows.
const removeTimeout = time.Minute

// stopTimeout bounds the wait for the replies of who is removed; what still runs then
// ends with the owner's row.
const stopTimeout = 5 * time.Second

// Stopper ends what goes on for an owner.
type Stopper interface {
	// StopAll ends every reply that is being written for the viewer, on whichever
	// instance, and waits until what it cost is settled.
	StopAll(ctx context.Context, v viewer.Viewer) error
}

// leaveTimeout bounds what is asked of others once somebody is gone here.
const leaveTimeout = 15 * time.Second

// Leaver has something of an owner's that lies elsewhere, for example at a payment
// provider.
type Leaver interface {
	// Leaving reads what it is while the owner's rows are still here, and returns what has
	// it forgotten there; that is called when there is no way back for the owner, perhaps
	// more than once.
	Leaving(ctx context.Context, ownerID string) (forget func(context.Context) error, err error)
}

// Remove deletes the account with an id or an e-mail address, or the guest with an id,
// with all that is its own, and says by table how much that was. Its replies are
// stopped and settled first, its sessions are over, and who signs in with the same
// identity gets a new, empty account. It refuses with NOT_FOUND who does not exist and
// with CONFLICT to remove the last administrator. A removal that has begun is finished
// although ctx ends, however long that takes.
//
// Who can call it runs this installation: it needs no viewer, and nothing that answers
// a request may call it.
func (s *Service) Remove(ctx context.Context, idOrEmail string) (Receipt, error) {
	named, err := s.named(s.db.Gorm(ctx), idOrEmail)
	if err != nil {
		return Receipt{}, err
	}
	return s.remove(context.WithoutCancel(ctx), named, audit.Terminal(), "")
}

// remove waits for the end until ctx ends; the removal goes on by itself then.
func (s *Service) remove(ctx context.Context, v viewer.Viewer, by audit.Actor, reason models.RemovalReason) (Receipt, error) {
	e, err := s.beginErasure(ctx, erasing{owner: v.OwnerID, by: by, reason: reason, may: notLastAdminTx})
	if err == nil {
		e, err = s.finishErasure(ctx, v.OwnerID, e)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("remove account: %w", err)
	}
	done, err := s.opened(e)
	if err != nil || e.FinishedAt == nil {
		return Receipt{}, errors.Join(err, errors.New("the removal is not over; it goes on by itself"))
	}
	return Receipt{ID: e.ID, Reason: e.Reason, Rows: done.Counts, Cutoff: e.StartedAt, StartedAt: e.StartedAt, FinishedAt: *e.FinishedAt}, nil
}

func (s *Service) leaving(ctx context.Context, ownerID string) (func(context.Context) error, error) {
	if s.leaver == nil {
		return func(context.Context) error { return nil }, nil
	}
	return s.leaver.Leaving(ctx, ownerID)
}

// leave has others forget who goes, and says whether they did. Nobody stays here because
// they don't answer: what is left to do by hand is an error in the log.
func (s *Service) leave(ctx context.Context, erasureID string, forget func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	err := forget(ctx)
	if err != nil {
		s.log.ErrorContext(ctx, "somebody who was removed here is still known elsewhere: delete it there by hand", "receipt", erasureID, "err", err)
	}
	return err == nil
}

// stopAll ends the owner's replies as well as it can in time: nobody stays because an
// instance doesn't answer.
func (s *Service) stopAll(ctx context.Context, v viewer.Viewer) {
	if s.stopper == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := s.stopper.StopAll(ctx, v); err != nil {
		s.log.WarnContext(ctx, "stop the replies of who is removed; they end without their last words", "err", err)
	}
}

// lockOwnerTx locks the owner's row: nothing new can become its own until the
// transaction ends.
func lockOwnerTx(tx *gorm.DB, ownerID string) (models.Owner, error) {
	var found []models.Owner
	if err := tx.Raw(`SELECT * FROM owners WHERE id = ? FOR UPDATE`, ownerID).Scan(&found).Error; err != nil {
		return models.Owner{}, fmt.Errorf("lock account: %w", err)
	}
	if len(found) == 0 {
		return models.Owner{}, errNobodyNamed()
	}
	return found[0], nil
}

// notLastAdminTx keeps the installation somebody who runs it. The lock on all of its
// administrators lets two removals not take the last two at once.
func notLastAdminTx(tx *gorm.DB, ownerID string) error {
	var admins []string
	err := tx.Raw(`SELECT owner_id FROM accounts WHERE role = ? ORDER BY owner_id FOR UPDATE`, models.RoleAccountAdmin).Scan(&admins).Error
	if err != nil {
		return fmt.Errorf("find administrators: %w", err)
	}
	if len(admins) == 1 && admins[0] == ownerID {
		return fault.New(fault.Conflict, "this is the last administrator: make another one with `kimi-k2 admin grant` first")
	}
	return nil
}

// ownedTx locks and counts the owner's rows in all tables with a column for owners, whatever
// room they belong to: a table that is added is counted too. What somebody else deletes at
// the same time is theirs to count.
func ownedTx(tx *gorm.DB, ownerID string) (map[string]int64, error) {
	var tables []string
	// In the order in which they were made, which is that in which the owner's end takes their
	// rows: others lock a wallet before a payment's details too.
	err := tx.Raw(`SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_id' AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.oid`).Scan(&tables).Error
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := tx.Raw(`SELECT count(*) FROM (SELECT FROM `+table+` WHERE owner_id = ? FOR UPDATE) AS mine`, ownerID).Scan(&n).Error; err != nil {
			return nil, fmt.Errorf("count %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}
