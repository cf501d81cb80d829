// Package inventory answers what is held about somebody: every table of the register that
// holds something of people, with what it is for and how long it is kept, and the asker's
// own rows of it with all that is exported. It owns no table, and reads none but by the
// register: what is registered is shown, and the tests of the register see to it that
// everything is.
package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Service answers for what is held.
type Service struct {
	reader rows.Reader
	whole  *models.DataInventory
	tables map[string]*models.DataTable
}

// New makes the service of a reader.
func New(reader rows.Reader) *Service {
	s := &Service{reader: reader, whole: &models.DataInventory{PolicyVersion: reader.Register.Version}, tables: map[string]*models.DataTable{}}
	for _, g := range reader.Register.Groups {
		group := &models.DataGroup{Name: g.Name, Purpose: g.Purpose, Clause: orNil(g.Clause)}
		for _, t := range reader.Register.Shown() {
			if t.Group == g.Name {
				s.tables[t.Name] = described(t)
				group.Tables = append(group.Tables, s.tables[t.Name])
			}
		}
		if len(group.Tables) > 0 {
			s.whole.Groups = append(s.whole.Groups, group)
		}
	}
	for _, x := range reader.Register.Storage {
		s.whole.Browser = append(s.whole.Browser, &models.BrowserEntry{Name: x.Name, Kind: places[x.Kind], Purpose: x.Purpose, Necessary: x.Necessary, Kept: x.TTL, Clause: x.Clause})
	}
	return s
}

var places = map[string]models.BrowserEntryKind{"cookie": models.BrowserCookie, "sessionStorage": models.BrowserSession, "localStorage": models.BrowserLocal}

// Inventory is all kinds of data with their tables, in the register's order. It is the same
// for everybody; what is whose say Count, Oldest and Rows.
func (s *Service) Inventory() *models.DataInventory { return s.whole }

// Table is the table of a name. It refuses with NOT_FOUND.
func (s *Service) Table(name string) (*models.DataTable, error) {
	t, ok := s.tables[name]
	if !ok {
		return nil, fault.On("name", fault.NotFound, "there is no table of this name that holds something of people")
	}
	return t, nil
}

// Count is how many rows of a table are the viewer's, none of whoever has no data.
func (s *Service) Count(ctx context.Context, v viewer.Viewer, table string) (int64, error) {
	if err := s.may(v, table); err != nil || !v.IsOwner() {
		return 0, err
	}
	n, err := s.reader.Count(ctx, v.OwnerID, table)
	if err != nil {
		return 0, fmt.Errorf("count what is held: %w", err)
	}
	return n, nil
}

// Oldest is when the oldest of the viewer's rows of a table was made, nil when that is
// known of none.
func (s *Service) Oldest(ctx context.Context, v viewer.Viewer, table string) (*time.Time, error) {
	if err := s.may(v, table); err != nil || !v.IsOwner() {
		return nil, err
	}
	at, ok, err := s.reader.Oldest(ctx, v.OwnerID, table)
	if err != nil {
		return nil, fmt.Errorf("look for the oldest that is held: %w", err)
	}
	if !ok {
		return nil, nil //nolint:nilnil // there is none, said above
	}
	return &at, nil
}

// Rows are the viewer's rows of a table with what is shown of them, in the order of its
// key, and whether there are more.
func (s *Service) Rows(ctx context.Context, v viewer.Viewer, table string, p page.Args) (out []*models.DataRow, more bool, err error) {
	if err := s.may(v, table); err != nil || !v.IsOwner() {
		return nil, false, err
	}
	found, err := s.reader.Page(ctx, v.OwnerID, v.Key, table, p.After, p.Size+1)
	if err != nil {
		return nil, false, fmt.Errorf("read what is held: %w", err)
	}
	for _, row := range found[:min(len(found), p.Size)] {
		out = append(out, shown(row))
	}
	return out, len(found) > p.Size, nil
}

// may refuses programs with FORBIDDEN, and tables that there are not with NOT_FOUND.
func (s *Service) may(v viewer.Viewer, table string) error {
	if v.Kind == viewer.APIKey {
		return fault.New(fault.Forbidden, "an API key can't read what is held about its account: sign in")
	}
	_, err := s.Table(table)
	return err
}

func shown(row rows.Row) *models.DataRow {
	out := &models.DataRow{Position: row.Position, Values: make([]*models.DataValue, len(row.Values))}
	for i, v := range row.Values {
		out.Values[i] = &models.DataValue{Name: v.Name, Value: text(v.JSON)}
	}
	return out
}

// text is a value as people read it: texts without quotes, all else as JSON.
func text(raw json.RawMessage) *string {
	var s *string
	if json.Unmarshal(raw, &s) == nil { // null too
		return s
	}
	plain := string(raw)
	return &plain
}

// described is a table as it is shown.
func described(t register.Table) *models.DataTable {
	out := &models.DataTable{Name: t.Name, Group: t.Group, About: t.About, Uses: slices.Clone(t.Use), Retention: kept(t.Retention), Erasure: models.DataDeleted}
	if t.Erase == register.EraseUnlink {
		out.Erasure = models.DataUnlinked
	}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, &models.DataColumn{Name: c.Name, Category: c.Category, Storage: storages[c.Store], Shown: c.Exported(), Why: orNil(c.Why)})
	}
	return out
}

var storages = map[register.Store]models.DataStorage{
	register.Plain: models.DataPlain, register.Sealed: models.DataSealed, register.Hashed: models.DataHashed, register.Wrapped: models.DataWrapped,
}

func kept(r register.Retention) models.DataRetention {
	out := models.DataRetention{Rule: models.DataKeptLimited, Words: r.Words()}
	switch r.Keep {
	case register.KeepOwner:
		out.Rule = models.DataKeptWithOwner
	case register.KeepForever:
		out.Rule = models.DataKeptForever
	}
	if r.Guests != 0 {
		out.GuestSeconds = seconds(r.Guests)
	}
	if r.Max != 0 || out.Rule == models.DataKeptLimited {
		out.Seconds = seconds(r.Max)
	}
	return out
}

func seconds(d register.Duration) *int64 {
	n := int64(time.Duration(d) / time.Second)
	return &n
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
