package figures

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/bench/internal/seed"
	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// The list's database.
const (
	listOwners  = 100
	listEach    = 10_000 // conversations of one owner
	listClients = 16     // connections that ask at once
	listRate    = 200    // requests per second of the open loop
)

// lists measures on all cores at once, database included: a server that computes
// more leaves less to its database.
func (r *Run) lists(ctx context.Context) ([]report.Figure, error) {
	product, err := r.product(ctx, bed.Anywhere)
	if err != nil {
		return nil, err
	}
	defer r.stop(product)
	owners, cookies, err := guests(product.Addr)
	if err != nil {
		return nil, err
	}
	total := listOwners * pick(r, listEach, listEach/20)
	if err := r.fill(ctx, total); err != nil {
		return nil, err
	}
	floor, err := r.listFloor(ctx, owners)
	if err != nil {
		return nil, err
	}
	defer r.stop(floor)
	if err := sameList(floor.Addr, product.Addr, cookies[0]); err != nil {
		return nil, err
	}
	r.bed.Pin(r.db.PID, bed.Anywhere) // its children are made anew by the pools below
	defer r.bed.Pin(r.db.PID, bed.Others)
	s := load.Spec{Kind: load.Lists, N: listClients, Cookies: cookies, Warm: 500 * time.Millisecond, Window: pick(r, 2500*time.Millisecond, time.Second)}
	closed, err := r.duel(ctx, bed.Anywhere, r.rounds(), s, floor, product)
	if err != nil {
		return nil, err
	}
	s.Rate = listRate
	open, err := r.duel(ctx, bed.Anywhere, r.rounds(), s, floor, product)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("20 newest of %d conversations with their last message: ", total)
	return []report.Figure{
		closed.figure("list requests", what+fmt.Sprintf("answers per second over %d connections", listClients), "1/s",
			report.Goal{Least: true, Limit: 0.6}, func(r load.Result) float64 { return float64(r.Asked) / r.Seconds }),
		closed.figure("list CPU", what+"CPU time of the server per answer", "us",
			report.Goal{}, func(r load.Result) float64 { return r.CPU["server"] * 1e6 / float64(max(1, r.Asked)) }),
		open.figure("list p99 at 200/s", what+"99th percentile of the answer time", "ms",
			report.Goal{Limit: 2.5}, func(r load.Result) float64 { return r.Added.P99 / 1000 }),
	}, nil
}

// guests makes the owners of the lists and returns the owner of each cookie.
func guests(addr string) (owners map[string]string, cookies []string, err error) {
	owners = map[string]string{}
	for i := range listOwners {
		cookie, err := load.NewGuest(addr, i)
		if err != nil {
			return nil, nil, fmt.Errorf("make guest %d: %w", i, err)
		}
		if owners[cookie], err = load.Owner(addr, cookie); err != nil {
			return nil, nil, err
		}
		cookies = append(cookies, cookie)
	}
	return owners, cookies, nil
}

// fill puts the conversations into the shared database.
func (r *Run) fill(ctx context.Context, total int) error {
	keeper, err := bed.Keeper()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := seed.Conversations(ctx, r.db.Super, keeper, clock.System{}, total); err != nil {
		return err
	}
	r.Tell("  %d conversations with two messages each were stored in %.0f s", total, time.Since(began).Seconds())
	return nil
}

// listFloor starts the pgx handler.
func (r *Run) listFloor(ctx context.Context, owners map[string]string) (*bed.Proc, error) {
	b, err := json.Marshal(owners)
	if err != nil {
		return nil, fmt.Errorf("encode owners: %w", err)
	}
	path := filepath.Join(r.bed.Dir, "owners.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, fmt.Errorf("write owners: %w", err)
	}
	return r.bed.Serve(ctx, bed.Anywhere, "lists", []string{"DATABASE_URL=" + r.db.URL}, "-owners", path)
}

// sameList refuses to compare servers that do not answer the same.
func sameList(floor, product, cookie string) error {
	var answers [2]any
	for i, addr := range []string{floor, product} {
		b, err := load.List(addr, cookie)
		if err != nil {
			return fmt.Errorf("ask for a list: %w", err)
		}
		if err := json.NewDecoder(bytes.NewReader(b)).Decode(&answers[i]); err != nil {
			return fmt.Errorf("a list is not JSON: %w", err)
		}
		if m, ok := answers[i].(map[string]any); ok {
			delete(m, "extensions")
		}
		answers[i] = moments(answers[i])
	}
	if !reflect.DeepEqual(answers[0], answers[1]) {
		return errors.New("floor and product answer differently: " + difference("answer", answers[0], answers[1]))
	}
	return nil
}

// moments makes times of the texts that are such, however they are written.
func moments(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = moments(x[k])
		}
	case []any:
		for i := range x {
			x[i] = moments(x[i])
		}
	case string:
		if t, err := time.Parse(time.RFC3339Nano, x); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

// difference names the first place in which two decoded answers differ.
func difference(at string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if !reflect.DeepEqual(x[k], y[k]) {
				return difference(at+"."+k, x[k], y[k])
			}
		}
	case []any:
		y, _ := b.([]any)
		for i := range min(len(x), len(y)) {
			if !reflect.DeepEqual(x[i], y[i]) {
				return difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
			}
		}
	}
	return fmt.Sprintf("%s is %.200v against %.200v", at, a, b)
}
