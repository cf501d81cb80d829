package resolvers

import (
	"context"
	"slices"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func requestFilter(f *graph.RequestLogFilter) (out requestlog.Filter) {
	if f == nil {
		return out
	}
	out.KeyID, out.ModelID, out.Route = orEmpty(f.KeyID), orEmpty(f.ModelID), orEmpty(f.Route)
	if f.Outcome != nil {
		out.Outcome = *f.Outcome
	}
	if f.From != nil {
		out.From = *f.From
	}
	if f.To != nil {
		out.To = *f.To
	}
	return out
}

func requestConnection(list page.List, rows []*models.RequestLog, before, more bool) *graph.RequestLogConnection {
	out := &graph.RequestLogConnection{Nodes: rows, Edges: make([]*graph.RequestLogEdge, len(rows)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, l := range rows {
		out.Edges[i] = &graph.RequestLogEdge{Cursor: list.Cursor(requestlog.Position(l)), Node: l}
	}
	if n := len(rows); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func requestAnalytics(w *requestlog.Window, a *requestlog.Analysis) *graph.RequestAnalytics {
	out := &graph.RequestAnalytics{Total: requestSum(&a.Total), Groups: make([]*graph.RequestGroup, len(a.Groups))}
	for i, g := range a.Groups {
		wire := &graph.RequestGroup{Sum: requestSum(&g.Total)}
		for _, d := range w.By {
			switch d {
			case models.RequestsByKey:
				wire.KeyID = &g.KeyID
			case models.RequestsByModel:
				wire.ModelID = &g.ModelID
			case models.RequestsByRoute:
				wire.Route = &g.Route
			case models.RequestsByDay, models.RequestsByHour:
				wire.Start = &g.Start
			}
		}
		out.Groups[i] = wire
	}
	return out
}

func requestSum(t *requestlog.Total) *graph.RequestSum {
	return &graph.RequestSum{Requests: int(t.Requests), Errors: int(t.Errors()), PromptTokens: int(t.PromptTokens), CachedTokens: int(t.CachedTokens), OutputTokens: int(t.OutputTokens),
		Credits: models.Credits(t.Credits), FirstTokenMs: quantiles(t.FirstToken), LatencyMs: quantiles(t.Latency)}
}

func quantiles(of func(q float64) (int, bool)) *graph.Quantiles {
	out := &graph.Quantiles{}
	if p50, ok := of(0.5); ok {
		out.P50 = &p50
	}
	if p95, ok := of(0.95); ok {
		out.P95 = &p95
	}
	return out
}

// keysByID are the viewer's API keys with these ids, nil for those it hasn't.
func (r *Resolver) keysByID(ctx context.Context, ids []string) ([]*models.APIKey, error) {
	all, err := r.Keys.List(ctx, viewer.From(ctx))
	if err != nil {
		return nil, err
	}
	by := make(map[string]*models.APIKey, len(all))
	for _, k := range all {
		by[k.ID] = k
	}
	out := make([]*models.APIKey, len(ids))
	for i, id := range ids {
		out[i] = by[id]
	}
	return out, nil
}

// once is by without what is named again, in its order.
func once(by []models.RequestDimension) (out []models.RequestDimension) {
	for _, d := range by {
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}
