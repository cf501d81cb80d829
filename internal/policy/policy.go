// Package policy knows the privacy policy and what people have said to it: that they
// are old enough, which version they accepted, and what they agreed to. It alone
// builds rows of age_confirmations, policy_acceptances and consents.
//
// Of a visitor nothing is stored: what it says travels in a signed cookie and becomes
// rows in the transaction of its first message or of its first sign-in. Nobody sends a
// message or gets an account before age and policy are settled. The month of birth is
// never kept, neither in the database nor in the cookie nor in a log.
package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// MinimumAge is the age in years from which the service may be used.
const MinimumAge = 13

const minCookieKey = 32

// Brand is what the operator calls the installation; an empty field leaves what the
// text says.
type Brand struct{ Name, SupportEmail, URL string }

// Config is what a Service is made of.
type Config struct {
	DB    *database.DB
	Audit *audit.Service // writes acts down; without it none is done
	Clock clock.Clock
	// Files holds policy.md and versions.json.
	Files fs.FS
	Brand Brand
	// GuestTTL and APILogTTL are how long the program keeps what the text gives figures
	// for; New refuses when they differ from the text. Zero is not compared.
	GuestTTL, APILogTTL time.Duration
	// CookieKey is a secret of the installation of at least 32 bytes; the key that signs
	// the cookie is derived from it.
	CookieKey []byte
	// External names the inference service that somebody else runs, if one is used; nil
	// stands for none.
	External func() (name string, external bool)
	// WithdrawnTx, if any, is called in the transaction in which an owner withdraws a
	// consent; where it fails nothing is withdrawn.
	WithdrawnTx func(tx *gorm.DB, v viewer.Viewer, kind models.ConsentKind) error
	// Withdrawn, if any, is told after an owner has withdrawn a consent, before the owner
	// gets its answer.
	Withdrawn func(ctx context.Context, v viewer.Viewer, kind models.ConsentKind)
}

// Service answers for the policy.
type Service struct {
	Config
	clock    clock.Clock
	versions []Version // oldest first
	key      []byte
	leave    []byte // the key of links that end news
	settled  *settled
	choices  *choices
	seen     *settled // who has accepted the newest version that is published
}

// New loads the policy. It refuses a text whose hash is not the one in versions.json
// and figures that are not those of the program.
func New(c Config) (*Service, error) {
	if len(c.CookieKey) < minCookieKey {
		return nil, fmt.Errorf("the key that signs the gate cookie must have at least %d bytes", minCookieKey)
	}
	if c.DB == nil || c.Clock == nil || c.Files == nil {
		return nil, errors.New("the policy needs a database, a clock and its files")
	}
	if c.External == nil {
		c.External = func() (string, bool) { return "", false }
	}
	versions, err := load(c)
	if err != nil {
		return nil, fmt.Errorf("load the privacy policy: %w", err)
	}
	return &Service{Config: c, clock: c.Clock, versions: versions, key: cookieKey(c.CookieKey), leave: leaveKey(c.CookieKey), seen: newSettled(), settled: newSettled(), choices: newChoices(c.Clock)}, nil
}

// provider is the inference service that needs a consent, empty when none does.
func (s *Service) provider() string {
	if name, external := s.External(); external {
		return name
	}
	return ""
}

func errNobody() error {
	return fault.New(fault.Unauthenticated, "nobody is signed in, and no cookie could be kept: allow cookies for this site and send this over HTTP")
}
