package credit

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// defaultLowThreshold is below what balance a notice is sent: 50 credits.
const defaultLowThreshold = 50_000_000

// OpenTx opens the owner's wallet, with its debt account and what a new wallet is given.
// Repeating it does nothing.
func (s *Service) OpenTx(tx *gorm.DB, ownerID string) error {
	if err := tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, "wallet "+ownerID).Error; err != nil {
		return fmt.Errorf("wait for the wallet's opening: %w", err)
	}
	_, err := s.WalletTx(tx, ownerID)
	if !errors.Is(err, ErrNoWallet) {
		return err
	}
	now, wallet := s.Clock.Now(), id.New(id.LedgerAccount)
	accounts := []models.LedgerAccount{
		{ID: wallet, Kind: "WALLET", CreatedAt: now},
		{ID: id.New(id.LedgerAccount), Kind: "DEBT", WalletID: &wallet, CreatedAt: now},
	}
	if err := tx.Create(&accounts).Error; err != nil {
		return fmt.Errorf("open the wallet's accounts: %w", err)
	}
	if err := tx.Create(&models.LedgerBalance{AccountID: wallet}).Error; err != nil {
		return fmt.Errorf("open the wallet's balance: %w", err)
	}
	w := models.Wallet{OwnerID: ownerID, AccountID: wallet, LowNotice: true, LowThreshold: defaultLowThreshold, LowToldAt: &now} // nothing is no news
	if err := tx.Create(&w).Error; err != nil {
		return fmt.Errorf("open the wallet: %w", err)
	}
	if s.SignupCredits <= 0 {
		return nil
	}
	_, _, err = s.postTx(tx, posting{kind: models.TransferGrant, ref: "signup/" + wallet, wallet: wallet, amount: s.SignupCredits, other: accountGrants})
	return err
}

// WalletTx is the number of the owner's wallet in the ledger; ErrNoWallet when it has none.
func (s *Service) WalletTx(tx *gorm.DB, ownerID string) (accountID string, err error) {
	var found []string
	if err := tx.Model(&models.Wallet{}).Where("owner_id = ?", ownerID).Pluck("account_id", &found).Error; err != nil {
		return "", fmt.Errorf("find the wallet: %w", err)
	}
	if len(found) == 0 {
		return "", ErrNoWallet
	}
	return found[0], nil
}

// OwnerOf is whose wallet the ledger's number is; found is false when its owner is gone.
func (s *Service) OwnerOf(ctx context.Context, accountID string) (ownerID string, found bool, err error) {
	return s.OwnerOfTx(s.DB.Gorm(ctx), accountID)
}

// OwnerOfTx is OwnerOf within a transaction.
func (s *Service) OwnerOfTx(tx *gorm.DB, accountID string) (ownerID string, found bool, err error) {
	var owners []string
	if err := tx.Model(&models.Wallet{}).Where("account_id = ?", accountID).Pluck("owner_id", &owners).Error; err != nil {
		return "", false, fmt.Errorf("find the wallet's owner: %w", err)
	}
	if len(owners) == 0 {
		return "", false, nil
	}
	return owners[0], true, nil
}

// Balance is what the viewer holds and how its wallet is set; both are nil for guests and
// visitors, who hold nothing.
func (s *Service) Balance(ctx context.Context, v viewer.Viewer) (*models.Balance, *models.Wallet, error) {
	if !v.HasWallet() {
		return nil, nil, nil
	}
	var b models.Balance
	w := models.Wallet{OwnerID: v.OwnerID}
	err := s.DB.Pool().QueryRow(ctx, `SELECT w.account_id, w.low_notice, w.low_threshold, w.low_told_at, b.posted, b.held, b.owed
		FROM wallets w JOIN ledger_balances b ON b.account_id = w.account_id WHERE w.owner_id = $1`, v.OwnerID).
		Scan(&w.AccountID, &w.LowNotice, &w.LowThreshold, &w.LowToldAt, &b.Posted, &b.Held, &b.Owed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, database.Translate(fmt.Errorf("read the balance: %w", err))
	}
	b.AccountID = w.AccountID
	return &b, &w, nil
}

// BalanceOf is what a wallet holds, by its number in the ledger; ErrNoWallet when that is
// no wallet's.
func (s *Service) BalanceOf(ctx context.Context, accountID string) (models.Balance, error) {
	b := models.Balance{AccountID: accountID}
	err := s.DB.Pool().QueryRow(ctx, `SELECT posted, held, owed FROM ledger_balances WHERE account_id = $1`, accountID).
		Scan(&b.Posted, &b.Held, &b.Owed)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, ErrNoWallet
	}
	if err != nil {
		return b, database.Translate(fmt.Errorf("read the balance of a wallet: %w", err))
	}
	return b, nil
}
