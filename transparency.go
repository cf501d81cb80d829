package main

import (
	"context"
	"maps"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/models"
)

// transparencyTimeout bounds one turn of all checks.
const transparencyTimeout = 20 * time.Minute

// openTransparency builds what finds out whether the policy is kept.
func (s *server) openTransparency(secret []byte) (err error) {
	s.transparency, err = transparency.New(transparency.Config{DB: s.db, Clock: s.clock, Log: s.log, Secret: secret, Register: s.register, Service: s.cfg.ServiceName, Version: version,
		Policy: func() transparency.Policy {
			p := s.policy.Current()
			return transparency.Policy{Version: p.Version, Hash: p.Hash, Text: p.Text}
		},
		Recipients: s.publicRecipients, Hops: s.hops, Alarm: s.alarm, Facts: s.facts()})
	if err != nil {
		return err
	}
	return s.jobs.Add(jobs.Job{Name: transparency.Job, Every: transparency.Every, Timeout: transparencyTimeout, Slow: true,
		Run: func(ctx context.Context) error { _, err := s.transparency.Run(ctx); return err }})
}

// facts hands over what the rooms know of themselves.
func (s *server) facts() transparency.Facts {
	return transparency.Facts{
		Recheck: s.policy.Recheck, Figures: s.figures,
		OldestRequestLog: s.requests.OldestDay, OldestGuest: s.accounts.OldestGuest, RequestLogTTL: requestlog.TTL, GuestTTL: account.GuestTTL,
		Deletions: func(ctx context.Context, since time.Time) (transparency.Deletions, error) {
			f, err := s.accounts.DeletionFacts(ctx, since)
			return transparency.Deletions{Running: f.Running, Oldest: f.Oldest, Done: f.Done, Slowest: f.Slowest, Unasked: f.Unasked, Unnoted: s.accounts.JournalBehind()}, err
		},
		Retention: s.endings, Exports: s.exportFacts, LegalRequests: s.legalFacts, Notices: s.noticeFacts, Marketing: s.newsFacts,
		Ledger: s.lastBooks, Audit: s.auditFacts, Staff: s.staffActs, Refused: s.egress.Refused, Reachable: s.reachable,
		Ruleless: func() []string {
			schema, err := graph.Schema()
			if err != nil {
				return []string{"the schema"}
			}
			return authz.Unruled(schema)
		},
	}
}

// endings are where all rules stand of how long things are kept.
func (s *server) endings(ctx context.Context) ([]transparency.Rule, error) {
	lines, err := s.retention.Report(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]transparency.Rule, len(lines))
	for i, l := range lines {
		out[i] = transparency.Rule{Name: l.Rule, Oldest: l.OldestAge, Max: l.Max, Rows: l.LastRows, Overdue: l.Overdue, Held: l.Held}
		if l.LastSweptAt != nil {
			out[i].SweptAt = *l.LastSweptAt
		}
	}
	return out, nil
}

// exportFacts count exports of people's data.
func (s *server) exportFacts(ctx context.Context) (transparency.Exports, error) {
	h, err := s.exports.Health(ctx)
	return transparency.Exports{Ready: h.Ready, Running: h.Waiting, Failed: h.Failed, Overdue: h.Overdue}, err
}

// legalFacts count what authorities asked for.
func (s *server) legalFacts(ctx context.Context) (transparency.LegalRequests, error) {
	c, err := s.disclosures.Counts(ctx)
	out := transparency.LegalRequests{Open: c.Open, Disclosed: c.Disclosed, Refused: c.Refused}
	if c.Since != nil {
		out.Since = *c.Since
	}
	return out, err
}

// noticeFacts say whether everybody was told of the newest significant change.
func (s *server) noticeFacts(ctx context.Context) (transparency.Notices, error) {
	r, err := s.notices.Report(ctx)
	p := r.Policy
	return transparency.Notices{Version: p.Version, Sent: p.Sent, Waits: p.Waits, Refused: p.Refused, Failed: p.Failed, Overdue: p.Overdue}, err
}

// newsFacts compare who was sent news with who had agreed to them.
func (s *server) newsFacts(ctx context.Context) (out transparency.Marketing, err error) {
	r, err := s.notices.Report(ctx)
	if err != nil {
		return out, err
	}
	to, err := s.mails.SentTo(ctx, models.LetterNews)
	if err != nil {
		return out, err
	}
	out.Agreed, out.Sent = r.News.Agreed, r.News.Sent
	out.Against, err = s.policy.Disagreed(ctx, models.ConsentMarketing, to)
	return out, err
}

// figures are the policy's beside the program's.
func (s *server) figures() (out []transparency.Figure) {
	all, err := s.policy.Figures()
	if err != nil { // Recheck says so
		return nil
	}
	for _, f := range all {
		out = append(out, transparency.Figure{Words: f.Words, What: f.What, Promised: f.Promised, Kept: f.Kept})
	}
	return out
}

// lastBooks is the newest check of the books.
func (s *server) lastBooks(ctx context.Context) (out transparency.Ledger, ok bool, err error) {
	checks, _, err := s.credit.Checks(ctx, page.Args{Size: 1})
	if err != nil || len(checks) == 0 {
		return out, false, err
	}
	found, err := credit.Findings(*checks[0])
	if err != nil {
		return out, false, err
	}
	out = transparency.Ledger{At: checks[0].FinishedAt, Broken: credit.Report{Findings: found}.Broken()}
	for _, f := range found {
		out.Checked += f.Checked
	}
	return out, true, nil
}

// auditFacts verifies the chain of acts.
func (s *server) auditFacts(ctx context.Context) (out transparency.Audit, err error) {
	found, err := s.audit.Verify(ctx)
	for _, f := range found {
		if f.Invariant == "A1" {
			out.Acts = f.Checked
		}
		out.Faults = append(out.Faults, f.Faults...)
	}
	return out, err
}

// staffActs counts what administrators did.
func (s *server) staffActs(ctx context.Context, since time.Time) (out transparency.Staff, err error) {
	counts, err := s.audit.Count(ctx, models.AuditByOperator, since)
	for _, n := range counts {
		out.Acts += n
	}
	out.Opened = counts[models.AuditContentOpened]
	return out, err
}

// alarm tells the administrators of a check that has turned red.
func (s *server) alarm(ctx context.Context, tx *gorm.DB, a transparency.Alarm) error {
	mark := a.Check + "/" + strconv.FormatInt(a.Since.UnixMicro(), 10)
	return s.tellAdminsTx(ctx, tx, models.LetterPromiseBroken, mark, map[string]string{"check": a.Check, "evidence": a.Evidence})
}

// tellAdminsTx writes a mail to every administrator in the transaction that notes that they
// were told: one for each kind and mark.
func (s *server) tellAdminsTx(ctx context.Context, tx *gorm.DB, kind models.LetterKind, mark string, facts map[string]string) error {
	admins, err := s.accounts.Admins(ctx)
	if err != nil {
		return err
	}
	for _, v := range admins {
		if err := s.accounts.TellTx(tx, v, kind, mark, maps.Clone(facts)); err != nil {
			return err
		}
	}
	return nil
}
