package credit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

// measured settles an act of a model for which the engine sent twice the tokens that we count.
func (r *room) measured(p person, ref, model string) {
	r.t.Helper()
	s := act(p, r.mustHold(p, 10), ref, 8)
	s.ModelID, s.Usage.PromptTokens, s.CountedPrompt, s.CountedOutput = model, 6, 3, 4
	_, err := r.Settle(r.t.Context(), s)
	r.must(err)
}

// P27: figures across people are of five people or more, whatever each of them did.
func TestFiguresAcrossPeopleAreOfFiveOrMore(t *testing.T) {
	r := newRoom(t)
	admin := r.operator()
	wants := func(want ...credit.EstimateError) {
		t.Helper()
		got, err := r.EstimateErrors(t.Context(), admin)
		r.must(err)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the figures are %v, want %v", got, want)
		}
	}
	people := make([]person, 5)
	for n := range people {
		people[n] = r.person(1000)
	}
	for n, p := range people[:4] {
		for k := range 5 {
			r.measured(p, fmt.Sprint("run/", n, k), "few")
		}
	}
	wants() // twenty acts, of four people
	for n, p := range people {
		r.measured(p, fmt.Sprint("many/", n), "many")
	}
	many := credit.EstimateError{ModelID: "many", Acts: 5, PromptRatio: 0.5, OutputRatio: 0.5, OutputErrorP95: 0.5}
	wants(many)

	// What the engine didn't count, and what nobody believes, makes nobody one of the five.
	own, absurd := act(people[4], r.mustHold(people[4], 10), "own", 8), act(people[4], r.mustHold(people[4], 10), "absurd", 8)
	own.ModelID, own.Usage.Estimated = "few", true
	absurd.ModelID, absurd.Absurd = "few", &models.Usage{OutputTokens: 99}
	for _, s := range []models.Settlement{own, absurd} {
		_, err := r.Settle(t.Context(), s)
		r.must(err)
	}
	wants(many)
	r.measured(people[4], "fifth", "few")
	wants(credit.EstimateError{ModelID: "few", Acts: 21, PromptRatio: 0.5, OutputRatio: 0.5, OutputErrorP95: 0.5}, many)

	// The fifth leaves, or what it did is long ago: then they are four again.
	r.remove(people[4])
	wants()
	r.pass(31 * 24 * time.Hour)
	wants()
	for _, p := range people[:4] {
		if _, err := r.EstimateErrors(t.Context(), p.Viewer); !fault.Is(err, fault.Forbidden) {
			t.Errorf("somebody else gets %v", err)
		}
	}
}

// Acts with absurd usage are listed for administrators, newest first, until one of them has
// looked; that stands in the audit log.
func TestAbsurdUsageIsReviewedOnce(t *testing.T) {
	r := newRoom(t)
	admin, p := r.operator(), r.person(1000)
	for _, ref := range []string{"one", "two"} {
		s := act(p, r.mustHold(p, 10), ref, 8)
		s.Absurd = &models.Usage{PromptTokens: 5, OutputTokens: 900}
		_, err := r.Settle(t.Context(), s)
		r.must(err)
	}
	r.measured(p, "fine", "m")
	wants := func(refs ...string) (ids []string) {
		t.Helper()
		acts, _, err := r.Absurd(t.Context(), admin, page.Args{Size: page.MaxSize})
		r.must(err)
		var got []string
		for _, a := range acts {
			got, ids = append(got, a.Ref), append(ids, a.ID)
			if u := credit.ReportedUsage(a); u != `{"Estimated": false, "CachedTokens": 0, "OutputTokens": 900, "PromptTokens": 5, "ReasoningTokens": 0}` {
				t.Errorf("%s was reported as %s", a.Ref, u)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(refs) {
			t.Errorf("to look at are %v, want %v", got, refs)
		}
		return ids
	}
	ids := wants("two", "one")
	r.must(r.Review(t.Context(), admin, ids[0]))
	wants("one")
	if n := r.count(`SELECT count(*) FROM audit_entries WHERE act = 'USAGE_REVIEWED'`); n != 1 {
		t.Errorf("%d acts are in the log", n)
	}
	var fine string
	r.must(r.db.Pool().QueryRow(t.Context(), `SELECT id FROM usage_rows WHERE ref = 'fine'`).Scan(&fine))
	for _, id := range []string{fine, "use_none"} {
		if err := r.Review(t.Context(), admin, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("looking at %s gives %v", id, err)
		}
	}
	if err := r.Review(t.Context(), p.Viewer, ids[1]); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody else may look: %v", err)
	}
	if _, _, err := r.Absurd(t.Context(), p.Viewer, page.Args{Size: 1}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody else is shown them: %v", err)
	}
	wants("one")
}

// All acts with absurd usage are reached page by page, though they were at one moment.
func TestAllAbsurdUsageIsReached(t *testing.T) {
	r := newRoom(t)
	admin, p := r.operator(), r.person(1000)
	for n := range 7 {
		s := act(p, r.mustHold(p, 10), fmt.Sprint(n), 8)
		s.Absurd = &models.Usage{OutputTokens: 900}
		_, err := r.Settle(t.Context(), s)
		r.must(err)
	}
	r.measured(p, "fine", "m")
	if n := r.count(`SELECT count(DISTINCT created_at) FROM usage_rows`); n != 1 {
		t.Fatalf("they were at %d moments", n)
	}
	for _, size := range []int{1, 3, 7, 100} {
		var refs []string
		for ask, more := (page.Args{Size: size}), true; more; {
			var acts []*models.UsageRow
			var err error
			acts, more, err = r.Absurd(t.Context(), admin, ask)
			if err != nil || len(acts) > size || len(acts) == 0 {
				t.Fatalf("a page of %d acts, %v", len(acts), err)
			}
			for _, a := range acts {
				refs, ask.After = append(refs, a.Ref), a.ID
			}
		}
		if fmt.Sprint(refs) != "[6 5 4 3 2 1 0]" {
			t.Errorf("pages of %d lead to %v", size, refs)
		}
	}
	if n, err := r.AbsurdWaiting(t.Context(), admin); n != 7 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	if _, err := r.AbsurdWaiting(t.Context(), p.Viewer); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody else gets %v", err)
	}
}
