package audit

import (
	"context"
	"encoding/json"
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

// Position is an entry's place in a list.
func Position(at time.Time, entryID string) string { return page.TimePosition(at, entryID) }

// AccessLog is a page of what concerns the viewer, newest first. Guests and accounts have
// one; programs and visitors have none.
func (s *Service) AccessLog(ctx context.Context, v viewer.Viewer, p page.Args) ([]*models.AccessLogEntry, bool, error) {
	if !v.IsOwner() || v.Kind != viewer.Account && v.Kind != viewer.Guest {
		return []*models.AccessLogEntry{}, false, nil
	}
	q := query{sql: `SELECT e.id, e.at, e.act, e.actor_kind, e.key_id, e.session_id, e.facts FROM audit_subjects s JOIN audit_entries e ON e.subject = s.subject`}
	q.where("s.owner_id = $?", v.OwnerID)
	rows, err := list(ctx, s, q, p, func(row pgx.CollectableRow) (*models.AccessLogEntry, error) {
		e := new(models.AccessLogEntry)
		var facts string
		if err := row.Scan(&e.ID, &e.At, &e.Act, &e.Actor, &e.ActorKeyID, &e.SessionID, &facts); err != nil {
			return nil, err
		}
		return e, fill(e, facts)
	})
	return cut(rows, p.Size, err)
}

// Filter narrows the operator's list down; zero values leave nothing out. To is not included.
type Filter struct {
	Acts     []models.AuditAct
	From, To time.Time
}

// Records is a page of all that was done, newest first. It refuses everybody but admins with
// FORBIDDEN.
func (s *Service) Records(ctx context.Context, v viewer.Viewer, p page.Args, f Filter) ([]*models.AuditRecord, bool, error) {
	if !v.Admin {
		return nil, false, fault.New(fault.Forbidden, "only an administrator may see this")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return nil, false, fault.On("to", fault.Invalid, "`to` must be later than `from`")
	}
	q := query{sql: `SELECT e.id, e.at, e.act, e.actor_kind, e.key_id, e.session_id, e.facts, l.place, s.owner_id, a.owner_id FROM audit_entries e
		LEFT JOIN audit_links l ON l.entry_id = e.id LEFT JOIN audit_subjects s ON s.subject = e.subject LEFT JOIN audit_subjects a ON a.subject = e.actor`}
	if len(f.Acts) > 0 {
		q.where("e.act = ANY($?)", f.Acts)
	}
	if !f.From.IsZero() {
		q.where("e.at >= $?", f.From)
	}
	if !f.To.IsZero() {
		q.where("e.at < $?", f.To)
	}
	rows, err := list(ctx, s, q, p, func(row pgx.CollectableRow) (*models.AuditRecord, error) {
		r := new(models.AuditRecord)
		var facts string
		if err := row.Scan(&r.ID, &r.At, &r.Act, &r.Actor, &r.ActorKeyID, &r.SessionID, &facts, &r.Place, &r.OwnerID, &r.ActorID); err != nil {
			return nil, err
		}
		return r, fill(&r.AccessLogEntry, facts)
	})
	return cut(rows, p.Size, err)
}

func fill(e *models.AccessLogEntry, facts string) error {
	if err := json.Unmarshal([]byte(facts), &e.Facts); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	if e.At = e.At.UTC(); e.Actor != models.AuditByOwner { // whose device it is, nobody else learns
		e.SessionID = ""
	}
	return nil
}

// query is a statement with its conditions and arguments.
type query struct {
	sql        string
	conditions []string
	args       []any
}

// where adds a condition with one argument, named $? in it.
func (q *query) where(condition string, arg any) {
	q.args = append(q.args, arg)
	q.conditions = append(q.conditions, strings.ReplaceAll(condition, "$?", fmt.Sprintf("$%d", len(q.args))))
}

// list reads one more than a page.
func list[T any](ctx context.Context, s *Service, q query, p page.Args, scan pgx.RowToFunc[*T]) ([]*T, error) {
	if p.After != "" {
		at, entryID, err := page.ParseTimePosition(p.After)
		if err != nil {
			return nil, err
		}
		q.args = append(q.args, at, entryID)
		q.conditions = append(q.conditions, fmt.Sprintf("(e.at, e.id) < ($%d, $%d)", len(q.args)-1, len(q.args)))
	}
	if len(q.conditions) > 0 {
		q.sql += " WHERE " + strings.Join(q.conditions, " AND ")
	}
	rows, err := s.DB.Pool().Query(ctx, q.sql+fmt.Sprintf(" ORDER BY e.at DESC, e.id DESC LIMIT %d", p.Size+1), q.args...)
	if err != nil {
		return nil, fmt.Errorf("list what was done: %w", database.Translate(err))
	}
	out, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list what was done: %w", database.Translate(err))
	}
	return out, nil
}

func cut[T any](rows []*T, size int, err error) ([]*T, bool, error) {
	if err != nil {
		return nil, false, err
	}
	if len(rows) > size {
		return rows[:size], true, nil
	}
	return rows, false, nil
}
