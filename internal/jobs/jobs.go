// Package jobs runs what has to be done now and then, or soon after a transaction, on
// whichever instance has the time. River keeps the jobs in the database.
//
// A job here is a name and a function, without arguments and without anybody's data:
// what there is to do stands in the tables of the room that registered it. So a job
// that comes twice, late, or while another one runs does no harm, and one that fails is
// not repeated: its next turn does what is left.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

const (
	// poll is how long a job waits at most whose announcement was lost.
	poll = 10 * time.Second
	// cooldown is the shortest time between two looks for jobs.
	cooldown = 100 * time.Millisecond
	// workers is how many jobs an instance runs at once.
	workers = 4
	// slowWorkers is how many slow jobs it runs beside them.
	slowWorkers = 3
	// slowQueue is the line of slow jobs.
	slowQueue = "slow"
	// lease is how long after it was last heard of a turn counts as one of an instance that
	// died; it tells of itself four times meanwhile.
	lease = time.Minute
	// kept is how long finished jobs can be looked at.
	kept = time.Hour
	// softStop is how long running jobs may go on after Stop before their contexts end.
	softStop = 5 * time.Second
)

// ErrStarted refuses what must come before Start.
var ErrStarted = errors.New("the jobs have started already")

// Job is what is done in one name.
type Job struct {
	Name string
	// Every is how often it gets a turn on one of the instances, at least a second;
	// it also gets one when an instance becomes the leader. Zero: only when nudged.
	Every time.Duration
	// Timeout ends the context of one turn; zero means a minute.
	Timeout time.Duration
	// Slow has it wait in a line of its own, so that it keeps none of the others waiting: for
	// jobs that read or delete much.
	Slow bool
	// Run does what there is to do. Its error is logged.
	Run func(ctx context.Context) error
}

// Config is what a Runner is made of.
type Config struct {
	DB  *database.DB
	Log *slog.Logger // names of jobs and errors of their functions; nothing else
	// startAtOnce skips River's random delays, for tests.
	startAtOnce bool
	lease       time.Duration // a minute, but in tests
}

// Runner runs jobs from Start to Stop.
type Runner struct {
	Config
	mu      sync.Mutex
	jobs    map[string]Job
	client  *river.Client[pgx.Tx]
	stopped bool
	rescue  context.CancelFunc // ends the look for turns of the dead
	rescued sync.WaitGroup
}

// New makes a runner without jobs.
func New(c Config) *Runner {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.lease <= 0 {
		c.lease = lease
	}
	return &Runner{Config: c, jobs: map[string]Job{}}
}

// Add registers jobs; all of them come before Start. It refuses two of one name, and
// what can't run.
func (r *Runner) Add(jobs ...Job) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		switch {
		case r.client != nil:
			return ErrStarted
		case j.Name == "" || j.Run == nil:
			return errors.New("a job needs a name and a function")
		case j.Every != 0 && j.Every < time.Second:
			return fmt.Errorf("job %s: it may have a turn every second at most", j.Name)
		}
		if _, twice := r.jobs[j.Name]; twice {
			return fmt.Errorf("job %s: there are two of this name", j.Name)
		}
		if j.Timeout <= 0 {
			j.Timeout = time.Minute
		}
		r.jobs[j.Name] = j
	}
	return nil
}

// Names are those of the jobs that were added, in order.
func (r *Runner) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.jobs))
}

// Start begins to run the jobs. It returns before the first one runs.
func (r *Runner) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return ErrStarted
	}
	bundle := river.NewWorkers()
	if err := river.AddWorkerSafely(bundle, &worker{jobs: r.jobs, log: r.Log, db: r.DB, lease: r.lease}); err != nil {
		return fmt.Errorf("prepare the jobs: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(r.DB.Pool()), r.settings(bundle))
	if err != nil {
		return fmt.Errorf("prepare the jobs: %w", err)
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	r.client = client
	ctx, r.rescue = context.WithCancel(context.WithoutCancel(ctx))
	r.rescued.Go(func() { r.rescueAll(ctx) })
	return nil
}

func (r *Runner) settings(bundle *river.Workers) *river.Config {
	longest := time.Minute
	var periodic []*river.PeriodicJob
	for _, j := range r.jobs {
		longest = max(longest, j.Timeout)
		if j.Every > 0 {
			periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(j.Every), turnOf(j), &river.PeriodicJobOpts{RunOnStart: true}))
		}
	}
	return &river.Config{
		Logger:                      slog.New(quiet{r.Log.Handler()}),
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}, slowQueue: {MaxWorkers: slowWorkers}},
		Workers:                     bundle,
		PeriodicJobs:                periodic,
		FetchPollInterval:           poll,
		FetchCooldown:               cooldown,
		MaxAttempts:                 1,
		JobTimeout:                  longest,
		RescueStuckJobsAfter:        longest + 30*time.Second, // sooner by rescueAll
		CompletedJobRetentionPeriod: kept,
		CancelledJobRetentionPeriod: kept,
		DiscardedJobRetentionPeriod: kept,
		ReindexerIndexNames:         []string{}, // the table stays small
		SoftStopTimeout:             softStop,
		TestOnly:                    r.startAtOnce,
	}
}

// turnOf makes a periodic turn: none while the last one waits or runs.
func turnOf(j Job) river.PeriodicJobConstructor {
	return func() (river.JobArgs, *river.InsertOpts) {
		return turn{Name: j.Name}, &river.InsertOpts{Queue: j.queue(), UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled, rivertype.JobStateRetryable}}}
	}
}

// queue is the line in which it waits.
func (j Job) queue() string {
	if j.Slow {
		return slowQueue
	}
	return river.QueueDefault
}

// Stop takes no more jobs and waits for the running ones; their contexts end after 5 s
// or with ctx. It comes before the database is closed. Later calls do nothing.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil || r.stopped {
		return nil
	}
	r.stopped = true
	r.rescue()
	r.rescued.Wait()
	if err := r.client.Stop(ctx); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), softStop)
	defer cancel()
	if err := r.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop the jobs: %w", err)
	}
	return nil
}
