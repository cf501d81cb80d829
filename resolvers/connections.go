package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// branchSize is how many messages of a branch a client gets that names no number.
const branchSize = 40

// list makes and checks the cursors of one of the viewer's lists.
func (r *Resolver) list(ctx context.Context, name ...string) page.List {
	return r.Cursors.List(viewer.From(ctx).OwnerID, name...)
}

func conversationConnection(list page.List, cs []*models.Conversation, before, more bool) *graph.ConversationConnection {
	out := &graph.ConversationConnection{Nodes: cs, Edges: make([]*graph.ConversationEdge, len(cs)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, c := range cs {
		out.Edges[i] = &graph.ConversationEdge{Cursor: list.Cursor(chat.Position(c)), Node: c}
	}
	if n := len(cs); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func searchConnection(list page.List, hits []chat.Hit, next string, before bool) *graph.ConversationConnection {
	out := &graph.ConversationConnection{PageInfo: &graph.PageInfo{HasNextPage: next != "", HasPreviousPage: before}}
	for _, h := range hits {
		m := &graph.TextMatch{Snippet: h.Snippet, Start: h.Start, Length: h.Len}
		if h.MessageID != "" {
			m.MessageID = &h.MessageID
		}
		out.Nodes = append(out.Nodes, h.Conversation)
		out.Edges = append(out.Edges, &graph.ConversationEdge{Cursor: list.Cursor(chat.Position(h.Conversation)), Node: h.Conversation, Match: m})
	}
	if len(out.Edges) > 0 {
		out.PageInfo.StartCursor = &out.Edges[0].Cursor
	}
	if next != "" {
		cursor := list.Cursor(next)
		out.PageInfo.EndCursor = &cursor
	}
	return out
}

func messageConnection(list page.List, ms []*models.Message, before, more bool) *graph.MessageConnection {
	out := &graph.MessageConnection{Nodes: ms, Edges: make([]*graph.MessageEdge, len(ms)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, m := range ms {
		out.Edges[i] = &graph.MessageEdge{Cursor: list.Cursor(m.ID), Node: m}
	}
	if n := len(ms); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

// wants reports whether the nodes of the connection being resolved are asked for the
// field, so that the list can load it with them.
func wants(ctx context.Context, field string) bool {
	op := graphql.GetOperationContext(ctx)
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		switch f.Name {
		case "nodes":
			if has(op, f, field) {
				return true
			}
		case "edges":
			for _, e := range graphql.CollectFields(op, f.Selections, nil) {
				if e.Name == "node" && has(op, e, field) {
					return true
				}
			}
		}
	}
	return false
}

func has(op *graphql.OperationContext, f graphql.CollectedField, field string) bool {
	for _, s := range graphql.CollectFields(op, f.Selections, []string{"Conversation", "Node"}) {
		if s.Name == field {
			return true
		}
	}
	return false
}
