package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// ErrWrongKey means that something in the database is wrapped under a key-encryption key
// that was not given; the error says what to do about it.
var ErrWrongKey = errors.New("wrong SECRET_KEY")

// errPartly says that owners are there and the proof of their keys is not.
var errPartly = errors.New("the database holds people's data but not the row of table installation that proves the SECRET_KEY: it was restored in part; restore a complete backup; nothing was changed")

// Keys are the keys of an installation.
type Keys struct {
	// Keeper wraps and opens the owners' keys.
	Keeper *seal.Keeper
	// Root is the secret from which everything else is derived: the keys of signatures, links
	// and cookies, and the hashes by which addresses and API keys are found. It lies in the
	// database, wrapped, and stays the same when the key-encryption key is exchanged.
	Root []byte
}

// OpenKeys makes sure that the key-encryption keys are those that wrap what lies in the
// database, and opens the root secret. An empty database gets a random root, wrapped under
// first. In one of before there were roots, everything was derived from the key-encryption key
// itself: that becomes the root, so that all signatures and hashes hold. When something is
// wrapped under a key that is not among them, OpenKeys refuses with ErrWrongKey and changes
// nothing.
func OpenKeys(ctx context.Context, db *database.DB, c clock.Clock, first []byte, previous ...[]byte) (Keys, error) {
	keeper, err := seal.NewKeeper(first, previous...)
	if err != nil {
		return Keys{}, err
	}
	root, err := settleKeys(ctx, db, c, keeper, func(former string) []byte {
		for _, key := range append([][]byte{first}, previous...) {
			if seal.KeyID(key) == former {
				return key
			}
		}
		fresh := make([]byte, seal.KeySize)
		rand.Read(fresh)
		return fresh
	})
	return Keys{keeper, root}, err
}

// CheckKeys makes sure that one of the key-encryption keys is the one that wraps what is new in
// the database, whatever version its schema has: it is for the moment before a migration. It
// changes nothing, and of an empty database says nothing.
func CheckKeys(ctx context.Context, db *database.DB, first []byte, previous ...[]byte) error {
	at, err := db.SchemaVersion(ctx)
	if err != nil || at == 0 {
		return err
	}
	keeper, err := seal.NewKeeper(first, previous...)
	if err != nil {
		return err
	}
	var checks [][]byte
	if err := db.Gorm(ctx).Raw(`SELECT key_check FROM installation WHERE id = 1`).Scan(&checks).Error; err != nil {
		return fmt.Errorf("read key check: %w", err)
	}
	for _, check := range checks {
		if _, err := keeper.Maker(check); err != nil {
			return wrongKey()
		}
	}
	return nil
}

// VerifyKey is OpenKeys for the service's own keys: its CookieKey must be the root secret, and
// becomes it where there is none yet.
func (s *Service) VerifyKey(ctx context.Context) error {
	if len(s.root) < minCookieKey {
		return fmt.Errorf("the key that signs cookies must have at least %d bytes", minCookieKey)
	}
	root, err := settleKeys(ctx, s.db, s.clock, s.keeper, func(string) []byte { return s.root })
	if err == nil && !hmac.Equal(root, s.root) {
		err = errors.New("the key that signs cookies is not the root secret of this database")
	}
	return err
}

// settleKeys is what OpenKeys and VerifyKey do. Where there is no root yet, rootFor gives it:
// of the key that the database was sealed with, or of "" for an empty database.
func settleKeys(ctx context.Context, db *database.DB, c clock.Clock, keeper *seal.Keeper, rootFor func(former string) []byte) (root []byte, err error) {
	var used string
	err = db.Tx(ctx, func(tx *gorm.DB) error {
		made := tx.Exec(`INSERT INTO installation (id, key_check, created_at) SELECT 1, ?, ? WHERE NOT EXISTS (SELECT FROM owners) ON CONFLICT (id) DO NOTHING`, keeper.Check(), c.Now())
		if made.Error != nil {
			return fmt.Errorf("remember key check: %w", made.Error)
		}
		var rows []struct {
			KeyCheck []byte
			KekID    *string
		}
		if err := tx.Raw(`SELECT key_check, kek_id FROM installation WHERE id = 1 FOR UPDATE`).Scan(&rows).Error; err != nil {
			return fmt.Errorf("read key check: %w", err)
		}
		switch {
		case len(rows) == 0:
			return errPartly
		case rows[0].KekID != nil:
			used = *rows[0].KekID
			root, err = rootTx(tx, keeper, used)
			return err
		}
		if used, err = keeper.Maker(rows[0].KeyCheck); err != nil {
			return wrongKey()
		}
		former := used
		if made.RowsAffected > 0 {
			former = ""
		}
		root = rootFor(former)
		if err := addKekTx(tx, c, keeper, used, root); err != nil {
			return err
		}
		return useKekTx(tx, keeper, used)
	})
	if err != nil {
		return nil, err
	}
	return root, keeper.Use(used)
}

// wrongKey refuses keys of which none opens anything.
func wrongKey() error {
	return fmt.Errorf("%w: this database was sealed with another key, and without that key nobody can read it; "+
		"set SECRET_KEY (or SECRET_KEY_FILE, or the file secret.key in DATA_DIR) back to the former value, or start with an empty database; nothing was changed", ErrWrongKey)
}

// rootTx opens the root secret, and refuses when a key wraps something that the keeper doesn't
// hold.
func rootTx(tx *gorm.DB, keeper *seal.Keeper, used string) (root []byte, err error) {
	var rows []models.KeyEncryptionKey
	if err := tx.Raw(`SELECT id, key_check, root_wrapped FROM key_encryption_keys ORDER BY created_at, id`).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the key-encryption keys: %w", err)
	}
	var missing []string
	for _, r := range rows {
		if !keeper.Holds(r.ID) {
			missing = append(missing, r.ID)
			continue
		}
		if maker, err := keeper.Maker(r.KeyCheck); err != nil || maker != r.ID {
			return nil, fmt.Errorf("the row %s of table key_encryption_keys is damaged: restore a complete backup; nothing was changed", r.ID)
		}
		if r.ID == used {
			if root, err = keeper.OpenRoot(r.ID, r.RootWrapped); err != nil {
				return nil, fmt.Errorf("open the root secret: %w", err)
			}
		}
	}
	switch {
	case len(missing) > 0 && len(missing) == len(rows):
		return nil, wrongKey()
	case len(missing) > 0:
		return nil, fmt.Errorf("%w: keys of people are still wrapped under the key %s, which was not given (given: %s); "+
			"put it into SECRET_KEY_PREVIOUS (or SECRET_KEY_PREVIOUS_FILE), and drop it only when `kimi-k2 rekey` has said so; nothing was changed",
			ErrWrongKey, strings.Join(missing, " and "), strings.Join(keeper.IDs(), ", "))
	case root == nil:
		return nil, fmt.Errorf("the table key_encryption_keys lacks the row %s: restore a complete backup; nothing was changed", used)
	}
	return root, nil
}

// addKekTx lets a key wrap the root, and with that owners' keys; nothing when it does already.
func addKekTx(tx *gorm.DB, c clock.Clock, keeper *seal.Keeper, id string, root []byte) error {
	check, err := keeper.CheckUnder(id)
	if err != nil {
		return err
	}
	wrapped, err := keeper.WrapRoot(id, root)
	if err != nil {
		return fmt.Errorf("wrap the root secret: %w", err)
	}
	err = tx.Exec(`INSERT INTO key_encryption_keys (id, key_check, root_wrapped, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`, id, check, wrapped, c.Now()).Error
	if err != nil {
		return fmt.Errorf("store a key-encryption key's id: %w", err)
	}
	return nil
}

// useKekTx lets a key wrap what is new from now on, on all instances.
func useKekTx(tx *gorm.DB, keeper *seal.Keeper, id string) error {
	check, err := keeper.CheckUnder(id)
	if err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE installation SET kek_id = ?, key_check = ? WHERE id = 1`, id, check).Error; err != nil {
		return fmt.Errorf("store which key wraps: %w", err)
	}
	return nil
}
