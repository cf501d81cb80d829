package requestlog

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// exportPage is how many rows of a table are in memory at a time.
const exportPage = 500

// Export says what a table holds. Its times are written in Zone, an IANA name; empty means
// UTC.
type Export struct {
	Filter Filter
	Zone   string
}

// CSV writes the viewer's rows as a table, newest first, in constant memory. It refuses
// who has no account with UNAUTHENTICATED, and what is wrong in the export with INVALID,
// before it writes anything.
func (s *Service) CSV(ctx context.Context, v viewer.Viewer, e Export, w io.Writer) error {
	if v.Kind != viewer.Account {
		return fault.New(fault.Unauthenticated, "sign in first: request logs belong to accounts")
	}
	zone, err := sheet.Zone(e.Zone)
	if err != nil {
		return err
	}
	var out *sheet.Sheet
	l := List{Page: page.Args{Size: exportPage}, Filter: e.Filter}
	for {
		rows, more, err := s.Logs(ctx, v, l)
		if err != nil {
			return err
		}
		if out == nil {
			out = sheet.New(w, "time", "id", "key", "route", "model", "status", "outcome", "code", "prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens",
				"credits", "first_token_ms", "latency_ms", "streamed")
		}
		for _, row := range rows {
			out.Row(cells(row, zone)...)
			l.Page.After = Position(row)
		}
		if err := out.Flush(); err != nil || !more {
			return err
		}
	}
}

func cells(l *models.RequestLog, zone *time.Location) []string {
	first := ""
	if l.FirstTokenMs != nil {
		first = strconv.Itoa(*l.FirstTokenMs)
	}
	return []string{sheet.Moment(l.CreatedAt, zone), sheet.Text(l.ID), sheet.Text(l.KeyID), sheet.Text(l.Route), sheet.Text(l.ModelID), strconv.Itoa(l.Status), string(l.Outcome()), sheet.Text(l.Fault),
		sheet.Number(l.PromptTokens), sheet.Number(l.CachedTokens), sheet.Number(l.OutputTokens), sheet.Number(l.ReasoningTokens), models.Credits(l.Micro).String(),
		first, strconv.Itoa(l.LatencyMs), strconv.FormatBool(l.Streamed)}
}
