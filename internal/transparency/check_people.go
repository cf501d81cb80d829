package transparency

import (
	"context"
	"fmt"
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
		return red("The log of what was done is not whole: %s were found.", count(len(a.Faults), "fault", "faults"))
	}
	return green("All %d entries of the log of what was done are as they were written, and in their order.", a.Acts)
}

// staffAccess looks at what administrators did.
func (s *Service) staffAccess(ctx context.Context) (Result, error) {
	a, err := s.Facts.Staff(ctx, s.Clock.Now().Add(-period))
	if err != nil {
		return Result{}, err
	}
	if a.Opened > 0 {
		return amber("In the last 90 days content was opened %s, each time with a reason, written down, and visible to whom it concerns.", times(a.Opened))
	}
	return green("Nobody but you can read your conversations. In the last 90 days administrators did %s with accounts and credits; each is written down.", count(int(a.Acts), "thing", "things"))
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// legalRequests counts what authorities asked for.
func (s *Service) legalRequests(ctx context.Context) (Result, error) {
	if s.Facts.LegalRequests == nil {
		return green("No request of an authority is recorded; a record of them is not in use in this version of the program.")
	}
	l, err := s.Facts.LegalRequests(ctx)
	if err != nil {
		return Result{}, err
	}
	total := l.Open + l.Disclosed + l.Refused
	if total == 0 {
		return green("No authority has asked for anything.")
	}
	return green("Authorities asked %s since %s: %d open, %d answered, %d refused.", times(total), day(l.Since), l.Open, l.Disclosed, l.Refused)
}

const neverChanged = "The policy has not changed significantly since its first version: nobody had to be told."

// notices looks whether everybody was told of what changed.
func (s *Service) notices(ctx context.Context) (Result, error) {
	if s.Facts.Notices == nil {
		if n := s.Facts.Published(); n > 0 {
			return amber("%s were published, and this version of the program writes to nobody.", count(n, "significant change", "significant changes"))
		}
		return green(neverChanged)
	}
	n, err := s.Facts.Notices(ctx)
	if err != nil {
		return Result{}, err
	}
	if n.Version == "" {
		return green(neverChanged)
	}
	say := fmt.Sprintf("Of version %s: %d mails sent, %d to be sent, %d refused by mail servers, %d failed.", n.Version, n.Sent, n.Waits, n.Refused, n.Failed)
	if n.Overdue {
		return red("%s Not everybody was told in time.", say)
	}
	return green("%s", say)
}

// marketing looks whether only those get news who agreed.
func (s *Service) marketing(ctx context.Context) (Result, error) {
	if s.Facts.Marketing == nil {
		return green("No news are sent: this version of the program has no such mails.")
	}
	m, err := s.Facts.Marketing(ctx)
	if err != nil {
		return Result{}, err
	}
	if m.Against > 0 {
		return red("%s sent to somebody who had not agreed.", count(int(m.Against), "mail was", "mails were"))
	}
	return green("News are off unless turned on. %s turned them on; %s sent, to nobody else.", count(int(m.Agreed), "account has", "accounts have"), count(int(m.Sent), "mail was", "mails were"))
}

// selfAudit looks at the audits themselves: each has a result that is not old, and each
// field of the interface says who may ask for it.
func (s *Service) selfAudit(ctx context.Context) (Result, error) {
	if bare := s.Facts.Ruleless(); len(bare) > 0 {
		return red("Parts of the interface don't say who may ask for them: %s.", some(bare))
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
			return amber("Not every audit has been made yet: %s waits.", k.id)
		}
		if row.CheckedAt.Before(oldest) {
			oldest = row.CheckedAt
		}
	}
	say := fmt.Sprintf("All %d audits are made again and again; the one that was made longest ago is from %s.", len(s.checks), moment(oldest))
	return Result{audited(now.Sub(oldest)), say}, nil
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
