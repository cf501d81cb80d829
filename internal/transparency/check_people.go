package transparency

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// auditEvery is how old the newest result of any check may be before "regular audits" is
// broken.
const auditEvery = 30 * dayLength

// auditChain verifies the log of what was done.
func (s *Service) auditChain(ctx context.Context) (Result, error) {
	a, err := s.Facts.Audit(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(a.Faults) > 0 {
		return red(found("audit_faults", "faults", len(a.Faults)))
	}
	return green(found("audit_whole", "entries", a.Acts))
}

// staffAccess looks at what administrators did.
func (s *Service) staffAccess(ctx context.Context) (Result, error) {
	a, err := s.Facts.Staff(ctx, s.Clock.Now().Add(-period))
	if err != nil {
		return Result{}, err
	}
	if a.Opened > 0 {
		return amber(found("content_opened", "opened", a.Opened))
	}
	return green(found("staff_acts", "acts", a.Acts))
}

// legalRequests counts what authorities asked for.
func (s *Service) legalRequests(ctx context.Context) (Result, error) {
	l, err := s.Facts.LegalRequests(ctx)
	if err != nil {
		return Result{}, err
	}
	total := l.Open + l.Disclosed + l.Refused
	if total == 0 {
		return green(found("no_legal_requests"))
	}
	return green(found("legal_requests", "asked", total, "since", l.Since, "open", l.Open, "answered", l.Disclosed, "refused", l.Refused))
}

// notices looks whether everybody was told of what changed.
func (s *Service) notices(ctx context.Context) (Result, error) {
	n, err := s.Facts.Notices(ctx)
	if err != nil {
		return Result{}, err
	}
	if n.Version == "" {
		return green(found("no_notices"))
	}
	sent := found("notices_sent", "version", n.Version, "sent", n.Sent, "waiting", n.Waits, "refused", n.Refused, "failed", n.Failed)
	if n.Overdue {
		return red(sent, found("notices_late"))
	}
	return green(sent)
}

// marketing looks whether only those get news who agreed.
func (s *Service) marketing(ctx context.Context) (Result, error) {
	m, err := s.Facts.Marketing(ctx)
	if err != nil {
		return Result{}, err
	}
	if m.Against > 0 {
		return red(found("news_against", "mails", m.Against))
	}
	return green(found("news_agreed", "accounts", m.Agreed, "mails", m.Sent))
}

// selfAudit looks at the audits themselves: each has a result that is not old, and each
// field of the interface says who may ask for it.
func (s *Service) selfAudit(ctx context.Context) (Result, error) {
	if bare := s.Facts.Ruleless(); len(bare) > 0 {
		return red(found("fields_without_rule", "fields", bare))
	}
	last, err := s.results(ctx)
	if err != nil {
		return Result{}, err
	}
	now := s.Clock.Now()
	oldest := now
	for _, k := range s.checks {
		if k.id == "self_audit" {
			continue
		}
		row, ok := last[k.id]
		if !ok {
			return amber(found("audit_waits", "check", k.id))
		}
		if row.CheckedAt.Before(oldest) {
			oldest = row.CheckedAt
		}
	}
	return result(audited(now.Sub(oldest)), found("audits_made", "audits", len(s.checks), "last", oldest)), nil
}

func audited(age time.Duration) models.TransparencyState {
	switch {
	case age > auditEvery:
		return models.TransparencyRed
	case age > dayLength:
		return models.TransparencyAmber
	}
	return models.TransparencyGreen
}
