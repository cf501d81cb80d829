package resolvers

import (
	"context"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func auditFilter(f *graph.AuditFilter) (out audit.Filter) {
	if f == nil {
		return out
	}
	out.Acts = f.Acts
	if f.From != nil {
		out.From = *f.From
	}
	if f.To != nil {
		out.To = *f.To
	}
	return out
}

func accessLogConnection(list page.List, rows []*models.AccessLogEntry, before, more bool) *graph.AccessLogConnection {
	out := &graph.AccessLogConnection{Nodes: rows, Edges: make([]*graph.AccessLogEdge, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, e := range rows {
		out.Edges[i] = &graph.AccessLogEdge{Cursor: list.Cursor(audit.Position(e.At, e.ID)), Node: e}
	}
	if n := len(rows); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func auditConnection(list page.List, rows []*models.AuditRecord, before, more bool) *graph.AuditConnection {
	out := &graph.AuditConnection{Nodes: rows, Edges: make([]*graph.AuditEdge, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, e := range rows {
		out.Edges[i] = &graph.AuditEdge{Cursor: list.Cursor(audit.Position(e.At, e.ID)), Node: e}
	}
	if n := len(rows); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

// sessionsByID finds the viewer's sessions that still stand.
func (r *Resolver) sessionsByID(ctx context.Context, ids []string) ([]*models.Session, error) {
	sessions, err := r.Accounts.Sessions(ctx, viewer.From(ctx))
	if err != nil {
		return nil, err
	}
	known := map[string]*models.Session{}
	for _, s := range sessions {
		known[s.ID] = s
	}
	out := make([]*models.Session, len(ids))
	for i, id := range ids {
		out[i] = known[id]
	}
	return out, nil
}

// keyOf is one of the viewer's keys; nil for none and for those that are gone.
func (r *Resolver) keyOf(ctx context.Context, keyID string) (*models.APIKey, error) {
	if keyID == "" {
		return nil, nil
	}
	return r.load(ctx).apiKey.Load(ctx, keyID)
}
