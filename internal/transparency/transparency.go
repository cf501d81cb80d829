// Package transparency finds out all the time whether the privacy policy is kept, and
// shows it to everybody. It alone builds rows of transparency_checks and
// transparency_changes.
//
// Each clause of the policy names its checks in the register; each check ends GREEN, AMBER
// or RED with its evidence in a sentence. One instance at a time makes them and all show
// the same. What has not been checked for an hour is AMBER whatever was found before, and
// RED after six: nothing is green because nobody looked. No setting hides anything.
// The evidence holds numbers and times, nothing of anybody.
package transparency

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// Job is the name of Run's turns, Every how often it should get one.
const (
	Job   = "transparency.check"
	Every = 2 * time.Minute
)

// The ages at which a result counts no more.
const (
	StaleAfter = time.Hour
	DeadAfter  = 6 * time.Hour
)

const (
	often = 2 * time.Minute
	// seldom is for checks that read much.
	seldom = 30 * time.Minute
	// checkTimeout bounds one check; slowTimeout one of those that read much.
	checkTimeout = 30 * time.Second
	slowTimeout  = 10 * time.Minute
	// calm is how long a check must not have been red for the next red to be told anew.
	calm = time.Hour
)

// Alarm is a check that has turned red.
type Alarm struct {
	Check    string
	Evidence string
	Since    time.Time // names the time of trouble: it is told of once
}

// Policy is the privacy policy in force.
type Policy struct{ Version, Hash, Text string }

// Config is what a Service is made of.
type Config struct {
	DB       *database.DB
	Clock    clock.Clock
	Log      *slog.Logger // nil: nobody is told
	Secret   []byte       // of the installation; the key that signs is derived from it
	Register *register.Register
	Policy   func() Policy
	Service  string // what the operator calls the installation
	Version  string // of the software
	// Recipients are all who get data; Hops the ways that data take.
	Recipients func() []*models.Recipient
	Hops       func() []*models.Hop
	// Alarm tells the administrators, once for each time of trouble; nil: the log alone does.
	Alarm func(ctx context.Context, tx *gorm.DB, a Alarm) error
	Facts Facts
}

// Service checks and reports.
type Service struct {
	Config
	signer  ed25519.PrivateKey
	started time.Time
	checks  []check

	mu     sync.Mutex
	cached *signed
}

// check is one check that the register may name.
type check struct {
	id    string
	every time.Duration
	limit time.Duration
	run   func(ctx context.Context) (Result, error)
}

// Result is what came of a check: what was found, and the same in English.
type Result struct {
	State    models.TransparencyState
	Findings []models.TransparencyFinding
	Evidence string
}

// New makes the service. It refuses a register that names checks which there are not, and
// one that leaves a check out.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, signer: ed25519.NewKeyFromSeed(seal.Derive(c.Secret, "transparency report v1")), started: c.Clock.Now()}
	s.checks = s.all()
	var named []string
	for _, clause := range c.Register.Clauses {
		named = append(named, clause.Run...)
	}
	var errs []error
	for _, name := range named {
		if !slices.ContainsFunc(s.checks, func(k check) bool { return k.id == name }) {
			errs = append(errs, fmt.Errorf("the register names the check %s, which there is not", name))
		}
	}
	for _, k := range s.checks {
		if !slices.Contains(named, k.id) {
			errs = append(errs, fmt.Errorf("no clause of the register names the check %s", k.id))
		}
	}
	return s, errors.Join(errs...)
}

// all are the checks, in the order in which they are made and shown.
func (s *Service) all() []check {
	return []check{
		{"policy_text", often, checkTimeout, s.policyText},
		{"figures", often, checkTimeout, s.figures},
		{"version", often, checkTimeout, s.version},
		{"hops_encrypted", often, checkTimeout, s.hopsEncrypted},
		{"recipients", often, checkTimeout, s.recipients},
		{"register_complete", often, checkTimeout, s.registerComplete},
		{"columns_sealed", seldom, slowTimeout, s.columnsSealed},
		{"oldest_request_log", often, checkTimeout, s.oldestRequestLog},
		{"oldest_guest", often, checkTimeout, s.oldestGuest},
		{"sweeps", often, checkTimeout, s.sweeps},
		{"deletions", often, checkTimeout, s.deletions},
		{"exports", often, checkTimeout, s.exports},
		{"ledger_drift", often, checkTimeout, s.ledgerDrift},
		{"audit_chain", seldom, slowTimeout, s.auditChain},
		{"staff_access", often, checkTimeout, s.staffAccess},
		{"legal_requests", often, checkTimeout, s.legalRequests},
		{"notices", often, checkTimeout, s.notices},
		{"marketing", often, checkTimeout, s.marketing},
		{"enterprise", often, checkTimeout, s.enterprise},
		{"self_audit", often, checkTimeout, s.selfAudit},
	}
}

// IDs are the names of all checks.
func (s *Service) IDs() []string {
	ids := make([]string, len(s.checks))
	for i, k := range s.checks {
		ids[i] = k.id
	}
	return ids
}
