// Package resolvers translates between the wire and the services, both ways. It
// decides nothing: rules and permission live in the services.
package resolvers

import (
	"context"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Accounts is what resolvers need of accounts.
type Accounts interface {
	Allowance(ctx context.Context, v viewer.Viewer) (left, limit int, err error)
}

// Engine is what resolvers need of the inference service.
type Engine interface {
	Models() []inference.Model
	Resolve(id string) (inference.Model, error)
	Info() inference.Info
}

// Info is what the installation says of itself.
type Info struct {
	Name, SupportEmail, URL, Version string
}

// Resolver holds the services.
type Resolver struct {
	Chat     *chat.Service
	Accounts Accounts
	Engine   Engine
	Info     Info
}
