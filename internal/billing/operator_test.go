package billing_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// walk reads a list page by page, and fails when a page is too large or the end is missed.
func walk[T any](t *testing.T, size int, read func(page.Args) ([]*T, bool, error), at func(*T) string) (all []string) {
	t.Helper()
	for p := (page.Args{Size: size}); ; {
		rows, more, err := read(p)
		if err != nil || len(rows) > size || more && len(rows) < size {
			t.Fatalf("a page of %d rows, more: %t, %v", len(rows), more, err)
		}
		for _, row := range rows {
			p.After = at(row)
			all = append(all, p.After)
		}
		if !more {
			return all
		}
	}
}

// distinct fails unless there are n of them, all different.
func distinct(t *testing.T, what string, all []string, n int) {
	t.Helper()
	if slices.Sort(all); len(all) != n || len(slices.Compact(all)) != n {
		t.Errorf("%s: %d rows, %d of them different, want %d", what, len(all), len(slices.Compact(all)), n)
	}
}

// All payments in quarantine are reached page by page, however many came at one moment:
// waiting ones first, each once, also when one is decided meanwhile.
func TestTheWholeQuarantineIsReached(t *testing.T) {
	r := newRoom(t)
	admin := r.admin()
	for n := range 23 {
		e := paidFor(r.buy(r.account(), fmt.Sprint(n)))
		e.AmountMinor++
		r.stripe(e)
	}
	if n := r.count(`SELECT count(DISTINCT created_at) FROM payment_quarantine`); n != 1 {
		t.Fatalf("they came at %d moments", n)
	}
	all, err := r.inQuarantine(admin)
	r.must(err)
	for n := 0; n < len(all); n += 2 { // 12 of 23, from one end of the list to the other
		_, err := r.Resolve(t.Context(), admin, billing.Decision{QuarantineID: all[n].ID})
		r.must(err)
	}
	waiting, err := r.QuarantineWaiting(t.Context(), admin)
	if err != nil || waiting != 11 {
		t.Errorf("%d wait, %v", waiting, err)
	}
	read := func(p page.Args) ([]*models.QuarantinedPayment, bool, error) {
		return r.Quarantined(t.Context(), admin, p)
	}
	for _, size := range []int{1, 5, 11, 23, 100} {
		places := walk(t, size, read, billing.QuarantinePosition)
		if !slices.IsSortedFunc(places, func(a, b string) int { return cmp.Compare(b, a) }) {
			t.Errorf("pages of %d are out of order: %v", size, places)
		}
		distinct(t, fmt.Sprint("pages of ", size), places, 23)
	}
	seen := map[string]bool{}
	walk(t, 5, read, func(q *models.QuarantinedPayment) string {
		seen[q.ID] = true
		if q.ResolvedAt == nil {
			_, err := r.Resolve(t.Context(), admin, billing.Decision{QuarantineID: q.ID})
			r.must(err)
		}
		return billing.QuarantinePosition(q) // where it was when the page was read
	})
	if len(seen) != 23 {
		t.Errorf("%d of 23 were seen while the others were decided", len(seen))
	}
	_, _, err = r.Quarantined(t.Context(), admin, page.Args{Size: 5, After: "qua_x"})
	r.refuses(err, fault.Invalid)
	_, err = r.QuarantineWaiting(t.Context(), viewer.Viewer{})
	r.refuses(err, fault.Forbidden)
}

// All comparisons are reached page by page, though several began at one moment.
func TestAllComparisonsAreReached(t *testing.T) {
	r := newRoom(t)
	admin := r.admin()
	for range 30 {
		r.reconcile()
	}
	if n := r.count(`SELECT count(DISTINCT started_at) FROM reconciliations`); n != 1 {
		t.Fatalf("they began at %d moments", n)
	}
	for _, size := range []int{1, 7, 60, 100} {
		places := walk(t, size, func(p page.Args) ([]*models.Reconciliation, bool, error) {
			return r.Reconciliations(t.Context(), admin, p)
		},
			func(row *models.Reconciliation) string { return row.ID })
		distinct(t, fmt.Sprint("pages of ", size), places, 60)
	}
}
