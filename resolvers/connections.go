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

// conversationConnection makes edges and cursors only when somebody asks for them.
func conversationConnection(list page.List, cs []*models.Conversation, before, more, edges bool) *graph.ConversationConnection {
	out := &graph.ConversationConnection{Nodes: cs, PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	if !edges {
		return out
	}
	out.Edges = make([]*graph.ConversationEdge, len(cs))
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

// asked is what a list of conversations has to load for its document.
type asked struct {
	edges bool // edges, or cursors of the page
	last  chat.Last
}

// askedOf looks at the selection of the connection being resolved.
func askedOf(ctx context.Context) (a asked) {
	op := graphql.GetOperationContext(ctx)
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		switch f.Name {
		case "nodes":
			a.last = max(a.last, lastOf(op, f))
		case "pageInfo":
			a.edges = true
		case "edges":
			a.edges = true
			for _, e := range graphql.CollectFields(op, f.Selections, nil) {
				if e.Name == "node" {
					a.last = max(a.last, lastOf(op, e))
				}
			}
		}
	}
	return a
}

// lastOf is how much of the newest messages the selection of conversations needs.
func lastOf(op *graphql.OperationContext, f graphql.CollectedField) (need chat.Last) {
	for _, c := range graphql.CollectFields(op, f.Selections, []string{"Conversation", "Node"}) {
		if c.Name != "lastMessage" {
			continue
		}
		need = max(need, chat.LastShown)
		for _, m := range graphql.CollectFields(op, c.Selections, []string{"Message", "Node"}) {
			switch m.Name {
			case "__typename", "id", "role", "status", "text", "lastSeq", "createdAt":
			default:
				return chat.LastWhole
			}
		}
	}
	return need
}
