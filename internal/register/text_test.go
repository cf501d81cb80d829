package register_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// unproven are promises that clauses cite and that no test names, and why. One that a test
// names has to go from here.
var unproven = map[string]string{
	"P78":  "an installation that is reached without encryption is not refused yet",
	"P88":  "there is no notice of incidents yet",
	"P94":  "there is no public list of recipients yet",
	"P97":  "there is no workflow of legal requests yet",
	"P99":  "no test lets years pass yet",
	"P111": "there are no exports yet",
	"P119": "the browser suite runs without a network; no test names it",
	"P126": "there are no notices of versions yet",
}

// P85: every behaviour by which a clause is kept has a test that names it.
func TestEveryPromiseHasAProof(t *testing.T) {
	raw, err := os.ReadFile("../../docs/PROOFS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range loaded(t).Clauses {
		for _, p := range c.Promises {
			proven := strings.Contains(string(raw), "\n| "+p+" |")
			switch _, known := unproven[p]; {
			case !proven && !known:
				t.Errorf("clause %s: no test names %s in its comment (docs/PROOFS.md)", c.ID, p)
			case proven && known:
				t.Errorf("clause %s: a test names %s by now: take it off the list of those without one", c.ID, p)
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
