package register_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/policy"
)

func policyText(t *testing.T) string {
	t.Helper()
	raw, err := fs.ReadFile(policy.Files(), "policy.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var anchor = regexp.MustCompile(`\{#(C-[A-Z0-9-]+)\}`)

// P1, P85: each clause of the policy is in the register with what shows that it is kept, and
// the register has no other; each check that it cites is one that runs.
func TestEveryClauseHasItsChecks(t *testing.T) {
	r := loaded(t)
	var text, entered []string
	for _, m := range anchor.FindAllStringSubmatch(policyText(t), -1) {
		text = append(text, m[1])
	}
	for _, c := range r.Clauses {
		entered = append(entered, c.ID)
		if len(c.Run) == 0 || len(c.Promises) == 0 {
			t.Errorf("clause %s: name a check that runs all the time, and a behaviour that tests prove", c.ID)
		}
	}
	slices.Sort(text)
	slices.Sort(entered)
	if len(text) < 40 || !slices.Equal(text, slices.Compact(slices.Clone(text))) {
		t.Errorf("the text has %d clauses, or one twice", len(text))
	}
	for _, id := range text {
		if !slices.Contains(entered, id) {
			t.Errorf("clause %s is in policy.md and not in register.yaml: say what shows that it is kept", id)
		}
	}
	for _, id := range entered {
		if !slices.Contains(text, id) {
			t.Errorf("clause %s is in register.yaml and not in policy.md", id)
		}
	}
	unknown, idle := r.UnknownRuns()
	if len(unknown) > 0 || len(idle) > 0 {
		t.Errorf("checks that nobody runs: %v; checks that no clause cites: %v", unknown, idle)
	}
}

// promises is how many there are.
const promises = 132

// P85: every behaviour that the policy rests on has a test that names it, or the register
// says why not; those by which clauses are kept are among them.
func TestEveryPromiseHasAProof(t *testing.T) {
	raw, err := os.ReadFile("../../docs/PROOFS.md")
	if err != nil {
		t.Fatal(err)
	}
	r := loaded(t)
	open := map[string]bool{}
	for _, o := range r.Open {
		open[o.Promise] = true
		if o.Why == "" {
			t.Errorf("%s is open, and nobody says why", o.Promise)
		}
	}
	known := map[string]bool{}
	for n := 1; n <= promises; n++ {
		p := "P" + strconv.Itoa(n)
		known[p] = true
		proven := regexp.MustCompile(`(?m)^\| ` + p + ` \| [1-9]`).Match(raw)
		switch {
		case !proven && !open[p]:
			t.Errorf("no test names %s in its comment (docs/PROOFS.md), and open in policy/register.yaml doesn't say why", p)
		case proven && open[p]:
			t.Errorf("a test names %s by now: take it out of open in policy/register.yaml", p)
		}
	}
	for _, c := range r.Clauses {
		for _, p := range c.Promises {
			if !known[p] {
				t.Errorf("clause %s cites %s, which is no promise", c.ID, p)
			}
		}
	}
}

// version is one of versions.json.
type version struct {
	Version string
	Figures []struct {
		Clause, Text, What string
		Value              int
	}
}

func current(t *testing.T) version {
	t.Helper()
	raw, err := fs.ReadFile(policy.Files(), "versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []version
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return all[len(all)-1]
}

// promised finds the numbers of a text that bind the program: time spans and the age.
var promised = regexp.MustCompile(`(?i)\b(\d+)\s+(?:day|hour|minute|week|month|year)s?\b|\bunder\s+(\d+)\b`)

// P6: the register belongs to the version that counts, and each number of its text stands
// among the version's figures, which the server compares with itself when it starts; what
// the register says of tables that a clause with a figure speaks of is that figure.
func TestTheTextsNumbersAreTheRegisters(t *testing.T) {
	r, v := loaded(t), current(t)
	if r.Version != v.Version {
		t.Errorf("the register is of version %s, the text of %s", r.Version, v.Version)
	}
	figures := map[string]bool{}
	for _, f := range v.Figures {
		figures[strconv.Itoa(f.Value)] = true
		for _, table := range r.Tables {
			if table.Retention.Clause != f.Clause || table.Retention.Clock == "" {
				continue
			}
			kept := time.Duration(max(table.Retention.Max, table.Retention.Guests))
			if kept != time.Duration(f.Value)*24*time.Hour {
				t.Errorf("table %s is kept for %v, but %s promises %q", table.Name, kept, f.Clause, f.Text)
			}
		}
	}
	for _, m := range promised.FindAllStringSubmatch(policyText(t), -1) {
		if n := m[1] + m[2]; !figures[n] {
			t.Errorf("%q is promised in policy.md and not among the figures of versions.json, which the server compares with itself", m[0])
		}
	}
}

// P31: what is kept in browsers is declared once, for the page, the server and the register.
func TestWhatIsKeptInBrowsersIsDeclared(t *testing.T) {
	r := loaded(t)
	i := slices.IndexFunc(r.Storage, func(s register.Storage) bool { return s.Name == "sid" })
	if i < 0 || r.Storage[i].Kind != "cookie" || !r.Storage[i].Host || !r.Storage[i].Necessary || r.Storage[i].Clause != "C-COLLECT-COOKIES" {
		t.Errorf("they are %+v", r.Storage)
	}
	for _, kind := range []string{register.RecipientInference, register.RecipientPayment, register.RecipientSignIn, register.RecipientMail} {
		if x, ok := r.Recipient(kind); !ok || x.Consent != (kind == register.RecipientInference) {
			t.Errorf("recipient %s: %+v, %v", kind, x, ok)
		}
	}
}
