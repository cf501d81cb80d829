package credit

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// ActsCSV writes what the viewer used as a table, one row for each billable act, newest
// first, in constant memory. It refuses visitors, and guests who used nothing, with
// UNAUTHENTICATED, and what is wrong in the export with INVALID, before it writes anything.
func (s *Service) ActsCSV(ctx context.Context, v viewer.Viewer, e Export, w io.Writer) error {
	zone, err := e.begin()
	if err != nil {
		return err
	}
	if err := s.hasUsage(ctx, v); err != nil {
		return err
	}
	var out *sheet.Sheet
	var last *models.UsageRow
	for {
		acts, err := s.actPage(ctx, v, e, last)
		if err != nil {
			return err
		}
		if out == nil {
			out = sheet.New(w, "time", "source", "feature", "model", "status", "prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens",
				"estimated", "price_input", "price_cached", "price_output", "credits", "key", "id")
		}
		for i := range acts {
			out.Row(actCells(&acts[i], zone)...)
			last = &acts[i]
		}
		if err := out.Flush(); err != nil || len(acts) < exportPage {
			return err
		}
	}
}

// DaysCSV writes what the viewer used as a table, one row for each day of the zone on
// which something was used, oldest first. It needs a beginning and an end, at most 400
// days apart, and refuses as ActsCSV does.
func (s *Service) DaysCSV(ctx context.Context, v viewer.Viewer, e Export, w io.Writer) error {
	if _, err := e.begin(); err != nil {
		return err
	}
	if e.From.IsZero() || e.To.IsZero() {
		return fault.On("from", fault.Invalid, "a table by day needs `from` and `to`")
	}
	if err := s.hasUsage(ctx, v); err != nil {
		return err
	}
	_, days, err := s.Usage(ctx, v, Window{From: e.From, To: e.To, By: []Dimension{ByDay}, Zone: e.Zone})
	if err != nil {
		return err
	}
	out := sheet.New(w, "day", "acts", "prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "credits")
	for _, d := range days {
		out.Row(d.Day, sheet.Number(d.Sum.Acts), sheet.Number(d.Sum.PromptTokens), sheet.Number(d.Sum.CachedTokens), sheet.Number(d.Sum.OutputTokens),
			sheet.Number(d.Sum.ReasoningTokens), credits(d.Sum.Credits))
	}
	return out.Flush()
}

// hasUsage refuses who has no account and used nothing either.
func (s *Service) hasUsage(ctx context.Context, v viewer.Viewer) error {
	if v.Kind == viewer.Account {
		return nil
	}
	var used bool
	if v.IsOwner() {
		if err := s.DB.Gorm(ctx).Raw(`SELECT EXISTS (SELECT FROM usage_rows WHERE owner_id = ?)`, v.OwnerID).Scan(&used).Error; err != nil {
			return fmt.Errorf("look for usage: %w", err)
		}
	}
	if !used {
		return fault.New(fault.Unauthenticated, "sign in first: nothing was used here yet")
	}
	return nil
}

// actPage is the acts behind the last one, newest first.
func (s *Service) actPage(ctx context.Context, v viewer.Viewer, e Export, last *models.UsageRow) (acts []models.UsageRow, err error) {
	q := between(s.DB.Gorm(ctx), "created_at", e.From, e.To).Where("owner_id = ?", v.OwnerID).Order("created_at DESC, id DESC").Limit(exportPage)
	if last != nil {
		q = q.Where("(created_at, id) < (?, ?)", last.CreatedAt, last.ID)
	}
	if err := q.Find(&acts).Error; err != nil {
		return nil, fmt.Errorf("list acts: %w", err)
	}
	return acts, nil
}

func actCells(u *models.UsageRow, zone *time.Location) []string {
	return []string{sheet.Moment(u.CreatedAt, zone), string(u.Source), string(u.Feature), sheet.Text(u.ModelID), string(u.Status),
		sheet.Number(u.PromptTokens), sheet.Number(u.CachedTokens), sheet.Number(u.OutputTokens), sheet.Number(u.ReasoningTokens), strconv.FormatBool(u.Estimated),
		credits(u.PriceInput), credits(u.PriceCached), credits(u.PriceOutput), credits(u.Credits), sheet.Text(u.KeyID), u.ID}
}
