package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

func legalPayload(request *models.LegalRequest, err error) (*graph.LegalRequestPayload, error) {
	refused, err := userErrors(err, 0)
	if err != nil {
		return nil, err
	}
	return &graph.LegalRequestPayload{Request: request, UserErrors: refused}, nil
}

func openingPayload(opening *models.Opening, err error) (*graph.OpeningPayload, error) {
	refused, err := userErrors(err, 0)
	if err != nil {
		return nil, err
	}
	return &graph.OpeningPayload{Opening: opening, UserErrors: refused}, nil
}

func openedConversation(c disclosure.Conversation) *graph.OpenedConversation {
	out := &graph.OpenedConversation{ID: c.ID, Title: c.Title, Cut: c.Cut, Messages: make([]*graph.OpenedMessage, len(c.Messages))}
	for i, m := range c.Messages {
		out.Messages[i] = &graph.OpenedMessage{Role: m.Role, Text: m.Text, CreatedAt: m.CreatedAt}
	}
	return out
}

func legalConnection(list page.List, requests []*models.LegalRequest, before, more bool) *graph.LegalRequestConnection {
	out := &graph.LegalRequestConnection{Nodes: requests, Edges: make([]*graph.LegalRequestEdge, len(requests)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, r := range requests {
		out.Edges[i] = &graph.LegalRequestEdge{Cursor: list.Cursor(r.ID), Node: r}
	}
	if n := len(requests); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func openingConnection(list page.List, openings []*models.Opening, before, more bool) *graph.OpeningConnection {
	out := &graph.OpeningConnection{Nodes: openings, Edges: make([]*graph.OpeningEdge, len(openings)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, o := range openings {
		out.Edges[i] = &graph.OpeningEdge{Cursor: list.Cursor(o.ID), Node: o}
	}
	if n := len(openings); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}
