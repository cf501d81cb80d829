package requestlog

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	maxWindow = 400 * dayLength
	maxGroups = 5000
	// maxTogether is how many analyses are read together.
	maxTogether = 8
)

// Window is a time and how to sum up what happened in it. Days and hours begin in Zone, an
// IANA name; empty means UTC.
type Window struct {
	From, To       time.Time // To is not included
	By             []models.RequestDimension
	Zone           string
	KeyID, ModelID string // empty: all
}

// Total is what requests of a window add up to.
type Total struct {
	Sum
	Requests    int64 // replies are none
	first, took tally
}

// Errors is how many rows did not succeed, replies among them.
func (t *Total) Errors() int64 { return t.errors() }

// FirstToken is a quantile of the time until the first token, in milliseconds; false when
// no row has one.
func (t *Total) FirstToken(q float64) (ms int, ok bool) { return t.first.quantile(q) }

// Latency is a quantile of how long it took, in milliseconds; false when there is no row.
func (t *Total) Latency(q float64) (ms int, ok bool) { return t.took.quantile(q) }

func (t *Total) add(route string, sum *Sum) {
	t.Sum.add(sum)
	if route != models.RouteReply {
		t.Requests += sum.rows()
	}
}

// count adds a row with its times in milliseconds; first is nil when there was no token.
func (t *Total) count(e *Entry, first *int, took int) {
	var sum Sum
	sum.count(e)
	t.add(e.Route, &sum)
	if first != nil {
		t.first.put(bar{uint32(bucketOf(*first)), 1}) //nolint:gosec // a bucket is small
	}
	t.took.put(bar{uint32(bucketOf(took)), 1}) //nolint:gosec // a bucket is small
}

// addBars adds a sum with its histograms, or takes it off.
func (t *Total) addBars(route string, sum *Sum, b *bars, off bool) {
	if off {
		less := sum.negative()
		sum = &less
	}
	t.add(route, sum)
	t.first.addBars(b.first, off)
	t.took.addBars(b.took, off)
}

func (t *Total) merge(o *Total) {
	t.Sum.add(&o.Sum)
	t.Requests += o.Requests
	t.first.add(o.first)
	t.took.add(o.took)
}

// Group is a total and what it is of; what was not asked for is empty.
type Group struct {
	KeyID, ModelID, Route string
	Start                 time.Time // of the day or hour
	Total                 Total
}

// Analysis is what a window adds up to, in all and by its dimensions, in their order.
type Analysis struct {
	Total  Total
	Groups []*Group
}

// Analytics is one of Analyses.
func (s *Service) Analytics(ctx context.Context, v viewer.Viewer, w Window) (Total, []*Group, error) {
	all, errs := s.Analyses(ctx, v, []*Window{&w})
	return all[0].Total, all[0].Groups, errs[0]
}

// Analyses sums up the viewer's rows in windows, in all and by their dimensions. The sums
// are exactly those of the rows; a quantile lies in the same bucket as the exact one, which
// is 1/64 wide. Each window has its analysis or its error, as if it were alone; those that
// differ in their dimensions only are read together, as of one moment.
//
// Rows are counted as long as Logs shows them. Of the time before, there are the totals of
// keys and days in UTC: windows by KEY and DAY in UTC reach back to them, without times.
// It refuses windows that are empty or longer than 400 days, unknown zones, and more than
// 5,000 groups.
func (s *Service) Analyses(ctx context.Context, v viewer.Viewer, windows []*Window) ([]Analysis, []error) {
	out, errs := make([]Analysis, len(windows)), make([]error, len(windows))
	sets := readSets(windows)
	if len(sets) == 1 {
		s.readSet(ctx, v, windows, sets[0], out, errs)
		return out, errs
	}
	var reads sync.WaitGroup
	turns := make(chan struct{}, maxReads)
	for _, set := range sets {
		turns <- struct{}{}
		reads.Go(func() {
			defer func() { <-turns }()
			defer func() {
				if p := recover(); p != nil { // nobody above would: this is a goroutine of its own
					for _, n := range set {
						out[n], errs[n] = Analysis{}, fmt.Errorf("sum up request logs: panic: %v", p)
					}
				}
			}()
			s.readSet(ctx, v, windows, set, out, errs)
		})
	}
	reads.Wait()
	return out, errs
}

// maxReads is how many sets are read at once: each has a connection of the database meanwhile.
const maxReads = 3

// readSet reads some of the windows together.
func (s *Service) readSet(ctx context.Context, v viewer.Viewer, windows []*Window, set []int, out []Analysis, errs []error) {
	of := make([][]models.RequestDimension, len(set))
	for i, n := range set {
		of[i] = windows[n].By
	}
	all, err := s.analyses(ctx, v, *windows[set[0]], of)
	for i, n := range set {
		if errs[n] = err; err == nil && all != nil {
			out[n], errs[n] = all[i].result()
		}
	}
}

// readSets sorts windows into what is read together, by their places: of what differs in
// the dimensions only maxTogether at a time, whose groups are all in memory at once.
func readSets(windows []*Window) (sets [][]int) {
	for n, w := range windows {
		i := slices.IndexFunc(sets, func(set []int) bool { return len(set) < maxTogether && w.rows(windows[set[0]]) })
		if i < 0 {
			sets = append(sets, nil)
			i = len(sets) - 1
		}
		sets[i] = append(sets[i], n)
	}
	return sets
}

// rows reports whether two windows are of the same rows and days.
func (w *Window) rows(o *Window) bool {
	return w.From.Equal(o.From) && w.To.Equal(o.To) && w.Zone == o.Zone && w.KeyID == o.KeyID && w.ModelID == o.ModelID
}

// analyses sums up a window by some dimensions each; nil when there can't be any rows.
func (s *Service) analyses(ctx context.Context, v viewer.Viewer, w Window, of [][]models.RequestDimension) ([]*sums, error) {
	zone, err := w.check()
	if err != nil {
		return nil, err
	}
	w.From, w.To = w.From.UTC(), w.To.UTC() // days are found by their times, which equal no other zone's
	sel, ok, err := s.selection(ctx, v, Filter{KeyID: w.KeyID, ModelID: w.ModelID, From: w.From, To: w.To})
	if err != nil || !ok {
		return nil, err
	}
	r := newReport(w, zone, sel, s.Clock.Now(), of)
	if err := r.read(ctx, s, v); err != nil {
		return nil, fmt.Errorf("sum up request logs: %w", database.Translate(err))
	}
	return r.all, nil
}

func (w Window) check() (*time.Location, error) {
	switch {
	case !w.From.Before(w.To):
		return nil, fault.On("to", fault.Invalid, "`to` must be later than `from`")
	case w.To.Sub(w.From) > maxWindow:
		return nil, fault.On("to", fault.Invalid, "ask for 400 days at most")
	}
	return sheet.Zone(w.Zone)
}
