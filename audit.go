package main

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
)

// How often acts are chained, and all of them verified.
const (
	linkEvery       = 10 * time.Second
	auditCheckEvery = time.Hour
	auditTimeout    = 30 * time.Minute
)

// auditJobs are the turns of what keeps acts.
func (s *server) auditJobs() []jobs.Job {
	return []jobs.Job{
		{Name: audit.LinkJob, Every: linkEvery, Timeout: auditTimeout, Run: func(ctx context.Context) error { _, err := s.audit.Link(ctx); return err }},
		{Name: audit.VerifyJob, Every: auditCheckEvery, Timeout: auditTimeout, Slow: true, Run: s.audit.Check},
	}
}

// actFindings verifies the chain of acts, in the words of the books.
func actFindings(ctx context.Context, acts *audit.Service) ([]credit.Finding, error) {
	found, err := acts.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]credit.Finding, len(found))
	for i, f := range found {
		out[i] = credit.Finding{Invariant: f.Invariant, Title: f.Title, Checked: f.Checked, Faults: append([]string{}, f.Faults...)}
	}
	return out, nil
}
