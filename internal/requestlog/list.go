package requestlog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Filter narrows rows down; zero values leave nothing out. To is not included.
type Filter struct {
	KeyID          string
	Outcome        models.RequestOutcome
	ModelID, Route string
	From, To       time.Time
}

func (f Filter) check() error {
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return fault.On("to", fault.Invalid, "`to` must be later than `from`")
	}
	return nil
}

// matches reports whether a row is one of those; times are not looked at.
func (f Filter) matches(l *models.RequestLog) bool {
	return (f.KeyID == "" || f.KeyID == l.KeyID) && (f.Outcome == "" || f.Outcome == l.Outcome()) &&
		(f.ModelID == "" || f.ModelID == l.ModelID) && (f.Route == "" || f.Route == l.Route)
}

// List asks for a page of rows.
type List struct {
	Page   page.Args
	Filter Filter
}

// Position is a row's place in the list.
func Position(l *models.RequestLog) string { return page.TimePosition(l.CreatedAt, l.ID) }

// Logs is a page of the viewer's rows, newest first: an account's are those of all of its
// keys, those of an API key its own, for which it needs usage:read. Others have none. What
// is TTL old or older isn't there.
func (s *Service) Logs(ctx context.Context, v viewer.Viewer, l List) (rows []*models.RequestLog, more bool, err error) {
	sel, ok, err := s.selection(ctx, v, l.Filter)
	if err != nil || !ok {
		return []*models.RequestLog{}, false, err
	}
	if l.Page.After != "" {
		if sel.before, sel.beforeID, err = page.ParseTimePosition(l.Page.After); err != nil {
			return nil, false, err
		}
	}
	if rows, err = s.find(ctx, sel, l.Page.Size+1); err != nil {
		return nil, false, err
	}
	if more = len(rows) > l.Page.Size; more {
		rows = rows[:l.Page.Size]
	}
	return rows, more, nil
}

// selection is rows as the tables know them.
type selection struct {
	reader
	Filter
	keyRef   int64
	before   time.Time // of a position: only rows behind it; zero: all
	beforeID string
}

// selection checks a filter and who asks; ok is false when there can't be any rows.
func (s *Service) selection(ctx context.Context, v viewer.Viewer, f Filter) (sel selection, ok bool, err error) {
	own, ok, err := mayRead(v)
	if err == nil {
		err = f.check()
	}
	if err != nil || !ok || own != "" && f.KeyID != "" && f.KeyID != own {
		return sel, false, err
	}
	if own != "" {
		f.KeyID = own
	}
	sel.Filter = f
	if sel.reader, err = s.reader(ctx, v.OwnerID); err != nil || sel.subject == 0 {
		return sel, false, err
	}
	if f.KeyID != "" {
		if sel.keyRef = sel.refOf[f.KeyID]; sel.keyRef == 0 {
			return sel, false, nil
		}
	}
	if cutoff := s.cutoff().Add(time.Microsecond); sel.From.Before(cutoff) {
		sel.From = cutoff
	}
	return sel, true, nil
}

// find is the n newest rows. Where few of many are looked for, the sums say in which hours
// there are any.
func (s *Service) find(ctx context.Context, sel selection, n int) ([]*models.RequestLog, error) {
	if sel.keyRef == 0 && sel.Outcome == "" && sel.ModelID == "" && sel.Route == "" {
		return s.read(ctx, sel, n)
	}
	out := []*models.RequestLog{}
	until := time.Time{}
	for {
		hours, err := s.hoursOf(ctx, sel, until, n+1)
		if err != nil {
			return nil, err
		}
		for _, h := range hours {
			part := sel
			part.From, until = later(sel.From, h), h
			if end := h.Add(time.Hour); part.To.IsZero() || end.Before(part.To) {
				part.To = end
			}
			rows, err := s.read(ctx, part, n-len(out))
			if err != nil {
				return nil, err
			}
			if out = append(out, rows...); len(out) == n {
				return out, nil
			}
		}
		if len(hours) <= n {
			return out, nil
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// conditions are a statement's and its arguments.
type conditions struct {
	sql  []string
	args []any
}

// add adds a condition with one argument, named $? in it.
func (c *conditions) add(sql string, arg any) {
	c.args = append(c.args, arg)
	c.sql = append(c.sql, strings.ReplaceAll(sql, "$?", fmt.Sprintf("$%d", len(c.args))))
}

// of are those that logs and sums share.
func (c *conditions) of(sel selection) {
	c.add("subject = $?", sel.subject)
	if sel.keyRef != 0 {
		c.add("key_ref = $?", sel.keyRef)
	}
	if sel.ModelID != "" {
		c.add("model_id = $?", sel.ModelID)
	}
	if sel.Route != "" {
		c.add("route = $?", sel.Route)
	}
}

var outcomeColumns = map[models.RequestOutcome]string{
	models.RequestSucceeded: "succeeded > 0", models.RequestRefused: "refused > 0", models.RequestLimited: "limited > 0", models.RequestFailed: "failed > 0"}

// outcomeConditions are as models.OutcomeOf.
var outcomeConditions = map[models.RequestOutcome]string{
	models.RequestSucceeded: "status < 400 AND code = ''", models.RequestRefused: "status BETWEEN 400 AND 499 AND status <> 429",
	models.RequestLimited: "status = 429", models.RequestFailed: "(status >= 500 OR status < 400 AND code <> '')"}

// hoursOf are the newest hours before until (zero: all) in which there are rows.
func (s *Service) hoursOf(ctx context.Context, sel selection, until time.Time, n int) (hours []time.Time, err error) {
	var c conditions
	c.of(sel)
	c.add("hour >= $?", sel.From.Truncate(time.Hour))
	for _, end := range []time.Time{until, sel.To, sel.before.Add(time.Microsecond)} {
		if end.Year() > 1 {
			c.add("hour < $?", end)
		}
	}
	if sel.Outcome != "" {
		c.sql = append(c.sql, outcomeColumns[sel.Outcome])
	}
	rows, err := s.DB.Pool().Query(ctx, "SELECT DISTINCT hour FROM api_request_hours WHERE "+strings.Join(c.sql, " AND ")+fmt.Sprintf(" ORDER BY hour DESC LIMIT %d", n), planned(c.args)...)
	if err == nil {
		hours, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
	}
	if err != nil {
		return nil, fmt.Errorf("find request logs: %w", database.Translate(err))
	}
	return hours, nil
}

// planned has a statement planned for its arguments, so that partitions which can't hold
// anything are not even opened.
func planned(args []any) []any { return append([]any{pgx.QueryExecModeCacheDescribe}, args...) }

const logColumns = `id, created_at, key_ref, route, model_id, status, code, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits, first_token_ms, latency_ms, streamed`

// read is the n newest rows of a selection.
func (s *Service) read(ctx context.Context, sel selection, n int) ([]*models.RequestLog, error) {
	var c conditions
	c.of(sel)
	c.add("created_at >= $?", sel.From)
	if !sel.To.IsZero() {
		c.add("created_at < $?", sel.To)
	}
	if !sel.before.IsZero() {
		c.add("created_at <= $?", sel.before)
		c.args = append(c.args, sel.beforeID)
		c.sql = append(c.sql, fmt.Sprintf("(created_at, id) < ($%d, $%d)", len(c.args)-1, len(c.args)))
	}
	if sel.Outcome != "" {
		c.sql = append(c.sql, outcomeConditions[sel.Outcome])
	}
	rows, err := s.DB.Pool().Query(ctx, "SELECT "+logColumns+" FROM api_request_logs WHERE "+strings.Join(c.sql, " AND ")+
		fmt.Sprintf(" ORDER BY created_at DESC, id DESC LIMIT %d", n), planned(c.args)...)
	if err != nil {
		return nil, fmt.Errorf("list request logs: %w", database.Translate(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*models.RequestLog, error) {
		l, ref := new(models.RequestLog), int64(0)
		err := row.Scan(&l.ID, &l.CreatedAt, &ref, &l.Route, &l.ModelID, &l.Status, &l.Fault, &l.PromptTokens, &l.CachedTokens, &l.OutputTokens, &l.ReasoningTokens,
			&l.Micro, &l.FirstTokenMs, &l.LatencyMs, &l.Streamed)
		l.CreatedAt, l.KeyID = l.CreatedAt.UTC(), sel.keyOf[ref]
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list request logs: %w", database.Translate(err))
	}
	return out, nil
}
