// Package audit writes down what was done, by whom and concerning whom. It alone builds
// rows of audit_subjects, audit_entries, audit_links and audit_checkpoints. Every domain
// may use it.
//
// An entry is written in the transaction of its act: no entry, no act. Soon after, whichever
// instance has the turn gives it its place in a chain of hashes, and once a day the end of
// the chain is signed. Nothing is ever changed or deleted. Whom an entry concerns stands in
// it by a random pseudonym; the one row that leads from an owner to it goes with the owner.
package audit

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Config is what a Service is made of.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	Log   *slog.Logger // nil: nobody is told
	// Secret is a secret of the installation of at least 32 bytes. What was written under
	// another one does not verify.
	Secret []byte
}

// Service writes, chains, verifies and lists acts.
type Service struct {
	Config
	macKey []byte
	signer ed25519.PrivateKey

	mu     sync.Mutex
	head   head      // the longest chain that this process has seen
	swept  time.Time // when entries of any age were last looked for
	looked position  // how far the look at entries of any age has come
}

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Config: c, macKey: seal.Derive(c.Secret, "audit entry v1"), signer: ed25519.NewKeyFromSeed(seal.Derive(c.Secret, "audit checkpoint v1"))}
}

// PublicKey is what checkpoints can be verified with.
func (s *Service) PublicKey() ed25519.PublicKey {
	return s.signer.Public().(ed25519.PublicKey) //nolint:forcetypeassert // an Ed25519 key has no other
}

// Entry is one act.
type Entry struct {
	Act models.AuditAct
	// Subject is the id of the owner whom it concerns; empty: nobody in particular.
	Subject string
	By      Actor
	Facts   models.AuditFacts
}

// Actor is who did it; the zero Actor is nobody, and refused.
type Actor struct {
	kind                models.AuditActor // empty: told by owner and subject
	owner, session, key string
}

// By is the viewer as an actor: an API key, the owner whom the act concerns, or else the
// operator.
func By(v viewer.Viewer) Actor {
	switch {
	case v.Kind == viewer.System:
		return System()
	case v.KeyID != "":
		return Actor{kind: models.AuditByKey, owner: v.OwnerID, key: v.KeyID}
	}
	return Actor{owner: v.OwnerID, session: v.SessionID}
}

// Operator is the viewer as the administrator that it is, also towards itself.
func Operator(v viewer.Viewer) Actor {
	return Actor{kind: models.AuditByOperator, owner: v.OwnerID, session: v.SessionID}
}

// Terminal is whoever has a terminal on the installation.
func Terminal() Actor { return Actor{kind: models.AuditByOperator} }

// System is the program itself: a job, or a limit that was reached.
func System() Actor { return Actor{kind: models.AuditBySystem} }

// kindFor is the sort of actor that it is towards a subject.
func (a Actor) kindFor(subject string) (models.AuditActor, error) {
	switch {
	case a.kind != "":
		return a.kind, nil
	case a.owner == "":
		return "", errors.New("an act has no actor")
	case a.owner == subject:
		return models.AuditByOwner, nil
	}
	return models.AuditByOperator, nil
}
