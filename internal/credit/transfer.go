package credit

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// The installation's own accounts.
const (
	accountGrants      = "lac_grants"
	accountAdjustments = "lac_adjustments"
	accountSuspense    = "lac_suspense"
)

// providerAccount is what stands against the payments of a provider.
func providerAccount(p models.PaymentProvider) (string, error) {
	switch p {
	case models.PaymentStripe:
		return "lac_stripe", nil
	case models.PaymentCreem:
		return "lac_creem", nil
	}
	return "", fmt.Errorf("there is no account for payments by %q", p)
}

// posting moves credits between a wallet and one of the installation's accounts: amount
// is what the wallet gets, or loses when it is negative. What a wallet lacks is owed when
// mayOwe is set, and refused with INSUFFICIENT_CREDITS otherwise. With suspense, what is
// for a wallet whose owner is gone goes to the suspense account.
type posting struct {
	kind             models.TransferKind
	ref              string
	wallet, other    string
	amount           int64
	mayOwe, suspense bool
}

// DepositTx credits a wallet with what was paid for. Credited is false when the purchase
// had been credited before. When the wallet's owner is gone it goes to the suspense account.
func (s *Service) DepositTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, ref string, amount int64) (credited bool, err error) {
	return s.paidTx(tx, models.TransferPurchase, accountID, provider, ref, amount)
}

// TakeBackTx takes back credits whose payment was refunded or is disputed. What the
// wallet cannot cover is owed. Repeating it with the same kind and ref does nothing.
func (s *Service) TakeBackTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, kind models.TransferKind, ref string, amount int64) error {
	if kind != models.TransferRefund && kind != models.TransferDispute {
		return fmt.Errorf("credits are taken back by a refund or a dispute, not by %q", kind)
	}
	if amount <= 0 {
		return fmt.Errorf("take back %d micro-credits: there must be some", amount)
	}
	_, err := s.paidTx(tx, kind, accountID, provider, ref, -amount)
	return err
}

// GiveBackTx gives again what TakeBackTx took: a dispute was won, or a refund failed.
func (s *Service) GiveBackTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, ref string, amount int64) error {
	_, err := s.paidTx(tx, models.TransferReinstatement, accountID, provider, ref, amount)
	return err
}

func (s *Service) paidTx(tx *gorm.DB, kind models.TransferKind, accountID string, p models.PaymentProvider, ref string, amount int64) (bool, error) {
	if kind != models.TransferRefund && kind != models.TransferDispute && amount <= 0 {
		return false, fmt.Errorf("credit %d micro-credits: there must be some", amount)
	}
	other, err := providerAccount(p)
	if err != nil {
		return false, err
	}
	_, done, err := s.postTx(tx, posting{kind: kind, ref: ref, wallet: accountID, other: other, amount: amount, mayOwe: true, suspense: true})
	return done, err
}

// postTx writes a transfer once: done is false, and nothing happens, when its kind and
// ref were there before. What comes in pays what is owed.
func (s *Service) postTx(tx *gorm.DB, p posting) (transferID string, done bool, err error) {
	b, err := lockTx(tx, p.wallet)
	if err != nil {
		return "", false, err
	}
	_, owned, err := s.ownerLockedTx(tx, p.wallet)
	if err != nil {
		return "", false, err
	}
	t := models.LedgerTransfer{ID: id.New(id.Transfer), Kind: p.kind, Ref: p.ref, CreatedAt: s.Clock.Now()}
	if before, err := transferTx(tx, &t); err != nil || before != "" {
		return before, false, err
	}
	entries := []models.LedgerEntry{{AccountID: p.other, TransferID: t.ID, Amount: -p.amount}}
	switch {
	case p.suspense && !owned:
		entries = append(entries, models.LedgerEntry{AccountID: accountSuspense, TransferID: t.ID, Amount: p.amount})
	default:
		own, err := walletEntries(b, t.ID, p)
		if err != nil {
			return "", false, err
		}
		entries = append(entries, own...)
	}
	if err := tx.Create(&entries).Error; err != nil {
		return "", false, fmt.Errorf("write the entries: %w", err)
	}
	if err := s.repayTx(tx, p.wallet, t.ID); err != nil || p.amount < 0 {
		return t.ID, true, err
	}
	return t.ID, true, rearmTx(tx, p.wallet)
}

// locked is a wallet's balance under its lock, and its debt account.
type locked struct {
	Posted, Held, Owed int64
	Debt               string
}

// lockTx locks a wallet's balance: everything that changes a wallet waits for it.
func lockTx(tx *gorm.DB, accountID string) (locked, error) {
	var rows []locked
	err := tx.Raw(`SELECT b.posted, b.held, b.owed, d.id AS debt FROM ledger_balances b
		JOIN ledger_accounts d ON d.wallet_id = b.account_id AND d.kind = 'DEBT' WHERE b.account_id = ? FOR NO KEY UPDATE OF b`, accountID).Scan(&rows).Error
	if err != nil {
		return locked{}, fmt.Errorf("lock the wallet: %w", err)
	}
	if len(rows) == 0 {
		return locked{}, ErrNoWallet
	}
	return rows[0], nil
}

// ownerLockedTx is OwnerOfTx, and keeps the owner until the transaction ends.
func (s *Service) ownerLockedTx(tx *gorm.DB, accountID string) (string, bool, error) {
	var owners []string
	if err := tx.Raw(`SELECT owner_id FROM wallets WHERE account_id = ? FOR KEY SHARE`, accountID).Scan(&owners).Error; err != nil {
		return "", false, fmt.Errorf("find the wallet's owner: %w", err)
	}
	if len(owners) == 0 {
		return "", false, nil
	}
	return owners[0], true, nil
}

// transferTx writes a transfer, or says the id of the one that was there before.
func transferTx(tx *gorm.DB, t *models.LedgerTransfer) (before string, err error) {
	made := tx.Exec(`INSERT INTO ledger_transfers (id, kind, ref, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (kind, ref) DO NOTHING`,
		t.ID, t.Kind, t.Ref, t.CreatedAt)
	if made.Error != nil {
		return "", fmt.Errorf("write a transfer: %w", made.Error)
	}
	if made.RowsAffected == 1 {
		return "", nil
	}
	var ids []string
	if err := tx.Model(&models.LedgerTransfer{}).Where("kind = ? AND ref = ?", t.Kind, t.Ref).Pluck("id", &ids).Error; err != nil {
		return "", fmt.Errorf("find the transfer of before: %w", err)
	}
	if len(ids) == 0 {
		return "", errors.New("a transfer is there and cannot be seen")
	}
	return ids[0], nil
}

// walletEntries are the wallet's part of a posting, and what it owes for it.
func walletEntries(b locked, transferID string, p posting) ([]models.LedgerEntry, error) {
	available := b.Posted - b.Held
	if p.amount >= 0 || -p.amount <= available {
		return []models.LedgerEntry{{AccountID: p.wallet, TransferID: transferID, Amount: p.amount}}, nil
	}
	if !p.mayOwe {
		return nil, insufficient(-p.amount, models.Balance{Posted: b.Posted, Held: b.Held, Owed: b.Owed})
	}
	entries := []models.LedgerEntry{{AccountID: b.Debt, TransferID: transferID, Amount: p.amount + available}}
	if available > 0 {
		entries = append(entries, models.LedgerEntry{AccountID: p.wallet, TransferID: transferID, Amount: -available})
	}
	return entries, nil
}

// repayTx pays what the wallet owes with what it has; ref is what made that possible.
func (s *Service) repayTx(tx *gorm.DB, accountID, ref string) error {
	b, err := lockTx(tx, accountID)
	if err != nil {
		return err
	}
	amount := min(b.Owed, b.Posted-b.Held)
	if amount <= 0 {
		return nil
	}
	t := models.LedgerTransfer{ID: id.New(id.Transfer), Kind: models.TransferRepayment, Ref: ref, CreatedAt: s.Clock.Now()}
	if before, err := transferTx(tx, &t); err != nil || before != "" {
		return err
	}
	entries := []models.LedgerEntry{{AccountID: accountID, TransferID: t.ID, Amount: -amount}, {AccountID: b.Debt, TransferID: t.ID, Amount: amount}}
	if err := tx.Create(&entries).Error; err != nil {
		return fmt.Errorf("write the repayment: %w", err)
	}
	return nil
}

// insufficient is the refusal of what the wallet cannot cover.
func insufficient(needed int64, b models.Balance) error {
	text := "this needs more credits than are available: buy credits, or choose a cheaper model or a shorter conversation"
	if b.Owed > 0 {
		text = "a refund or a disputed payment left a debt: nothing can be spent until bought credits have paid it"
	}
	f := fault.New(fault.InsufficientCredits, "%s", text)
	f.Needed, f.Available = needed, b.Available()
	return f
}
