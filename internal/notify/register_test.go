package notify_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
)

// shown is what a mail shows of each fact when it shows it.
var shown = map[string]string{"name": "Ann Example", "email": "@example.org", "device": "Firefox Linux", "provider": "GitHub", "at": "31 January 2026", "balance": "49.999999", "threshold": "50 credits", "link": "token=abc",
	"version": "2026-03-01.1", "kinds": "account data", "subject": "A word to you", "text": "Something is new.", "unsubscribe": "unsubscribe/def", "check": "sweeps", "evidence": "A sweep is late.",
	"count": "731", "waiting": "743", "repaired": "757", "left": "769"}

// P4, P112: the register names every kind of mail, and exactly the facts that mails of the
// kind tell.
func TestMailsTellWhatIsRegistered(t *testing.T) {
	r, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	registered := map[models.LetterKind]register.Mail{}
	for _, m := range r.Mails {
		registered[models.LetterKind(m.Kind)] = m
	}
	s := drawing(t)
	for _, kind := range s.Kinds() {
		entry, ok := registered[kind]
		if !ok {
			t.Errorf("mails of the kind %s are not registered: say in mails of policy/register.yaml what they tell", kind)
			continue
		}
		delete(registered, kind)
		given := maps.Clone(facts)
		if kind != models.LetterNews { // whatever is sent with it tells it
			delete(given, "unsubscribe")
		}
		subject, text, _, err := s.Render("en", kind, given)
		if err != nil {
			t.Fatal(err)
		}
		var told, named []string
		for fact, words := range shown {
			if strings.Contains(subject+"\n"+text, words) {
				told = append(told, fact)
			}
		}
		for _, f := range entry.Facts {
			named = append(named, f.Name)
		}
		slices.Sort(told)
		slices.Sort(named)
		if !slices.Equal(told, named) {
			t.Errorf("%s: the mail tells %v, the register says %v", kind, told, named)
		}
	}
	if len(registered) > 0 {
		t.Errorf("there are no mails of the kinds %v: take them out of policy/register.yaml", slices.Sorted(maps.Keys(registered)))
	}
	if !maps.EqualFunc(shown, facts, func(string, string) bool { return true }) {
		t.Error("this test does not know what each fact looks like in a mail")
	}
}
