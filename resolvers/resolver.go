// Package resolvers translates between the wire and the services, both ways. It
// decides nothing: rules and permission live in the services.
package resolvers

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inventory"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Accounts is what resolvers need of accounts.
type Accounts interface {
	Allowance(ctx context.Context, v viewer.Viewer) (left, limit int, err error)
	Account(ctx context.Context, v viewer.Viewer) (*models.Account, error)
	Update(ctx context.Context, v viewer.Viewer, u account.Update) (*models.Account, error)
	Identities(ctx context.Context, v viewer.Viewer) ([]*models.Identity, error)
	Unlink(ctx context.Context, v viewer.Viewer, identityID string) error
	Sessions(ctx context.Context, v viewer.Viewer) ([]*models.Session, error)
	RevokeSession(ctx context.Context, v viewer.Viewer, sessionID string) error
	RevokeOthers(ctx context.Context, v viewer.Viewer) (int, error)
	FindNamed(ctx context.Context, idOrEmail string) (ownerID string, err error)
	RemoveAccount(ctx context.Context, v viewer.Viewer, r account.Removal) (account.Receipt, error)
	Delete(ctx context.Context, v viewer.Viewer, confirmation string) (account.Erasure, error)
	FindErasure(ctx context.Context, ticket string) (account.Erasure, error)
	CheckReceipt(text string) (finishedAt time.Time, err error)
}

// Keys is what resolvers need of API keys.
type Keys interface {
	List(ctx context.Context, v viewer.Viewer) ([]*models.APIKey, error)
	Create(ctx context.Context, v viewer.Viewer, in apikey.Create) (*models.APIKey, string, error)
	Update(ctx context.Context, v viewer.Viewer, in apikey.Update) (*models.APIKey, error)
	Revoke(ctx context.Context, v viewer.Viewer, keyID string) (*models.APIKey, error)
	RevokeAll(ctx context.Context, v viewer.Viewer) (int, error)
}

// Engine is what resolvers need of the inference service.
type Engine interface {
	Models() []inference.Model
	Resolve(id string) (inference.Model, error)
	Info() inference.Info
}

// Limits is what resolvers need of limits.
type Limits interface {
	States(ctx context.Context, v viewer.Viewer) ([]models.RateLimitState, error)
}

// Transparency is what resolvers need of how the policy is kept.
type Transparency interface {
	Report(ctx context.Context) (*models.Transparency, error)
}

// Retention is what resolvers need of what is not kept.
type Retention interface {
	Rules(ctx context.Context, v viewer.Viewer) ([]*models.RetentionRule, error)
	Upcoming(ctx context.Context, v viewer.Viewer, table string) ([]*models.RetentionDay, error)
	Sweeps(ctx context.Context, v viewer.Viewer, table string) ([]*models.RetentionSweep, error)
	Confirm(ctx context.Context, v viewer.Viewer, table string) (*models.RetentionRule, error)
}

// Info is what the installation says of itself.
type Info struct {
	Name, SupportEmail, URL, Version string
	Providers                        []signin.Info // the ways to sign in
}

func (i Info) providers() []*graph.SignInProvider {
	out := make([]*graph.SignInProvider, len(i.Providers))
	for n, p := range i.Providers {
		out[n] = &graph.SignInProvider{Provider: p.Provider, Name: p.Name, Path: p.Path}
	}
	return out
}

// Resolver holds the services.
type Resolver struct {
	Chat     *chat.Service
	Policy   *policy.Service
	Keys     Keys
	Requests *requestlog.Service
	Audit    *audit.Service
	Outbox   *notify.Service
	Billing  *billing.Service
	Accounts Accounts
	Credit   *credit.Service
	Engine   Engine
	Limits   Limits
	Ends     Retention
	Exporter *export.Service
	Links    *share.Service
	Cursors  *page.Signer
	Info     Info
	// Inventory answers what is held about somebody.
	Inventory    *inventory.Service
	Transparency Transparency
	// Notices and Disclosures are what administrators write to everybody, and what is
	// shown to others.
	Notices     *notice.Service
	Disclosures *disclosure.Service
}
