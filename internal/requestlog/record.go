package requestlog

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/id"
)

const (
	// together is how many rows are written without waiting for more, most how many are
	// written in one transaction.
	together = 1000
	most     = 4000
	// warnEvery is how often it is told that rows were lost.
	warnEvery = 10 * time.Second
)

// buffer is the rows that wait to be written. Who adds one never waits.
type buffer struct {
	mu      sync.Mutex
	rows    []Entry
	limit   int
	closed  bool
	lost    int64 // since they were told of last
	stats   Stats
	warned  clock.Stopwatch
	told    bool
	arrived chan struct{} // the first row has come
	full    chan struct{} // enough have come
}

func (b *buffer) init(limit int) {
	b.limit, b.arrived, b.full = limit, make(chan struct{}, 1), make(chan struct{}, 1)
}

// add keeps a row, or counts it as lost.
func (b *buffer) add(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.rows) >= b.limit {
		b.lost++
		b.stats.Lost++
		return
	}
	b.rows = append(b.rows, e)
	switch len(b.rows) {
	case 1:
		signal(b.arrived)
	case together:
		signal(b.full)
	}
}

// Stats are counts since the start.
type Stats struct {
	Written int64 // rows that are stored
	Waiting int64 // rows that wait for it, now
	Lost    int64 // rows that could not be kept
}

// Stats counts.
func (s *Service) Stats() Stats {
	s.buffer.mu.Lock()
	defer s.buffer.mu.Unlock()
	out := s.buffer.stats
	out.Waiting = int64(len(s.buffer.rows))
	return out
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take is the oldest rows, which stay counted against the limit until they are forgotten.
func (b *buffer) take() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.rows), most)
	return b.rows[:n:n]
}

// forget drops the n oldest rows: they are written.
func (b *buffer) forget(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = append(make([]Entry, 0, max(together, len(b.rows)-n)), b.rows[n:]...)
	b.stats.Written += int64(n)
	if len(b.rows) > 0 {
		signal(b.arrived)
	}
	if len(b.rows) >= together {
		signal(b.full)
	}
}

// loss is how many rows were lost since it was told last; zero while it was told lately.
func (b *buffer) loss() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost == 0 || b.told && b.warned.Elapsed() < warnEvery && !b.closed {
		return 0
	}
	n := b.lost
	b.lost, b.told, b.warned = 0, true, clock.StartStopwatch()
	return n
}

// close takes no more rows, and says how many wait.
func (b *buffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// Record keeps a row for a request of an API key. It never waits and never fails: what
// can't be kept, because the database was away for too long, is counted and warned of.
// Requests of nobody's key are left out.
func (s *Service) Record(e Entry) {
	if e.OwnerID == "" || e.KeyID == "" {
		return
	}
	if e.ID == "" {
		e.ID = id.New(id.Request)
	}
	if e.At.IsZero() {
		e.At = s.Clock.Now()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.ID, e.Route, e.ModelID, e.Code = clean(e.ID, 60), clean(e.Route, 100), clean(e.ModelID, 100), clean(e.Code, 60)
	if e.Route == "" {
		e.Route = "unknown"
	}
	if e.Status < 100 || e.Status > 599 {
		e.Status = 500
	}
	for _, n := range []*int64{&e.PromptTokens, &e.CachedTokens, &e.OutputTokens, &e.ReasoningTokens, &e.Credits} {
		*n = max(*n, 0)
	}
	s.buffer.add(e)
}

// clean makes what the database takes of a text of ours, whatever it is.
func clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

// millis are whole milliseconds as the tables keep them.
func millis(d time.Duration) int { return int(min(max(d.Milliseconds(), 0), math.MaxInt32)) }

// firstToken is nil when there was none.
func (e *Entry) firstToken() *int {
	if e.FirstToken <= 0 {
		return nil
	}
	ms := millis(e.FirstToken)
	return &ms
}

// Start makes the partitions of these days and begins to write.
func (s *Service) Start(ctx context.Context) error {
	if err := s.MakePartitions(ctx); err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		s.writing(ctx)
	}()
	return nil
}

// writing writes what comes until ctx ends.
func (s *Service) writing(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.buffer.arrived:
		}
		pause.Reset(s.Every)
		select {
		case <-ctx.Done():
			return
		case <-s.buffer.full:
		case <-pause.C:
		}
		s.flush(ctx)
	}
}

// flush writes a batch. While the database is away it tries again; ctx's end leaves what
// is not written.
func (s *Service) flush(ctx context.Context) {
	defer s.tellLoss(ctx)
	rows := s.buffer.take()
	if len(rows) == 0 {
		return
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := s.write(ctx, rows)
		if err == nil {
			s.buffer.forget(len(rows))
			s.publish(rows)
			return
		}
		if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "write request logs, trying again", "rows", len(rows), "err", err)
			s.tellLoss(ctx)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (s *Service) tellLoss(ctx context.Context) {
	if n := s.buffer.loss(); n > 0 {
		s.Log.ErrorContext(ctx, "request logs were lost: the database is away, or too slow for them", "rows", n)
	}
}

// Close writes all that was recorded, until ctx ends, and takes no more. It comes when
// nothing records any more and before the database is closed.
func (s *Service) Close(ctx context.Context) {
	s.buffer.close()
	if s.stop == nil {
		return
	}
	s.stop()
	<-s.done
	s.stop = nil
	for ctx.Err() == nil && len(s.buffer.take()) > 0 {
		s.flush(ctx)
	}
	if n := len(s.buffer.take()); n > 0 {
		s.Log.ErrorContext(ctx, "request logs were lost: the database did not answer at the end", "rows", n)
	}
}
