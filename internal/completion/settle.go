package completion

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// end settles a run and says what came of it. While the database can't be reached it tries
// on for as long as its patience lasts; then the lease of the hold ends, and nothing is
// charged.
func (s *Service) end(ctx context.Context, r *Run, res inference.Result, ending error) (Outcome, error) {
	ending = s.told(r, ending)
	use := s.settlement(r, res, ending)
	out := Outcome{Usage: use.Usage, FirstToken: use.FirstToken, Took: use.Took}
	switch {
	case ending == nil:
		out.FinishReason = res.FinishReason
	case ranOut(ending), errors.Is(ending, errGone) && use.CountedOutput > 0:
		out.FinishReason = "length" // what came is charged, and given again under the request's key
	}
	if r.claim != nil {
		r.kept.end(out, ending)
	}
	charge, err := s.settlePatiently(ctx, r, use, ending)
	if err != nil {
		s.Log.Error("settle a completion; the lease of its hold ends", "completion", r.ID, "err", err)
		if ending == nil {
			ending = fault.New(fault.StorageUnavailable, "the answer could not be settled: nothing was charged for it; try again")
		}
		return out, ending
	}
	out.Credits = charge.Credits
	if r.hold != "" && (r.claim != nil || charge.Again) { // else Settle has told it
		s.Money.Tell(r.v.OwnerID)
	}
	return out, ending
}

// told makes a fault of any end; what is ours to mend is logged.
func (s *Service) told(r *Run, ending error) error {
	if ending == nil {
		return nil
	}
	if list, ok := fault.Of(ending); ok {
		return list[0]
	}
	s.Log.Error("completion failed", "completion", r.ID, "route", r.route, "err", ending)
	return errBroke
}

// settlement is what the run used: the engine's numbers, or our own count where it sent
// none or absurd ones (negative, or far more than our count). The text of an error
// was never delivered, and is not counted.
func (s *Service) settlement(r *Run, res inference.Result, ending error) models.Settlement {
	own := r.meter.counted(r.Prompt)
	if r.whole && undelivered(ending) {
		own.OutputTokens, own.ReasoningTokens = 0, 0
	}
	use := models.Settlement{OwnerID: r.v.OwnerID, HoldID: r.hold, Ref: r.ID, Source: sourceOf(r), KeyID: r.v.KeyID, Feature: models.FeatureAPI, ModelID: r.Model.ID,
		EngineName: s.Engine.Info().Name, Status: statusOf(ending), Usage: own, CountedPrompt: own.PromptTokens, CountedOutput: own.OutputTokens, Took: s.Clock.Now().Sub(r.CreatedAt)}
	if !r.meter.first.IsZero() {
		use.FirstToken = r.meter.first.Sub(r.CreatedAt)
	}
	switch u := res.Usage; {
	case res.Absurd != nil:
		use.Absurd = usageOf(*res.Absurd)
	case u == nil:
	case u.Absurd(own.PromptTokens, own.OutputTokens):
		use.Absurd = usageOf(*u)
	default:
		use.Usage = *usageOf(*u)
	}
	if own.OutputTokens == 0 {
		use.Usage.OutputTokens, use.Usage.ReasoningTokens = 0, 0 // nothing was delivered
	}
	return use
}

// undelivered reports whether a client that gets all or nothing got nothing. Who goes away by
// itself pays for what was written until then; so does who runs out of credits, and gets it.
func undelivered(ending error) bool {
	return ending != nil && !errors.Is(ending, errGone) && !ranOut(ending)
}

func ranOut(ending error) bool {
	return fault.Is(ending, fault.InsufficientCredits) || fault.Is(ending, fault.KeyLimitReached)
}

func usageOf(u inference.Usage) *models.Usage {
	return &models.Usage{PromptTokens: u.PromptTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens, ReasoningTokens: u.ReasoningTokens, Estimated: u.Estimated}
}

func sourceOf(r *Run) models.UsageSource {
	if r.v.KeyID != "" {
		return models.SourceAPIKey
	}
	return models.SourceWeb
}

// settlePatiently tries again what the database's absence broke off: settling is once,
// however often it is tried.
func (s *Service) settlePatiently(ctx context.Context, r *Run, use models.Settlement, ending error) (models.Charge, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		charge, err := s.settle(ctx, r, use, ending)
		if err == nil || !passes(err) {
			return charge, err
		}
		s.Log.Warn("settle a completion, trying again", "completion", r.ID, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return charge, err
		}
	}
}

// passes reports whether a failure may pass.
func passes(err error) bool {
	return fault.Is(err, fault.StorageUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// settle charges the run. One with a claim stores its answer in the same transaction, so
// that neither is there without the other. Claims are locked before wallets.
func (s *Service) settle(ctx context.Context, r *Run, use models.Settlement, ending error) (charge models.Charge, err error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if r.claim == nil {
		if s.Money == nil {
			return charge, nil
		}
		return s.Money.Settle(ctx, use)
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := s.keep(tx, r, ending != nil && use.CountedOutput == 0); err != nil || s.Money == nil {
			return err
		}
		charge, err = s.Money.SettleTx(tx, use)
		return err
	})
	return charge, err
}

// release gives a hold back that nothing was used of, and the claim.
func (s *Service) release(ctx context.Context, r *Run) error {
	if r.claim == nil {
		if r.hold == "" {
			return nil
		}
		return s.Money.Void(ctx, r.hold)
	}
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.keep(tx, r, true); err != nil || r.hold == "" {
			return err
		}
		return s.Money.VoidTx(tx, r.hold)
	})
}
