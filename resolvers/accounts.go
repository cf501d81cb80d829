package resolvers

import (
	"context"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// filled is a text as the wire has it: null when it is empty.
func filled[T ~string](text string) *T {
	if text == "" {
		return nil
	}
	t := T(text)
	return &t
}

// unlink unlinks an identity and reads the account anew.
func (r *Resolver) unlink(ctx context.Context, identityID string) (*models.Account, error) {
	v := viewer.From(ctx)
	if err := r.Accounts.Unlink(ctx, v, identityID); err != nil {
		return nil, err
	}
	return r.Accounts.Account(ctx, v)
}
