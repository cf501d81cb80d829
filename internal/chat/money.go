package chat

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Money is what chat needs of credits. A hold is made in the transaction that writes a
// turn, before the engine is called; it is settled in the one that stores the reply.
type Money interface {
	// HoldTx sets credits aside; the hold is empty for guests, who spend nothing. It
	// refuses with INSUFFICIENT_CREDITS.
	HoldTx(tx *gorm.DB, v viewer.Viewer, ask models.HoldAsk) (models.Hold, error)
	// More extends holds and renews their leases; refused says which it didn't, and why.
	More(ctx context.Context, more []models.HoldMore) (refused map[string]error, err error)
	// SettleTx charges what was used and releases the rest, once.
	SettleTx(tx *gorm.DB, s models.Settlement) (models.Charge, error)
	// Tell says that the owner's balance is another.
	Tell(ownerID string)
}

const (
	// slice is by how many tokens of output a hold grows.
	slice = 1024
	// holdRenewal is how often a hold's lease is renewed at least. The lease is two
	// minutes.
	holdRenewal = 20 * time.Second
)

// hold sets aside what the prompt and the first slice of the reply may cost.
func (s *Service) hold(tx *gorm.DB, v viewer.Viewer, model inference.Model, prompt int64) (holdID string, err error) {
	if s.Money == nil || !v.HasWallet() {
		return "", nil
	}
	h, err := s.Money.HoldTx(tx, v, models.HoldAsk{Price: s.priceOf(model), PromptTokens: prompt, OutputTokens: firstSlice(model)})
	if err != nil {
		return "", fmt.Errorf("hold credits: %w", err)
	}
	return h.ID, nil
}

func (s *Service) priceOf(m inference.Model) models.Price {
	if s.Price != nil {
		return s.Price(m)
	}
	return models.Price{Input: m.Price.Input, CachedInput: m.Price.CachedInput, Output: m.Price.Output}
}

func firstSlice(m inference.Model) int64 {
	if m.MaxOutputTokens > 0 {
		return min(slice, int64(m.MaxOutputTokens))
	}
	return slice
}

// meter is how far a run has used its hold.
type meter struct {
	held           int64             // tokens of output that are paid for
	text, thoughts inference.Counter // of this phase, as far as they were counted
	counted        int               // bytes that are in them
	renewed        time.Time         // the hold's lease
	first          time.Time         // the first token of this phase
}

// made is the output of this phase, by our own count.
func (m *meter) made() int64 { return m.text.Tokens() + m.thoughts.Tokens() }

// resume takes up the meter of a run that has text already. Slices were added whenever
// half of the last one was used: so many must be held.
func (m *meter) resume(r *activeRun, so *models.Message) {
	m.counted = len(so.Text) + len(so.Reasoning)
	m.text.Add(after(so.Text, r.row.PhaseText))
	m.thoughts.Add(after(so.Reasoning, r.row.PhaseReasoning))
	m.held = firstSlice(r.model)
	for m.made() > m.held-slice/2 {
		m.held += slice
	}
}

// clock notes the first token.
func (m *meter) clock(now func() time.Time) {
	if m.first.IsZero() {
		m.first = now()
	}
}

// after is what follows the first n bytes of s.
func after(s string, n int) string { return s[min(max(n, 0), len(s)):] }

// extendOnce adds the next slice to the holds of runs that have used half of their last
// one, and renews the leases of the others in time. A run whose wallet doesn't cover its
// next slice ends. When the database can't be asked the runs go on: what they are charged
// is bounded by what is held.
func (s *Service) extendOnce(runs []*activeRun) {
	if s.Money == nil {
		return
	}
	var more []models.HoldMore
	asked := map[string]*activeRun{}
	now := s.clock.Now()
	for _, r := range runs {
		if want, due := r.want(now); due {
			more = append(more, models.HoldMore{HoldID: r.row.HoldID, OutputTokens: want})
			asked[r.row.HoldID] = r
		}
	}
	if len(more) == 0 {
		return
	}
	ctx, cancel := s.patiently(queryTimeout)
	defer cancel()
	refused, err := s.Money.More(ctx, more)
	if err != nil {
		s.log.Warn("extend holds, trying again", "runs", len(more), "err", err)
		return
	}
	for _, m := range more {
		r := asked[m.HoldID]
		why := refused[m.HoldID]
		if why == nil {
			r.account.held += m.OutputTokens
			r.account.renewed = now
			continue
		}
		if _, ok := fault.Of(why); !ok {
			s.log.Warn("extend a hold: the run was taken over or given up, it ends here", "run", r.row.ID, "err", why)
			why = fault.New(fault.Internal, "the reply broke on our side; try again")
		}
		r.cancel(why)
	}
}

// want is by how many tokens the run's hold has to grow, and whether it or its lease is
// due. Only checkpointing calls it.
func (r *activeRun) want(now time.Time) (tokens int64, due bool) {
	if r.row.HoldID == "" {
		return 0, false
	}
	m := &r.account
	if m.renewed.IsZero() {
		m.renewed = now
	}
	parts, end := r.log.since(m.counted)
	for _, p := range parts {
		if p.kind == kindReasoning {
			m.thoughts.Add(p.text)
		} else {
			m.text.Add(p.text)
		}
	}
	m.counted = end
	most := int64(r.model.MaxOutputTokens)
	made := m.made()
	if made > m.held-slice/2 && (most == 0 || m.held < most) {
		tokens = slice
		for made > m.held+tokens-slice/2 {
			tokens += slice
		}
	}
	return tokens, tokens > 0 || now.Sub(m.renewed) >= holdRenewal
}

// settlement is what the run's present phase used: the engine's numbers, or our own count
// where it sent none, sent absurd ones (negative, or far more than our count), or didn't
// write all of the phase.
func (s *Service) settlement(r *activeRun, res inference.Result, text, reasoning string) models.Settlement {
	row := r.row
	started := row.CreatedAt
	if row.PhaseStartedAt != nil {
		started = *row.PhaseStartedAt
	}
	thoughts, said := r.account.thoughts.Fresh(), r.account.text.Fresh()
	thoughts.Add(after(reasoning, row.PhaseReasoning))
	said.Add(after(text, row.PhaseText))
	thought := thoughts.Tokens()
	own := models.Usage{PromptTokens: row.PhasePrompt, OutputTokens: said.Tokens() + thought, ReasoningTokens: thought, Estimated: true}
	use := models.Settlement{HoldID: row.HoldID, Ref: refOf(row), ReplyID: row.ReplyID, Source: sourceOf(row), KeyID: row.KeyID, Feature: row.Feature,
		ModelID: r.model.ID, EngineName: s.engineName(), Usage: own, CountedPrompt: own.PromptTokens, CountedOutput: own.OutputTokens, Took: s.clock.Now().Sub(started)}
	if !r.account.first.IsZero() {
		use.FirstToken = r.account.first.Sub(started)
	}
	switch u := res.Usage; {
	case res.Absurd != nil:
		use.Absurd = usageModel(*res.Absurd)
	case u == nil || row.Epoch != row.PhaseEpoch:
	case u.Absurd(own.PromptTokens, own.OutputTokens):
		use.Absurd = usageModel(*u)
	default:
		use.Usage = *usageModel(*u)
	}
	if own.OutputTokens == 0 {
		use.Usage.OutputTokens, use.Usage.ReasoningTokens = 0, 0 // nothing was stored for the viewer
	}
	return use
}

// refOf names the present phase of a run, as the act that is charged.
func refOf(row models.Run) string { return fmt.Sprintf("%s/%d", row.ID, row.Phase) }

// EndedSQL are the owners and refs of the present phases of runs that have ended and had a
// hold. Each has a row of usage, written with its end; it stays when the conversation and
// with it the run is deleted, and goes with the owner. Guests have no holds.
const EndedSQL = `SELECT owner_id, id || '/' || phase FROM runs WHERE status <> 'RUNNING' AND hold_id <> ''`

func usageModel(u inference.Usage) *models.Usage {
	return &models.Usage{PromptTokens: u.PromptTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens, ReasoningTokens: u.ReasoningTokens, Estimated: u.Estimated}
}

// sourceOf is where a run's present phase was asked for.
func sourceOf(row models.Run) models.UsageSource {
	if row.KeyID != "" {
		return models.SourceAPIKey
	}
	return models.SourceWeb
}

func (s *Service) engineName() string {
	if s.Engine == nil {
		return ""
	}
	return s.Engine.Info().Name
}

// tokens is what a reply's earlier phases used and cost.
type tokens struct {
	used models.Usage
	cost int64
}

func tokensOf(m *models.Message) tokens {
	return tokens{models.Usage{PromptTokens: m.PromptTokens, CachedTokens: m.CachedTokens, OutputTokens: m.OutputTokens, ReasoningTokens: m.ReasoningTokens, Estimated: m.UsageEstimated}, m.CostMicro}
}

// fill writes what all phases used into the message.
func (t tokens) fill(m *models.Message, u models.Usage) {
	m.PromptTokens, m.CachedTokens = t.used.PromptTokens+u.PromptTokens, t.used.CachedTokens+u.CachedTokens
	m.OutputTokens, m.ReasoningTokens = t.used.OutputTokens+u.OutputTokens, t.used.ReasoningTokens+u.ReasoningTokens
	m.UsageEstimated, m.CostMicro = t.used.Estimated || u.Estimated, t.cost
}

// Alive says which holds have a run that is still to end: it will be settled, by whoever
// writes it now or takes it over.
func (s *Service) Alive(ctx context.Context, holdIDs []string) (map[string]bool, error) {
	return s.holdsOf(ctx, holdIDs, "status = 'RUNNING'")
}

// Ended says which holds have a run that has ended: each must be settled.
func (s *Service) Ended(ctx context.Context, holdIDs []string) (map[string]bool, error) {
	return s.holdsOf(ctx, holdIDs, "status <> 'RUNNING'")
}

func (s *Service) holdsOf(ctx context.Context, holdIDs []string, which string) (map[string]bool, error) {
	found := make(map[string]bool, len(holdIDs))
	for len(holdIDs) > 0 {
		n := min(len(holdIDs), 1000)
		var ids []string
		if err := s.DB.Gorm(ctx).Model(&models.Run{}).Where("hold_id IN ?", holdIDs[:n]).Where(which).Pluck("hold_id", &ids).Error; err != nil {
			return nil, fmt.Errorf("find the runs of holds: %w", database.Translate(err))
		}
		for _, id := range ids {
			found[id] = true
		}
		holdIDs = holdIDs[n:]
	}
	return found, nil
}
