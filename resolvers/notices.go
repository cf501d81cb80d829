package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

func (r *Resolver) noticePreview(n *models.Notice, language string) (*graph.NoticePreview, error) {
	subject, text, err := r.Notices.Preview(n, language)
	if err != nil {
		return nil, err
	}
	return &graph.NoticePreview{Subject: subject, Text: text}, nil
}

func noticeConnection(list page.List, notices []*models.Notice, before, more bool) *graph.NoticeConnection {
	out := &graph.NoticeConnection{Nodes: notices, Edges: make([]*graph.NoticeEdge, len(notices)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, n := range notices {
		out.Edges[i] = &graph.NoticeEdge{Cursor: list.Cursor(n.ID), Node: n}
	}
	if n := len(notices); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}
