package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/models"
)

// How often the books get a turn.
const (
	holdsEvery    = 30 * time.Second
	verifyEvery   = time.Hour
	verifyTimeout = 30 * time.Minute
)

// openCredit builds what keeps the books.
func (s *server) openCredit() {
	s.credit = credit.New(credit.Config{DB: s.db, Audit: s.audit, Keys: s.accounts, Clock: s.clock, Log: s.log, SignupCredits: int64(s.cfg.SignupCredits) * models.MicroPerCredit, Ended: chat.EndedSQL,
		Changed: func(ownerID string) { s.chat.Notify(ownerID, &models.CreditsChanged{}) },
		Extra: []func(context.Context) ([]credit.Finding, error){
			func(ctx context.Context) ([]credit.Finding, error) { return endedUnsettled(ctx, s.credit, s.chat) },
			func(ctx context.Context) ([]credit.Finding, error) { return purchaseFindings(ctx, s.billing) }}})
}

// price is what models cost: the catalogue's prices, or nothing where nobody can have
// credits to pay them with.
func (s *server) price() func(inference.Model) models.Price {
	if s.cfg.Charge == "on" || s.cfg.Charge == "auto" && (s.cfg.SignupCredits > 0 || len(s.billing.Sellers()) > 0) {
		return nil
	}
	return func(inference.Model) models.Price { return models.Price{} }
}

// moneyJobs are the books' turns.
func (s *server) moneyJobs() []jobs.Job {
	return []jobs.Job{
		{Name: credit.SweepJob, Every: holdsEvery, Run: s.sweepHolds},
		{Name: credit.VerifyJob, Every: verifyEvery, Timeout: verifyTimeout, Slow: true, Run: func(ctx context.Context) error { _, err := s.credit.RunCheck(ctx); return err }},
	}
}

// sweepHolds frees what nobody will settle, and tells whose balance has become low.
func (s *server) sweepHolds(ctx context.Context) error {
	_, _, err := s.credit.Sweep(ctx)
	_, untold := s.credit.TellLow(ctx)
	return errors.Join(err, untold)
}

// endedUnsettled is chat's half of L8: no run that has ended still has a hold. The holds
// are read first, so that one that is settled meanwhile is no fault.
func endedUnsettled(ctx context.Context, books *credit.Service, rooms *chat.Service) ([]credit.Finding, error) {
	f := credit.Finding{Invariant: "L8", Title: "a reply that has ended holds nothing any more", Faults: []string{}}
	before, err := books.Pending(ctx)
	if err != nil {
		return nil, err
	}
	ended, err := rooms.Ended(ctx, before)
	if err != nil {
		return nil, err
	}
	after, err := books.Pending(ctx)
	if err != nil {
		return nil, err
	}
	f.Checked = int64(len(before))
	for _, hold := range after {
		if ended[hold] {
			f.Faults = append(f.Faults, hold)
		}
	}
	return []credit.Finding{f}, nil
}

// errBooks says that a check found something; it was printed already.
var errBooks = errors.New("not everything is in order")

// runVerify checks the schema's version, the key, that every owner's data key opens under
// it, the books, the purchases, and the chain of acts, beside a running server or without one. It prints one line for each
// invariant and each fault.
func runVerify(ctx context.Context, cfg config.Config, out io.Writer) error {
	return withDatabase(ctx, cfg, "kimi-k2 verify", func(in installation) error {
		db := in.db
		owners, err := in.accounts.VerifyOwners(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "schema, key and the keys of %d owners are right\n", owners); err != nil {
			return err
		}
		books := credit.New(credit.Config{DB: db, Clock: clock.System{}, Log: logger(cfg), Ended: chat.EndedSQL})
		defer books.Close()
		rooms := chat.New(chat.Config{DB: db, Clock: clock.System{}, Log: logger(cfg)})                     // never started: it only looks
		shop := billing.New(billing.Config{DB: db, Clock: clock.System{}, Log: logger(cfg), Ledger: books}) // asks no provider
		books.Extra = append(books.Extra, func(ctx context.Context) ([]credit.Finding, error) { return endedUnsettled(ctx, books, rooms) },
			func(ctx context.Context) ([]credit.Finding, error) { return purchaseFindings(ctx, shop) },
			func(ctx context.Context) ([]credit.Finding, error) { return actFindings(ctx, in.audit) })
		began := clock.StartStopwatch()
		report, err := books.Verify(ctx)
		if err != nil {
			return err
		}
		if err := printReport(out, report); err != nil {
			return err
		}
		if !report.OK {
			return errBooks
		}
		_, err = fmt.Fprintf(out, "the books and the audit log are in order (%.1f s)\n", began.Elapsed().Seconds())
		return err
	})
}

// printReport is one line for each invariant and each fault.
func printReport(out io.Writer, report credit.Report) error {
	for _, f := range report.Findings {
		mark := "ok  "
		if len(f.Faults) > 0 {
			mark = "FAIL"
		}
		if _, err := fmt.Fprintf(out, "%s  %-4s %s (%d checked)\n", mark, f.Invariant, f.Title, f.Checked); err != nil {
			return err
		}
		for _, fault := range f.Faults {
			if _, err := fmt.Fprintf(out, "        %s\n", fault); err != nil {
				return err
			}
		}
	}
	return nil
}
