package credit

import (
	"context"
	"io"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// LedgerCSV writes what went into and out of the viewer's wallet as a table, newest
// first, in constant memory. It refuses guests with UNAUTHENTICATED, and what is wrong in
// the export with INVALID, before it writes anything.
func (s *Service) LedgerCSV(ctx context.Context, v viewer.Viewer, e Export, w io.Writer) error {
	if v.Kind != viewer.Account {
		return fault.New(fault.Unauthenticated, "sign in first: guests have no wallet")
	}
	zone, err := e.begin()
	if err != nil {
		return err
	}
	var out *sheet.Sheet
	l := List{Page: page.Args{Size: exportPage}, Kinds: e.Kinds, From: e.From, To: e.To}
	for {
		entries, more, err := s.Entries(ctx, v, l)
		if err != nil {
			return err
		}
		if out == nil {
			out = sheet.New(w, "time", "kind", "credits", "reason", "purchase", "source", "feature", "model", "status",
				"prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "price_input", "price_cached", "price_output", "act", "id")
		}
		for _, entry := range entries {
			out.Row(ledgerCells(entry, zone)...)
			l.Page.After = entry.TransferID
		}
		if err := out.Flush(); err != nil || !more {
			return err
		}
	}
}

func ledgerCells(e *models.LedgerEntry, zone *time.Location) []string {
	cells := []string{sheet.Moment(e.CreatedAt, zone), string(e.Kind), credits(e.Amount), sheet.Text(e.Reason), sheet.Text(e.PurchaseID())}
	u := e.Usage
	if u == nil {
		return append(cells, "", "", "", "", "", "", "", "", "", "", "", "", e.TransferID)
	}
	return append(cells, string(u.Source), string(u.Feature), sheet.Text(u.ModelID), string(u.Status), sheet.Number(u.PromptTokens), sheet.Number(u.CachedTokens),
		sheet.Number(u.OutputTokens), sheet.Number(u.ReasoningTokens), credits(u.PriceInput), credits(u.PriceCached), credits(u.PriceOutput), u.ID, e.TransferID)
}
