package resolvers

import (
	"maps"
	"slices"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/account"
)

// removalReceipt lists the tables by name.
func removalReceipt(r account.Receipt) *graph.RemovalReceipt {
	out := &graph.RemovalReceipt{ID: r.ID, Reason: r.Reason, FinishedAt: r.FinishedAt, Tables: []*graph.RemovedRows{}}
	for _, table := range slices.Sorted(maps.Keys(r.Rows)) {
		if n := r.Rows[table]; n > 0 {
			out.Tables = append(out.Tables, &graph.RemovedRows{Table: table, Rows: int(n)})
		}
	}
	return out
}
