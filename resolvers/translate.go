package resolvers

import (
	"context"
	"slices"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// viewerOf is the viewer of the request as the wire shows it.
func viewerOf(ctx context.Context) *graph.Viewer { return wireViewer(viewer.From(ctx)) }

func wireViewer(v viewer.Viewer) *graph.Viewer {
	w := &graph.Viewer{Kind: graph.ViewerKindGuest}
	switch v.Kind {
	case viewer.Account:
		w.Kind = graph.ViewerKindAccount
	case viewer.APIKey:
		w.Kind = graph.ViewerKindAPIKey
	case viewer.Visitor, viewer.Guest, viewer.System:
	}
	if v.IsOwner() {
		w.ID = &v.OwnerID
	}
	return w
}

// sent is the payload of everything that starts a reply.
func (r *Resolver) sent(ctx context.Context, s *chat.Sent, err error) (*graph.MessageSendPayload, error) {
	refused, err := userErrors(err, r.guestLimit(ctx, err))
	if err != nil {
		return nil, err
	}
	p := &graph.MessageSendPayload{Viewer: viewerOf(ctx), UserErrors: refused}
	if s != nil {
		viewer.Become(ctx, s.Viewer) // the rest of this operation is answered to whom the sender has become
		p.Conversation, p.Message, p.Reply, p.Viewer = s.Conversation, s.Message, s.Reply, wireViewer(s.Viewer)
	}
	return p, nil
}

// guestLimit is the limit a refusal names; it is asked for only when there is one.
func (r *Resolver) guestLimit(ctx context.Context, err error) int {
	if !fault.Is(err, fault.GuestLimitReached) {
		return 0
	}
	_, limit, err := r.Accounts.Allowance(ctx, viewer.From(ctx))
	if err != nil {
		return 0
	}
	return limit
}

// models are those that are served, the one that is chosen by default first. Nothing
// is left out while the engine serves none: people see what there would be.
func (r *Resolver) models() (out []*graph.Model) {
	all := r.Engine.Models()
	served := slices.ContainsFunc(all, func(m inference.Model) bool { return m.Available })
	chosen, err := r.Engine.Resolve("")
	for _, m := range all {
		if served && !m.Available {
			continue
		}
		w := modelOf(m)
		w.Default = err == nil && m.ID == chosen.ID
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b *graph.Model) int {
		switch {
		case a.Default == b.Default:
			return 0
		case a.Default:
			return -1
		}
		return 1
	})
	return out
}

func modelOf(m inference.Model) *graph.Model {
	return &graph.Model{ID: m.ID, Name: m.Name, Description: m.Description, ContextTokens: m.ContextTokens, Available: m.Available, Default: m.Default,
		Reasoning: m.Reasoning, TrillionMoe: m.MoE,
		Price: &graph.ModelPrice{Input: models.Credits(m.Price.Input), CachedInput: models.Credits(m.Price.CachedInput), Output: models.Credits(m.Price.Output)}}
}

// wide is a number of the wire as services take it.
func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	m := int64(*n)
	return &m
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// node is one noun by its id, nil when it doesn't exist or isn't the viewer's.
func (r *Resolver) node(ctx context.Context, nodeID string) (graph.Node, error) {
	v := viewer.From(ctx)
	switch id.KindOf(nodeID) {
	case id.Conversation:
		if c, err := orNull(r.Chat.FindConversation(ctx, v, nodeID)); c != nil || err != nil {
			return c, err
		}
	case id.Message:
		if m, err := orNull(r.Chat.FindMessage(ctx, v, nodeID)); m != nil || err != nil {
			return m, err
		}
	}
	return nil, nil
}
