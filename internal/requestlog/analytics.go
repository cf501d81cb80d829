package requestlog

import (
	"context"
	"errors"
	"fmt"
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

// Analytics sums up the viewer's rows in a window, in all and by the dimensions, in their
// order. The sums are exactly those of the rows; a quantile lies in the same bucket as the
// exact one, which is 1/64 wide.
//
// Rows are counted as long as Logs shows them. Of the time before, there are the totals of
// keys and days in UTC: windows by KEY and DAY in UTC reach back to them, without times.
// It refuses windows that are empty or longer than 400 days, unknown zones, and more than
// 5,000 groups.
func (s *Service) Analytics(ctx context.Context, v viewer.Viewer, w Window) (Total, []*Group, error) {
	zone, err := w.check()
	if err != nil {
		return Total{}, nil, err
	}
	sel, ok, err := s.selection(ctx, v, Filter{KeyID: w.KeyID, ModelID: w.ModelID, From: w.From, To: w.To})
	if err != nil || !ok {
		return Total{}, nil, err
	}
	r := &report{Window: w, zone: zone, sel: sel, now: s.Clock.Now(), by: map[groupKey]*Group{}}
	err = r.read(ctx, s, v)
	if err != nil && !errors.Is(err, errMany) {
		return Total{}, nil, fmt.Errorf("sum up request logs: %w", database.Translate(err))
	}
	if err != nil || len(r.by) > maxGroups {
		return Total{}, nil, fault.On("by", fault.Invalid, "these are more than %d groups: ask for a shorter time or fewer dimensions", maxGroups)
	}
	total, groups := r.result()
	return total, groups, nil
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
