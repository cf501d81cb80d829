package account

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Removal is what an administrator asks to have removed.
type Removal struct {
	Account      string // its id or e-mail address
	Confirmation string // the account's id or e-mail address once more
	Reason       models.RemovalReason
}

// RemoveAccount is Remove for an administrator with a fresh proof of who it is (see
// Fresh). It refuses with INVALID a confirmation that names another account or none,
// and with CONFLICT to remove who asks.
func (s *Service) RemoveAccount(ctx context.Context, v viewer.Viewer, r Removal) (Receipt, error) {
	if !isAccount(v) || !v.Admin {
		return Receipt{}, fault.New(fault.Forbidden, "only an administrator of this installation removes accounts")
	}
	if err := s.Fresh(v); err != nil {
		return Receipt{}, err
	}
	if !r.Reason.Valid() {
		return Receipt{}, fault.On("reason", fault.Invalid, "say why: UNDER_AGE, REQUESTED or ABUSE")
	}
	named, err := s.named(s.db.Gorm(ctx), r.Account)
	if err != nil {
		return Receipt{}, err
	}
	again, err := s.named(s.db.Gorm(ctx), r.Confirmation)
	switch {
	case fault.Is(err, fault.NotFound), err == nil && again.OwnerID != named.OwnerID:
		return Receipt{}, fault.On("confirmation", fault.Invalid, "this is not the account to be removed: type its id or its e-mail address once more")
	case err != nil:
		return Receipt{}, err
	case named.OwnerID == v.OwnerID:
		return Receipt{}, fault.On("account", fault.Conflict, "this is your own account: another administrator has to remove it")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	return s.remove(ctx, named, audit.Operator(v), r.Reason)
}

// named is the owner with an id or an e-mail address.
func (s *Service) named(tx *gorm.DB, idOrEmail string) (viewer.Viewer, error) {
	idOrEmail = strings.TrimSpace(idOrEmail)
	find, arg := `SELECT id, kind, key_wrapped FROM owners WHERE id = ?`, any(idOrEmail)
	if !id.Is(id.Owner, idOrEmail) {
		a, ok := parseAddress(idOrEmail)
		if !ok {
			return viewer.Viewer{}, errNobodyNamed()
		}
		find, arg = `SELECT o.id, o.kind, o.key_wrapped FROM owners o JOIN accounts a ON a.owner_id = o.id WHERE a.email_index = ?`, s.index.ofEmail(a)
	}
	var found []models.Owner
	if err := tx.Raw(find, arg).Scan(&found).Error; err != nil {
		return viewer.Viewer{}, fmt.Errorf("find account: %w", database.Translate(err))
	}
	if len(found) == 0 {
		return viewer.Viewer{}, errNobodyNamed()
	}
	key, err := s.keeper.Unwrap(found[0].ID, found[0].KeyWrapped)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner: %w", err)
	}
	return viewer.Viewer{Kind: viewer.Kind(found[0].Kind), OwnerID: found[0].ID, Key: key}, nil
}

func errNobodyNamed() error {
	return fault.On("account", fault.NotFound, "no account has this id or e-mail address: it may have been removed already")
}
