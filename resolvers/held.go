package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

func dataRowConnection(list page.List, rows []*models.DataRow, before, more bool) *graph.DataRowConnection {
	out := &graph.DataRowConnection{Nodes: rows, Edges: make([]*graph.DataRowEdge, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, row := range rows {
		out.Edges[i] = &graph.DataRowEdge{Cursor: list.Cursor(row.Position), Node: row}
	}
	if n := len(rows); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}
