package resolvers

import (
	"context"
	"maps"
	"slices"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// lastChecks is how many checks of the books, and how many comparisons, the lists without
	// pages show.
	lastChecks = 48
	// lastAbsurd is how many acts with absurd usage the list without pages shows.
	lastAbsurd = 100
)

// balance is what the viewer holds, nil for guests.
func (r *Resolver) balance(ctx context.Context) (*graph.CreditBalance, error) {
	b, w, err := r.Credit.Balance(ctx, viewer.From(ctx))
	if err != nil || b == nil {
		return nil, err
	}
	return &graph.CreditBalance{Balance: models.Credits(b.Posted), Held: models.Credits(b.Held), Available: models.Credits(b.Available()), Owed: models.Credits(b.Owed),
		Low: b.Posted < w.LowThreshold, LowThreshold: models.Credits(w.LowThreshold), LowNotice: w.LowNotice}, nil
}

func creditNotice(in graph.CreditNoticeUpdateInput) credit.Notice {
	n := credit.Notice{Mail: in.Notice}
	if in.Threshold != nil {
		micro := int64(*in.Threshold)
		n.Threshold = &micro
	}
	return n
}

func findings(c *models.LedgerCheck) ([]*graph.LedgerFinding, error) {
	list, err := credit.Findings(*c)
	out := make([]*graph.LedgerFinding, len(list))
	for i, f := range list {
		out[i] = &graph.LedgerFinding{Invariant: f.Invariant, Title: f.Title, Checked: int(f.Checked), Faults: f.Faults}
	}
	return out, err
}

func checkConnection(list page.List, checks []*models.LedgerCheck, before, more bool) *graph.LedgerCheckConnection {
	out := &graph.LedgerCheckConnection{Nodes: listed(checks), Edges: make([]*graph.LedgerCheckEdge, len(checks)),
		PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, c := range checks {
		out.Edges[i] = &graph.LedgerCheckEdge{Cursor: list.Cursor(c.ID), Node: c}
	}
	if n := len(checks); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func entryList(p page.Args, f *graph.LedgerFilter) credit.List {
	l := credit.List{Page: p}
	if f == nil {
		return l
	}
	l.Kinds = f.Kinds
	if f.From != nil {
		l.From = *f.From
	}
	if f.To != nil {
		l.To = *f.To
	}
	return l
}

func entryConnection(list page.List, entries []*models.LedgerEntry, before, more bool) *graph.LedgerEntryConnection {
	out := &graph.LedgerEntryConnection{Nodes: entries, Edges: make([]*graph.LedgerEntryEdge, len(entries)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	if entries == nil {
		out.Nodes = make([]*models.LedgerEntry, 0)
	}
	for i, e := range entries {
		out.Edges[i] = &graph.LedgerEntryEdge{Cursor: list.Cursor(e.TransferID), Node: e}
	}
	if n := len(entries); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func absurd(acts []*models.UsageRow) []*graph.AbsurdUsage {
	out := make([]*graph.AbsurdUsage, len(acts))
	for i, a := range acts {
		out[i] = &graph.AbsurdUsage{Usage: a, Reported: credit.ReportedUsage(a)}
	}
	return out
}

func absurdConnection(list page.List, acts []*models.UsageRow, before, more bool) *graph.AbsurdUsageConnection {
	out := &graph.AbsurdUsageConnection{Nodes: absurd(acts), Edges: make([]*graph.AbsurdUsageEdge, len(acts)), PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, a := range out.Nodes {
		out.Edges[i] = &graph.AbsurdUsageEdge{Cursor: list.Cursor(a.Usage.ID), Node: a}
	}
	if n := len(acts); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func usageReport(w credit.Window, total credit.Sum, groups []credit.Group) *graph.UsageReport {
	out := &graph.UsageReport{Total: usageSum(total), Groups: make([]*graph.UsageGroup, len(groups))}
	for i, g := range groups {
		u := &graph.UsageGroup{Sum: usageSum(g.Sum)}
		for _, d := range w.By {
			switch d {
			case credit.ByDay:
				u.Day = &g.Day
			case credit.ByModel:
				u.ModelID = &g.ModelID
			case credit.ByKey:
				u.KeyID = &g.KeyID
			case credit.ByFeature:
				u.Feature = &g.Feature
			}
		}
		out.Groups[i] = u
	}
	return out
}

func usageSum(s credit.Sum) *graph.UsageSum {
	return &graph.UsageSum{Acts: int(s.Acts), PromptTokens: int(s.PromptTokens), CachedTokens: int(s.CachedTokens), OutputTokens: int(s.OutputTokens),
		ReasoningTokens: int(s.ReasoningTokens), Credits: models.Credits(s.Credits)}
}

// actsOf are the acts that wrote each reply, in the order of the ids.
func (r *Resolver) actsOf(ctx context.Context, replyIDs []string) ([][]*models.UsageRow, error) {
	v := viewer.From(ctx)
	refs, err := r.Chat.ActRefs(ctx, v, replyIDs)
	if err != nil {
		return nil, err
	}
	acts, err := r.Credit.Acts(ctx, v, slices.Concat(slices.Collect(maps.Values(refs))...))
	if err != nil {
		return nil, err
	}
	by := make(map[string]*models.UsageRow, len(acts))
	for _, a := range acts {
		by[a.Ref] = a
	}
	out := make([][]*models.UsageRow, len(replyIDs))
	for i, reply := range replyIDs {
		for _, ref := range refs[reply] {
			if a := by[ref]; a != nil {
				out[i] = append(out[i], a)
			}
		}
	}
	return out, nil
}
