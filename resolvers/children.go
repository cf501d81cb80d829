package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/models"
)

// after are the newest messages after a parent. Where only their ids are asked for nothing
// else of them is read.
func (r *Resolver) after(ctx context.Context, p chat.Parent) ([]*models.Message, error) {
	if !idsOnly(ctx) {
		return r.load(ctx).children.Load(ctx, p)
	}
	return r.load(ctx).childIDs.Load(ctx, p)
}

// idsOnly reports whether nothing but ids is asked of messages. What is priced as that is that.
func idsOnly(ctx context.Context) bool {
	for _, f := range graphql.CollectFieldsCtx(ctx, []string{"Message", "Node"}) {
		if f.Name != "id" && f.Name != "__typename" {
			return false
		}
	}
	return true
}

// withItself are the versions of a message, in which it has a place even when it is older
// than all that are told.
func withItself(versions []*models.Message, m *models.Message) []*models.Message {
	if slices.ContainsFunc(versions, func(v *models.Message) bool { return v.ID == m.ID }) {
		return versions
	}
	if len(versions) == chat.MaxChildren {
		versions = versions[1:]
	}
	return slices.Insert(slices.Clone(versions), 0, m) // others have the versions too
}
