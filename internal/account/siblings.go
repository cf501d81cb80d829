package account

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Mover makes all rows that a guest has in another room an account's, sealed under
// the account's key, with the same ids. The guest's owner row is locked when it is
// called, and deleted afterwards.
type Mover interface {
	MoveTx(tx *gorm.DB, from, to viewer.Viewer) error
}

// Moved is what a Mover has besides when it wants to know that the move was committed.
type Moved interface {
	Moved(ctx context.Context, fromOwnerID string, to viewer.Viewer)
}

// Admission writes for the new account v what from has confirmed and accepted. It
// refuses with AGE_CONFIRMATION_REQUIRED or POLICY_ACCEPTANCE_REQUIRED when from has
// not; then no account is made. A guest that becomes an account is both, v and from.
type Admission interface {
	AdmitTx(tx *gorm.DB, v viewer.Viewer, from viewer.Viewer) error
}

// Mailer sends a mail with the act it tells of.
type Mailer interface {
	EnqueueTx(tx *gorm.DB, v viewer.Viewer, m models.Letter) error
}

// Wallets opens the wallet of a new account in the transaction that makes it. A second
// call for the same owner does nothing.
type Wallets interface {
	OpenTx(tx *gorm.DB, ownerID string) error
}

// Bus is what accounts need to talk to other instances.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
}

// Join hands over the parts of rooms that were built after this one because they need
// it. It is called once, before the first request.
func (s *Service) Join(admission Admission, mailer Mailer, movers ...Mover) {
	s.admission, s.mailer, s.movers = admission, mailer, movers
}

// Fund lets new accounts have wallets. It is called once, before the first request.
func (s *Service) Fund(w Wallets) { s.wallets = w }

// FindNamed is the account with an id or an e-mail address, for the operator; NOT_FOUND
// when there is none.
func (s *Service) FindNamed(ctx context.Context, idOrEmail string) (ownerID string, err error) {
	none := fault.New(fault.NotFound, "no account has this id or e-mail address")
	q := s.db.Gorm(ctx).Model(&models.Account{})
	if id.Is(id.Owner, idOrEmail) {
		q = q.Where("owner_id = ?", idOrEmail)
	} else {
		a, ok := parseAddress(idOrEmail)
		if !ok {
			return "", none
		}
		q = q.Where("email_index = ?", s.index.ofEmail(a))
	}
	var found []string
	if err := q.Limit(1).Pluck("owner_id", &found).Error; err != nil {
		return "", fmt.Errorf("find account: %w", err)
	}
	if len(found) == 0 {
		return "", none
	}
	return found[0], nil
}

// StopWith hands over what ends the replies of who is removed. It is called once, before
// the first request.
func (s *Service) StopWith(stopper Stopper) { s.stopper = stopper }

// LeaveWith hands over what has others forget who is removed. It is called once, before
// the first request.
func (s *Service) LeaveWith(leaver Leaver) { s.leaver = leaver }
