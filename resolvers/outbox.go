package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

func mailConnection(list page.List, mails []*models.Mail, before, more bool) *graph.MailConnection {
	out := &graph.MailConnection{Nodes: mails, Edges: make([]*graph.MailEdge, len(mails)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, m := range mails {
		out.Edges[i] = &graph.MailEdge{Cursor: list.Cursor(m.ID), Node: m}
	}
	if n := len(mails); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}
