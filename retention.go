package main

import (
	"context"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/retention"
)

// How often what is over is looked for. Nobody is shown it meanwhile.
const (
	sweepEvery       = 10 * time.Minute
	sweepLimitsEvery = 10 * time.Minute
	// purgeEvery leaves guests whose time is over an hour at most; they are invisible before.
	purgeEvery = 10 * time.Minute
	// requestsEvery and requestsTimeout: a turn may wait for readers of a day that goes.
	requestsEvery   = 10 * time.Minute
	requestsTimeout = 10 * time.Minute
	purgeTimeout    = 30 * time.Minute // of one turn: a large backlog goes in many small transactions
)

// openRetention builds what ends what is not kept.
func (s *server) openRetention() (err error) {
	s.retention, err = retention.New(retention.Config{DB: s.db, Register: s.register, Audit: s.audit, Clock: s.clock, Log: s.log})
	return err
}

// retentionJobs are the turns of all that ends rows, those of other rooms too.
func (s *server) retentionJobs(purger *account.Purger) []jobs.Job {
	return []jobs.Job{
		{Name: retention.Job, Every: sweepEvery, Timeout: purgeTimeout, Slow: true, Run: s.retention.Sweep},
		{Name: account.PurgeJob, Every: purgeEvery, Timeout: purgeTimeout, Slow: true, Run: s.retention.Watch(guestsEnd(purger))},
		{Name: requestlog.Job, Every: requestsEvery, Timeout: requestsTimeout, Slow: true, Run: s.retention.Watch(requestsEnd(s.requests))},
		{Name: requestlog.SumJob, Every: requestsEvery, Timeout: requestsTimeout, Slow: true, Run: s.requests.SumDays},
		{Name: ratelimit.SweepJob, Every: sweepLimitsEvery, Run: s.retention.Watch(limitsEnd(s.limits))},
	}
}

// guestsEnd is how guests end: within an hour, so that far more than usual are not held for
// a day.
func guestsEnd(p *account.Purger) retention.Procedure {
	return retention.Procedure{Job: account.PurgeJob, Judged: true, Run: func(ctx context.Context) (map[string]int64, error) {
		r, err := p.PurgeGuests(ctx)
		return r.Rows, err
	}}
}

// requestsEnd is how the logs of requests end: by the day. Days are what is counted.
func requestsEnd(s *requestlog.Service) retention.Procedure {
	return retention.Procedure{Job: requestlog.Job, Grain: requestlog.Grain,
		Oldest: func(ctx context.Context) (*time.Time, error) {
			day, ok, err := s.OldestDay(ctx)
			if err != nil || !ok {
				return nil, err
			}
			return &day, nil
		},
		Run: func(ctx context.Context) (map[string]int64, error) {
			dropped, err := s.Sweep(ctx)
			return map[string]int64{"api_request_logs": int64(dropped)}, err
		},
		Upcoming: s.Upcoming}
}

// limitsEnd is how limits are forgotten that count for nothing any more.
func limitsEnd(s *ratelimit.Service) retention.Procedure {
	return retention.Procedure{Job: ratelimit.SweepJob, Untimed: true, Run: func(ctx context.Context) (map[string]int64, error) {
		n, err := s.Sweep(ctx)
		return map[string]int64{"rate_buckets": n}, err
	}}
}
