// Package completion answers programs: a request holds all that the model is to read, and
// nothing of it is kept. It is what the compatible interfaces stand on; who writes in the
// app is served by package chat.
//
// The money follows the rule of docs/CHARGES.md. Credits are set aside before the engine
// is asked, more of them as the answer grows, and each request is settled exactly once,
// however it ends, for what was delivered.
//
// A request with an idempotency key leaves its answer, sealed under its owner's key, for
// 24 hours: whoever asks the same again gets the same, and pays nothing.
package completion

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Engine is what completions need of the inference service.
type Engine interface {
	Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error)
	Resolve(modelID string) (inference.Model, error)
	Info() inference.Info
}

// Turns says when a request may go to an engine that serves only so many at once.
type Turns interface {
	// Turn waits for the owner's turn; done gives it back and may be called more than once.
	// It refuses when ctx ends, or when too many wait.
	Turn(ctx context.Context, ownerID string) (done func(), err error)
}

// Owners is what completions need of accounts.
type Owners interface {
	LockTx(tx *gorm.DB, v viewer.Viewer) error
}

// Gate says whether a viewer may send.
type Gate interface {
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
}

// Keys is what completions need of API keys.
type Keys interface {
	// CheckTx refuses a viewer whose key is no longer good.
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
}

// Limits says how much a viewer may do.
type Limits interface {
	// Admit takes a request, a place among the viewer's streams and so many tokens, or
	// refuses with RATE_LIMITED.
	Admit(ctx context.Context, v viewer.Viewer, ask Ask) (Permit, error)
}

// Ask is what a request takes of the limits.
type Ask struct {
	Route  string // as Request's
	Tokens int64  // our own count of the prompt
}

// Permit is what a request took of the limits.
type Permit interface {
	// Done gives the place back and says how many tokens there were really. Calls after the
	// first do nothing.
	Done(tokens int64)
}

// Money is what completions need of credits.
type Money interface {
	HoldTx(tx *gorm.DB, v viewer.Viewer, ask models.HoldAsk) (models.Hold, error)
	// More extends holds and renews their leases; refused says which it didn't, and why.
	More(ctx context.Context, more []models.HoldMore) (refused map[string]error, err error)
	// Settle charges what was used and releases the rest, once.
	Settle(ctx context.Context, s models.Settlement) (models.Charge, error)
	Void(ctx context.Context, holdID string) error
	// Tell says that the owner's balance is another.
	Tell(ownerID string)
}

// Config is what a Service is made of. What is nil is done without: DB, Owners, Gate,
// Engine, Clock and Log are required.
type Config struct {
	DB     *database.DB
	Owners Owners
	Gate   Gate
	Keys   Keys
	Engine Engine
	Turns  Turns
	Limits Limits
	Money  Money
	Clock  clock.Clock
	Log    *slog.Logger
	// Price is what a model costs; nil: what the catalogue says.
	Price func(inference.Model) models.Price
}

// Service answers programs on one instance.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service { return &Service{Config: c} }

// Request is what a program asks, already read by the wire.
type Request struct {
	ModelID        string            // id or alias of the catalogue; "" is the default model
	Prompt         inference.Request // messages, tools, sampling, limits; Model is filled in here
	IdempotencyKey string            // "" for none
	Fingerprint    [32]byte          // of the whole request: another one under the same key is CONFLICT
	Route          string            // for logs: "POST /v1/chat/completions", …
}

// Run is a request that was admitted. Whoever has one calls Stream, once.
type Run struct {
	ID        string
	Model     inference.Model
	CreatedAt time.Time
	Replayed  bool   // the answer of an earlier request with the same idempotency key
	Permit    Permit // what it took of the limits; nil where there are none
}

// Outcome is how a run ended and what it cost.
type Outcome struct {
	FinishReason     string
	Usage            models.Usage
	Credits          int64
	FirstToken, Took time.Duration
}
