package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// purgeRemoval is the kind of the receipt of one removed owner.
const purgeRemoval = "REMOVAL"

// removeTimeout bounds a removal: one owner may have very many rows.
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
	// Leaving reads what it is while the owner is still here, and returns what has it
	// forgotten there; that is called when the owner is gone.
	Leaving(ctx context.Context, ownerID string) (forget func(context.Context) error, err error)
}

// Remove deletes the account with an id or an e-mail address, or the guest with an id,
// with all that is its own, and says by table how much that was. Its replies are
// stopped and settled first, its sessions are over, and who signs in with the same
// identity gets a new, empty account. It refuses with NOT_FOUND who does not exist and
// with CONFLICT to remove the last administrator. A removal that has begun is finished
// although ctx ends.
//
// Who can call it runs this installation: it needs no viewer, and nothing that answers
// a request may call it.
func (s *Service) Remove(ctx context.Context, idOrEmail string) (Receipt, error) {
	named, err := s.named(s.db.Gorm(ctx), idOrEmail)
	if err != nil {
		return Receipt{}, err
	}
	return s.remove(ctx, named, audit.Terminal(), "")
}

func (s *Service) remove(ctx context.Context, v viewer.Viewer, by audit.Actor, reason models.RemovalReason) (Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	s.stopAll(ctx, v)
	forget, err := s.leaving(ctx, v.OwnerID)
	if err != nil {
		return Receipt{}, fmt.Errorf("remove account: %w", err)
	}
	var receipt Receipt
	err = s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := tx.Exec(fmt.Sprintf("SET LOCAL statement_timeout = %d", removeTimeout.Milliseconds())).Error; err != nil {
			return fmt.Errorf("allow a removal its time: %w", err)
		}
		if err := lockOwnerTx(tx, v.OwnerID); err != nil {
			return err
		}
		receipt, err = s.removeTx(tx, v.OwnerID, by, reason)
		return err
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("remove account: %w", err)
	}
	s.announce(endings{{Owner: v.OwnerID}})
	s.log.InfoContext(ctx, "removed an account", "receipt", receipt.ID, "reason", string(reason), "rows", receipt.Rows)
	s.leave(ctx, receipt.ID, forget)
	return receipt, nil
}

func (s *Service) leaving(ctx context.Context, ownerID string) (func(context.Context) error, error) {
	if s.leaver == nil {
		return func(context.Context) error { return nil }, nil
	}
	return s.leaver.Leaving(ctx, ownerID)
}

// leave has others forget who is gone. Nobody stays here because they don't answer: what
// is left to do by hand is an error in the log.
func (s *Service) leave(ctx context.Context, receiptID string, forget func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := forget(ctx); err != nil {
		s.log.ErrorContext(ctx, "somebody who was removed here is still known elsewhere: delete it there by hand", "receipt", receiptID, "err", err)
	}
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
func lockOwnerTx(tx *gorm.DB, ownerID string) error {
	var found []string
	if err := tx.Raw(`SELECT id FROM owners WHERE id = ? FOR UPDATE`, ownerID).Scan(&found).Error; err != nil {
		return fmt.Errorf("lock account: %w", err)
	}
	if len(found) == 0 {
		return errNobodyNamed()
	}
	return nil
}

// removeTx deletes the owner's row, which takes all others along, and writes down how
// many those were.
func (s *Service) removeTx(tx *gorm.DB, ownerID string, by audit.Actor, reason models.RemovalReason) (Receipt, error) {
	now := s.clock.Now()
	r := Receipt{ID: id.New(id.Purge), Reason: reason, Cutoff: now, StartedAt: now, FinishedAt: now}
	if err := notLastAdminTx(tx, ownerID); err != nil {
		return r, err
	}
	err := s.audit.WriteTx(tx, audit.Entry{Act: models.AuditAccountRemoved, Subject: ownerID, By: by, Facts: models.AuditFacts{Ref: r.ID, Outcome: string(reason)}})
	if err != nil {
		return r, err
	}
	if r.Rows, err = ownedTx(tx, ownerID); err != nil {
		return r, err
	}
	r.Rows["owners"] = 1
	if err := tx.Where("id = ?", ownerID).Delete(&models.Owner{}).Error; err != nil {
		return r, fmt.Errorf("delete account: %w", err)
	}
	return r, saveReceiptTx(tx, purgeRemoval, &r)
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

// ownedTx counts the owner's rows in all tables with a column for owners, whatever room
// they belong to: a table that is added is counted too.
func ownedTx(tx *gorm.DB, ownerID string) (map[string]int64, error) {
	var tables []string
	err := tx.Raw(`SELECT table_name::text FROM information_schema.columns
		WHERE table_schema = current_schema() AND column_name = 'owner_id' ORDER BY table_name`).Scan(&tables).Error
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		if err := tx.Table(table).Where("owner_id = ?", ownerID).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}
