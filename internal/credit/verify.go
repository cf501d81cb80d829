package credit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

// VerifyJob is the name under which RunCheck gets its turns.
const VerifyJob = "ledger.verify"

// maxFaults is how many faults of an invariant are named.
const maxFaults = 20

// Finding is what came of checking one invariant.
type Finding struct {
	Invariant string   `json:"invariant"` // for example L4
	Title     string   `json:"title"`     // what it says
	Checked   int64    `json:"checked"`   // how many rows were looked at
	Faults    []string `json:"faults"`    // what breaks it, by id; at most 20, none when it holds
}

// Report is what a check of the books found.
type Report struct {
	OK       bool
	Findings []Finding
}

// Broken lists the invariants that do not hold.
func (r Report) Broken() []string {
	var broken []string
	for _, f := range r.Findings {
		if len(f.Faults) > 0 {
			broken = append(broken, f.Invariant)
		}
	}
	return broken
}

// Verify reads all books as they are at one moment and checks every invariant. It changes
// nothing, and tells of what is wrong instead of mending it.
func (s *Service) Verify(ctx context.Context) (Report, error) {
	var r Report
	err := pgx.BeginTxFunc(ctx, s.DB.Pool(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		// compiling the statement that sums would take longer than it saves
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true), set_config('jit', 'off', true)`); err != nil {
			return err
		}
		return r.prove(ctx, tx, s.proofs())
	})
	if err != nil {
		return Report{}, database.Translate(fmt.Errorf("check the books: %w", err))
	}
	for _, extra := range s.Extra {
		more, err := extra(ctx)
		if err != nil {
			return Report{}, fmt.Errorf("check what leans on the books: %w", err)
		}
		r.Findings = append(r.Findings, more...)
	}
	r.OK = len(r.Broken()) == 0
	return r, nil
}

// proofs are those of the books, and that of the acts that others know of.
func (s *Service) proofs() []proof {
	if s.Ended == "" {
		return proofs
	}
	return append(slices.Clip(proofs), proof{"L8", "an act that has ended and had a hold has its row of usage", fmt.Sprintf("SELECT count(*) FROM (%s) a", s.Ended), nil, []search{
		{"", fmt.Sprintf("SELECT a.ref || ' has ended without a row of usage' FROM (%s) a(owner_id, ref) WHERE NOT EXISTS (SELECT FROM usage_rows u WHERE u.owner_id = a.owner_id AND u.ref = a.ref)", s.Ended)},
	}})
}

// prove counts what is checked and names what breaks the invariants. The database does the
// sums; only the faults come here.
func (r *Report) prove(ctx context.Context, tx pgx.Tx, all []proof) error {
	for _, p := range all {
		r.Findings = append(r.Findings, Finding{Invariant: p.invariant, Title: p.title, Faults: []string{}})
	}
	searches, err := r.sum(ctx, tx, all)
	if err != nil {
		return fmt.Errorf("sum up: %w", err)
	}
	for i, p := range all {
		for n, search := range p.searches {
			if search.when != "" && !searches[[2]int{i, n}] {
				continue
			}
			if err := r.Findings[i].find(ctx, tx, search.query); err != nil {
				return fmt.Errorf("check %s: %w", p.invariant, err)
			}
		}
	}
	return nil
}

// sum counts, notes what is wrong with sums, and gives the searches to be made, by the places
// of proof and search.
func (r *Report) sum(ctx context.Context, tx pgx.Tx, all []proof) (searches map[[2]int]bool, err error) {
	rows, err := tx.Query(ctx, statement(all))
	if err != nil {
		return nil, err
	}
	searches = map[[2]int]bool{}
	var place, search int
	var fault string
	var number *int64
	_, err = pgx.ForEachRow(rows, []any{&place, &search, &fault, &number}, func() error {
		f := &r.Findings[place]
		switch {
		case search >= 0:
			searches[[2]int{place, search}] = true
		case number != nil:
			f.Checked = *number
		default:
			f.note(fault)
		}
		return nil
	})
	return searches, err
}

// find notes the first of what a query names.
func (f *Finding) find(ctx context.Context, tx pgx.Tx, query string) error {
	rows, err := tx.Query(ctx, firstFaults(query))
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.note(found...)
	return err
}

// note adds faults as long as there are not too many.
func (f *Finding) note(faults ...string) {
	f.Faults = append(f.Faults, faults[:min(len(faults), maxFaults-len(f.Faults))]...)
}

// RunCheck verifies the books and keeps what was found.
func (s *Service) RunCheck(ctx context.Context) (models.LedgerCheck, error) {
	c := models.LedgerCheck{ID: id.New(id.Check), StartedAt: s.Clock.Now()}
	r, err := s.Verify(ctx)
	if err != nil {
		return models.LedgerCheck{}, err
	}
	if c.Findings, err = json.Marshal(r.Findings); err != nil {
		return models.LedgerCheck{}, fmt.Errorf("write down a check: %w", err)
	}
	c.OK, c.FinishedAt = r.OK, s.Clock.Now()
	if err := s.DB.Gorm(ctx).Create(&c).Error; err != nil {
		return models.LedgerCheck{}, fmt.Errorf("keep a check: %w", err)
	}
	if !c.OK {
		s.Log.ErrorContext(ctx, "the books do not add up", "check", c.ID, "broken", r.Broken())
	}
	return c, nil
}

// Checks is a page of the checks, newest first, and whether there are more.
func (s *Service) Checks(ctx context.Context, p page.Args) (checks []*models.LedgerCheck, more bool, err error) {
	q := s.DB.Gorm(ctx).Order("id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Find(&checks).Error; err != nil {
		return nil, false, fmt.Errorf("list checks: %w", err)
	}
	if more = len(checks) > p.Size; more {
		checks = checks[:p.Size]
	}
	return checks, more, nil
}

// Findings opens what a check found.
func Findings(c models.LedgerCheck) ([]Finding, error) {
	var list []Finding
	if err := json.Unmarshal(c.Findings, &list); err != nil {
		return nil, fmt.Errorf("read a check: %w", err)
	}
	return list, nil
}
