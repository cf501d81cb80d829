package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

func shareConnection(list page.List, shares []*models.Share, before, more bool) *graph.ShareConnection {
	out := &graph.ShareConnection{Nodes: shares, Edges: make([]*graph.ShareEdge, len(shares)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, s := range shares {
		out.Edges[i] = &graph.ShareEdge{Cursor: list.Cursor(s.ID), Node: s}
	}
	if n := len(shares); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}
