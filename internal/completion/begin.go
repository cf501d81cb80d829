package completion

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// slice is by how many tokens of output a hold grows.
const slice = 1024

// scopeChat is the scope that asking needs.
const scopeChat = "CHAT_WRITE"

// Request is what a program asks, already read by the wire.
type Request struct {
	ModelID        string            // id or alias of the catalogue; "" is the default model
	Prompt         inference.Request // messages, tools, sampling, limits; Model is filled in here
	IdempotencyKey string            // "" for none
	Fingerprint    [32]byte          // of the whole request, where there is a key: another one under the same key is CONFLICT
	Route          string            // for logs: "POST /v1/chat/completions", …
	Whole          bool              // the client gets all of it or nothing: what fails on our side costs nothing
}

// Begin admits a request: the viewer's right to ask, what it asks for, the limits, and
// credits for the prompt and the first of the answer. The engine has heard nothing yet.
// Every refusal is a fault. Whoever gets a Run streams or closes it.
func (s *Service) Begin(ctx context.Context, v viewer.Viewer, r Request) (*Run, error) {
	if err := mayAsk(v); err != nil {
		return nil, err
	}
	run, err := s.prepare(v, r)
	if err != nil {
		return nil, err
	}
	if s.Limits != nil {
		if run.Permit, err = s.Limits.Admit(ctx, v, Ask{Route: r.Route, Tokens: run.Prompt}); err != nil {
			return nil, fmt.Errorf("admit a completion: %w", err)
		}
	}
	// It can be stopped from here on, before it is known that the key is good: a key that
	// is revoked after it was looked up finds the run, and one that was before is found out.
	if !s.hub.add(run) {
		run.spent(0)
		return nil, errShuttingDown()
	}
	if err := s.admit(ctx, run, r); err != nil {
		s.leave(run, 0)
		return nil, fmt.Errorf("begin a completion: %w", err)
	}
	run.ready.Store(true)
	if run.ctx.Err() != nil && !run.Replayed {
		run.Close()
		return nil, context.Cause(run.ctx)
	}
	return run, nil
}

// mayAsk lets accounts ask, and the keys that are good for it.
func mayAsk(v viewer.Viewer) error {
	switch {
	case !v.IsOwner() || !v.HasWallet():
		return fault.New(fault.Unauthenticated, "send an API key: Authorization: Bearer k2_live_…")
	case v.Kind == viewer.APIKey && !slices.Contains(v.Scopes, scopeChat):
		return fault.New(fault.ScopeMissing, "this API key is not good for that: it needs the scope chat:write")
	}
	return nil
}

// prepare finds the model and looks at what it is to read. The engine counts exactly and
// refuses what doesn't fit; what is too long by any count is refused here.
func (s *Service) prepare(v viewer.Viewer, r Request) (*Run, error) {
	model, err := s.Engine.Resolve(r.ModelID)
	if err != nil {
		return nil, onField("model", err)
	}
	if len(r.Prompt.Messages) == 0 {
		return nil, fault.On("messages", fault.Invalid, "there must be a message")
	}
	req := r.Prompt
	req.Model = model
	if most := model.MaxOutputTokens; most > 0 && (req.MaxOutputTokens <= 0 || req.MaxOutputTokens > most) {
		req.MaxOutputTokens = most
	}
	prompt := int64(inference.CountPrompt(req))
	if most := int64(model.ContextTokens); most > 0 && prompt > most+most/3 {
		return nil, fault.On("messages", fault.ContextTooLong, "these messages are longer than %s can read (%d tokens): shorten them, or choose a model with a larger context", model.Name, most)
	}
	run := &Run{ID: id.New(id.Completion), Model: model, CreatedAt: s.Clock.Now(), s: s, v: v, req: req, route: r.Route, whole: r.Whole, Prompt: prompt}
	run.req.Principal, run.req.Queued = v.OwnerID, func(position int) { run.place.Store(int64(position)) }
	run.ctx, run.cancel = context.WithCancelCause(context.Background())
	run.meter.text, run.meter.thoughts = model.Counter(), model.Counter()
	run.left, run.meter.held, run.meter.renewed = make(chan struct{}), run.firstSlice(), run.CreatedAt
	return run, nil
}

// onField says to which field of the request a refusal belongs.
func onField(field string, err error) error {
	list, ok := fault.Of(err)
	if !ok {
		return err
	}
	f := *list[0]
	f.Field = []string{field}
	return &f
}

// holdTx sets aside what the prompt and the first slice of the answer may cost.
func (s *Service) holdTx(tx *gorm.DB, run *Run) error {
	if s.Money == nil {
		return nil
	}
	h, err := s.Money.HoldTx(tx, run.v, models.HoldAsk{Price: s.priceOf(run.Model), PromptTokens: run.Prompt, OutputTokens: run.firstSlice()})
	if err != nil {
		return fmt.Errorf("hold credits: %w", err)
	}
	run.hold = h.ID
	return s.holdsClaim(tx, run)
}

func (s *Service) priceOf(m inference.Model) models.Price {
	if s.Price != nil {
		return s.Price(m)
	}
	return models.Price{Input: m.Price.Input, CachedInput: m.Price.CachedInput, Output: m.Price.Output}
}

func errShuttingDown() error {
	f := fault.New(fault.ShuttingDown, "the server is restarting: nothing was changed, try again in a moment")
	f.RetryAfter = time.Second
	return f
}
