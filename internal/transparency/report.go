package transparency

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/models"
)

// Format names the layout of reports, and what their signatures are for.
const Format = "kimi-k2 transparency report v1"

const (
	// cachedFor is how long a report is given again: whoever asks, the database is asked
	// that often.
	cachedFor = 5 * time.Second
	// changesShown is how many changes a report holds.
	changesShown = 50
)

// signed is a report with the bytes that were signed.
type signed struct {
	report *models.Transparency
	body   []byte
	until  time.Time
}

// Report is how the policy is kept, for everybody. It must not be changed.
func (s *Service) Report(ctx context.Context) (*models.Transparency, error) {
	r, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return r.report, nil
}

// Document is the report as JSON with its signature, as a file that can be kept: the
// signature is Ed25519 over the bytes of the member "transparency".
func (s *Service) Document(ctx context.Context) ([]byte, error) {
	r, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	type document struct {
		Transparency json.RawMessage `json:"transparency"`
		PublicKey    string          `json:"publicKey"`
		Signature    string          `json:"signature"`
	}
	text, err := json.Marshal(document{r.body, r.report.PublicKey, r.report.Signature})
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return append(text, '\n'), nil
}

func (s *Service) current(ctx context.Context) (*signed, error) {
	now := s.Clock.Now()
	s.mu.Lock()
	cached := s.cached
	s.mu.Unlock()
	if cached != nil && now.Before(cached.until) && !now.Before(cached.report.MadeAt) {
		return cached, nil
	}
	fresh, err := s.compose(ctx, now)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.cached = fresh
	s.mu.Unlock()
	return fresh, nil
}

// forget lets the next report be made anew.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cached = nil
}

func (s *Service) compose(ctx context.Context, now time.Time) (*signed, error) {
	last, err := s.results(ctx)
	if err != nil {
		return nil, err
	}
	p := s.Policy()
	r := &models.Transparency{Format: Format, MadeAt: now, State: models.TransparencyGreen, Service: s.Service, Version: s.Version, PolicyVersion: p.Version, PolicyHash: p.Hash,
		Recipients: s.Recipients(), Hops: s.Hops()}
	results := map[string]*models.TransparencyCheck{}
	for _, k := range s.checks {
		c := s.shown(k.id, last, now)
		results[k.id] = c
		r.Checks = append(r.Checks, c)
		r.State = r.State.Worse(c.State)
		if !c.CheckedAt.IsZero() && (r.CheckedAt == nil || c.CheckedAt.After(*r.CheckedAt)) {
			r.CheckedAt = &c.CheckedAt
		}
	}
	r.Clauses = s.clauses(p.Text, results)
	if r.Changes, err = s.changes(ctx); err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	public, _ := s.signer.Public().(ed25519.PublicKey)
	r.PublicKey, r.Signature = base64.StdEncoding.EncodeToString(public), base64.StdEncoding.EncodeToString(ed25519.Sign(s.signer, body))
	return &signed{report: r, body: body, until: now.Add(cachedFor)}, nil
}

// shown is a check's result as it counts now. One that has never been made is not green.
func (s *Service) shown(id string, last map[string]models.TransparencyCheck, now time.Time) *models.TransparencyCheck {
	if row, ok := last[id]; ok {
		return aged(row, now)
	}
	none := result(models.TransparencyAmber, found("unchecked"))
	c := &models.TransparencyCheck{ID: id, State: none.State, Evidence: none.Evidence, Findings: none.Findings, Since: s.started}
	if now.Sub(s.started) > DeadAfter {
		c.State = models.TransparencyRed
	}
	return c
}

// clauses are the policy's, each as bad as the worst of its checks.
func (s *Service) clauses(text string, results map[string]*models.TransparencyCheck) (out []*models.TransparencyClause) {
	for _, said := range readClauses(text) {
		i := slices.IndexFunc(s.Register.Clauses, func(r register.Clause) bool { return r.ID == said.id })
		if i < 0 {
			continue
		}
		c := &models.TransparencyClause{ID: said.id, Section: said.section, Title: said.title, State: models.TransparencyGreen, CheckIDs: s.Register.Clauses[i].Run}
		for n, id := range c.CheckIDs {
			check := results[id]
			if n == 0 || check.State.Worse(c.State) != c.State {
				c.Evidence, c.Findings = check.Evidence, slices.Clone(check.Findings)
			} else if check.State == c.State {
				c.Evidence += " " + check.Evidence
				c.Findings = append(c.Findings, check.Findings...)
			}
			c.State = c.State.Worse(check.State)
			if n == 0 || c.CheckedAt != nil && check.CheckedAt.Before(*c.CheckedAt) {
				c.CheckedAt = &check.CheckedAt
			}
		}
		if c.CheckedAt != nil && c.CheckedAt.IsZero() {
			c.CheckedAt = nil
		}
		if len(c.CheckIDs) == 0 {
			r := result(c.State, found("by_tests"))
			c.Evidence, c.Findings = r.Evidence, r.Findings
		}
		out = append(out, c)
	}
	return out
}

func (s *Service) changes(ctx context.Context) ([]*models.TransparencyChange, error) {
	rows := []*models.TransparencyChange{}
	if err := s.DB.Gorm(ctx).Order("at DESC, check_id").Limit(changesShown).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the changes: %w", database.Translate(err))
	}
	for _, c := range rows {
		c.At = c.At.UTC()
	}
	return rows, nil
}
