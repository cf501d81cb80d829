package transparency_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/models"
)

var updateFindings = flag.Bool("update-findings", false, "write the findings that the page's tests say in all languages")

// findings is where an example of each finding lies for the tests of the page.
const findings = "../../frontend/src/features/transparency/findings.fixture.json"

// Each finding has a sentence whose values are all said, and the page's tests know an example
// of each: a code without words in every language fails there.
func TestThePageKnowsEveryFinding(t *testing.T) {
	type example struct {
		Evidence string                     `json:"evidence"`
		Finding  models.TransparencyFinding `json:"finding"`
	}
	var all []example
	for _, code := range slices.Sorted(maps.Keys(transparency.Words())) {
		evidence, f := transparency.SampleOf(code)
		if evidence == "" || strings.ContainsAny(evidence, "{}") || strings.Contains(evidence, "<nil>") || f.Code != code {
			t.Errorf("%s says %q", code, evidence)
		}
		all = append(all, example{evidence, f})
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *updateFindings {
		if err := os.WriteFile(findings, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(findings)
	if err != nil || !bytes.Equal(known, text.Bytes()) {
		t.Errorf("run go test ./internal/transparency -update-findings: %v", err)
	}
}

// P1: what a check found can be said in any language: each finding has its code and its
// values as they are, in the check, in the clauses and among the changes; what is old says so.
func TestFindingsAreTheEvidence(t *testing.T) {
	r := newRoom(t)
	r.config.Facts.OldestGuest = r.at(31*24*time.Hour + time.Hour)
	r.again()
	report := r.run()
	for _, c := range report.Checks {
		if len(c.Findings) == 0 {
			t.Errorf("%s found nothing", c.ID)
		}
		for _, f := range c.Findings {
			if _, known := transparency.Words()[f.Code]; !known {
				t.Errorf("%s found %s", c.ID, f.Code)
			}
		}
	}
	want := []models.TransparencyFinding{{Code: "guest_oldest", Values: []models.TransparencyValue{{Name: "age", Sort: models.ValueSpan, Value: "2682000"}, {Name: "limit", Sort: models.ValueSpan, Value: "2592000"}}}}
	same := func(got []models.TransparencyFinding) bool {
		return len(got) > 0 && got[0].Code == want[0].Code && slices.Equal(got[0].Values, want[0].Values)
	}
	if got := find(t, report, "oldest_guest").Findings; !same(got) {
		t.Errorf("the check found %+v", got)
	}
	if !slices.ContainsFunc(report.Changes, func(c *models.TransparencyChange) bool { return c.CheckID == "oldest_guest" && same(c.Findings) }) {
		t.Error("the change is told without what was found")
	}
	if got := clause(t, report, "C-RET-GUESTS").Findings; !slices.ContainsFunc(got, func(f models.TransparencyFinding) bool { return f.Code == "guest_oldest" }) {
		t.Errorf("the clause found %+v", got)
	}
	r.hand.move(2 * time.Hour)
	if got := find(t, r.report(), "oldest_guest").Findings; len(got) != 2 || got[0].Code != "stale" || got[0].Values[0].Value != "7200" || !same(got[1:]) {
		t.Errorf("two hours later it is %+v", got)
	}
}

// A result of before findings were kept is shown as it was written, and made anew at once.
func TestAResultWithoutFindingsIsMadeAnew(t *testing.T) {
	r := newRoom(t)
	r.run()
	if _, err := r.db.Pool().Exec(t.Context(), `UPDATE transparency_checks SET findings = '[]' WHERE id = 'columns_sealed'`); err != nil {
		t.Fatal(err)
	}
	if made, err := r.Run(t.Context()); made != 1 || err != nil {
		t.Errorf("%d checks were made, %v", made, err)
	}
	if c := find(t, r.report(), "columns_sealed"); len(c.Findings) == 0 {
		t.Error("it still has none")
	}
}
