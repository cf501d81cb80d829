package resolvers

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/models"
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

// deletion lists the tables by name.
func deletion(e account.Erasure) *graph.Deletion {
	out := &graph.Deletion{ID: e.ID, Ticket: e.Ticket, State: graph.DeletionStateRunning, StartedAt: e.StartedAt, FinishedAt: e.FinishedAt,
		Receipt: filled[string](e.Receipt), Tables: []*graph.DeletedRows{}}
	if e.State == models.Erased {
		out.State = graph.DeletionStateDone
	}
	if e.Elsewhere != models.ElsewherePending {
		asked := e.Elsewhere == models.ElsewhereAsked
		out.AskedElsewhere = &asked
	}
	for _, table := range slices.Sorted(maps.Keys(e.Counts)) {
		if n := e.Counts[table]; n > 0 {
			out.Tables = append(out.Tables, &graph.DeletedRows{Table: table, Rows: int(n)})
		}
	}
	return out
}

// receiptCheck names what is wrong with a receipt.
func receiptCheck(finishedAt time.Time, err error) *graph.ReceiptCheck {
	wrong := graph.ReceiptFaultNoReceipt
	switch {
	case err == nil:
		return &graph.ReceiptCheck{Valid: true, FinishedAt: &finishedAt}
	case errors.Is(err, account.ErrReceiptTampered):
		wrong = graph.ReceiptFaultTampered
	case errors.Is(err, account.ErrReceiptElse):
		wrong = graph.ReceiptFaultOtherInstallation
	}
	return &graph.ReceiptCheck{Fault: &wrong}
}
