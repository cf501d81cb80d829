package credit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Dimension is by what usage is summed up.
type Dimension string

// The dimensions.
const (
	ByDay     Dimension = "DAY"
	ByModel   Dimension = "MODEL"
	ByKey     Dimension = "KEY"
	ByFeature Dimension = "FEATURE"
)

const (
	maxWindow = 400 * 24 * time.Hour
	maxGroups = 5000
)

// Window is a time and how to sum up what happened in it. Days begin in Zone, an IANA
// name; empty means UTC.
type Window struct {
	From, To time.Time // To is not included
	By       []Dimension
	Zone     string
}

// Sum is usage, summed up. Credits are exactly what the ledger took for it.
type Sum struct {
	Acts, PromptTokens, CachedTokens, OutputTokens, ReasoningTokens, Credits int64
}

// Group is a sum and what it is of; what was not asked for is empty.
type Group struct {
	Day, ModelID, KeyID string
	Feature             models.Feature
	Sum                 Sum
}

// Usage sums up what the viewer used in a window, in all and by the dimensions, in their
// order. It refuses windows that are empty or longer than 400 days, unknown zones, and
// more than 5,000 groups.
func (s *Service) Usage(ctx context.Context, v viewer.Viewer, w Window) (total Sum, groups []Group, err error) {
	if err := w.check(); err != nil {
		return total, nil, err
	}
	if !v.IsOwner() {
		return total, nil, nil
	}
	rows, err := s.DB.Pool().Query(ctx, w.query(), v.OwnerID, w.From, w.To, w.zone())
	if err != nil {
		return total, nil, zoneFault(err)
	}
	groups, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g Group, err error) {
		err = row.Scan(&g.Day, &g.ModelID, &g.KeyID, &g.Feature, &g.Sum.Acts, &g.Sum.PromptTokens, &g.Sum.CachedTokens, &g.Sum.OutputTokens, &g.Sum.ReasoningTokens, &g.Sum.Credits)
		return g, err
	})
	if err != nil {
		return total, nil, zoneFault(err)
	}
	if len(groups) > maxGroups {
		return total, nil, fault.On("by", fault.Invalid, "these are more than %d groups: ask for a shorter time or fewer dimensions", maxGroups)
	}
	for _, g := range groups {
		total.add(g.Sum)
	}
	if len(w.By) == 0 {
		groups = nil
	}
	return total, groups, nil
}

func (s *Sum) add(o Sum) {
	s.Acts, s.PromptTokens, s.CachedTokens = s.Acts+o.Acts, s.PromptTokens+o.PromptTokens, s.CachedTokens+o.CachedTokens
	s.OutputTokens, s.ReasoningTokens, s.Credits = s.OutputTokens+o.OutputTokens, s.ReasoningTokens+o.ReasoningTokens, s.Credits+o.Credits
}

func (w Window) check() error {
	switch {
	case !w.From.Before(w.To):
		return fault.On("to", fault.Invalid, "`to` must be later than `from`")
	case w.To.Sub(w.From) > maxWindow:
		return fault.On("to", fault.Invalid, "ask for 400 days at most")
	}
	_, err := sheet.Zone(w.zone()) // PostgreSQL takes more for a zone, and UTC+8 for the other side of the world
	return err
}

func (w Window) zone() string {
	if w.Zone == "" {
		return "UTC"
	}
	return w.Zone
}

// query is made of constants only.
func (w Window) query() string {
	columns := map[Dimension]string{ByDay: "to_char(created_at AT TIME ZONE $4, 'YYYY-MM-DD')", ByModel: "model_id", ByKey: "key_id", ByFeature: "feature"}
	wanted := map[Dimension]bool{}
	var order []string
	for _, d := range w.By {
		if !wanted[d] {
			wanted[d], order = true, append(order, columns[d])
		}
	}
	chosen := make([]string, 0, len(columns))
	for _, d := range []Dimension{ByDay, ByModel, ByKey, ByFeature} {
		if wanted[d] {
			chosen = append(chosen, columns[d])
		} else {
			chosen = append(chosen, "''")
		}
	}
	q := "SELECT " + strings.Join(chosen, ", ") + `, count(*), coalesce(sum(prompt_tokens), 0)::bigint, coalesce(sum(cached_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint,
	coalesce(sum(reasoning_tokens), 0)::bigint, coalesce(sum(credits), 0)::bigint FROM usage_rows WHERE owner_id = $1 AND created_at >= $2 AND created_at < $3 AND $4::text <> ''`
	if len(order) > 0 {
		q += " GROUP BY " + strings.Join(order, ", ") + " ORDER BY " + strings.Join(order, ", ")
	}
	return q + fmt.Sprintf(" LIMIT %d", maxGroups+1)
}

// zoneFault tells an unknown time zone from other errors.
func zoneFault(err error) error {
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.Code == "22023" {
		return fault.On("timeZone", fault.Invalid, "there is no such time zone: give an IANA name, for example Europe/Berlin")
	}
	return database.Translate(fmt.Errorf("sum up usage: %w", err))
}
