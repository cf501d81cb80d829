package notify_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/models"
)

var kinds = []models.LetterKind{models.LetterEmailConfirm, models.LetterEmailChanged, models.LetterSignInNewDevice, models.LetterIdentityLinked, models.LetterIdentityUnlinked, models.LetterLowBalance,
	models.LetterPolicy, models.LetterNews, models.LetterIncident, models.LetterDisclosed, models.LetterContentOpened, models.LetterPromiseBroken,
	models.LetterPaymentQuarantined, models.LetterPaymentsDiffer, models.LetterPaymentsUncompared}

var facts = map[string]string{"name": "Ann Example", "email": "ann@example.org", "device": "Firefox Linux", "provider": "GITHUB", "at": "1769860800", "balance": "49.999999", "threshold": "50",
	"link": "https://kimi.example/auth/email?token=abc&x=1", "version": "2026-03-01.1", "kinds": "ACCOUNT", "subject": "A word to you", "text": "Something is new.",
	"unsubscribe": "https://kimi.example/unsubscribe/def", "check": "sweeps", "evidence": "A sweep is late.",
	"count": "731", "waiting": "743", "repaired": "757", "left": "769"}

// drawing is an outbox that only renders.
func drawing(t *testing.T) *notify.Service {
	t.Helper()
	s, err := notify.New(notify.Config{Brand: notify.Brand{Name: "Kimi K2", Home: "https://kimi.example/", Support: "help@kimi.example", Company: "Acme"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// P129: the support address is in every mail. With LETTERS=folder the mails are also
// written there, to be looked at.
func TestEveryMailIsCompleteInEveryLanguage(t *testing.T) {
	s := drawing(t)
	for _, language := range []string{"en", "zh"} {
		for _, kind := range kinds {
			subject, text, html, err := s.Render(language, kind, facts)
			if err != nil {
				t.Fatalf("%s %s: %v", language, kind, err)
			}
			if dir := os.Getenv("LETTERS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, language+"-"+string(kind)+".html"), []byte(html), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Log(subject + "\n\n" + text)
			}
			for name, part := range map[string]string{"text": text, "html": html} {
				for _, want := range []string{"help@kimi.example", "Kimi K2", "https://kimi.example"} {
					if !strings.Contains(part, want) {
						t.Errorf("%s %s: the %s lacks %q", language, kind, name, want)
					}
				}
				for _, bad := range []string{"<no value>", "{{", "ZgotmplZ", "%!"} {
					if strings.Contains(part, bad) {
						t.Errorf("%s %s: the %s holds %q", language, kind, name, bad)
					}
				}
			}
			if subject == "" || strings.ContainsAny(subject, "\r\n") || len(subject) > 200 {
				t.Errorf("%s %s: subject %q", language, kind, subject)
			}
			if !strings.Contains(html, `<html lang="`+language+`"`) {
				t.Errorf("%s %s: another language", language, kind)
			}
			if chinese := strings.ContainsRune(text, '您'); chinese != (language == "zh") {
				t.Errorf("%s %s: %s", language, kind, text)
			}
		}
	}
}

func TestFactsStandInTheMail(t *testing.T) {
	s := drawing(t)
	for _, c := range []struct {
		language string
		kind     models.LetterKind
		want     []string
		not      string
	}{
		{"en", models.LetterEmailConfirm, []string{"https://kimi.example/auth/email?token=abc&x=1", "ann@example.org"}, "Ann Example"}, // the address may be a stranger's
		{"en-GB", models.LetterEmailChanged, []string{"a•••@example.org", "31 January 2026, 12:00 UTC"}, "ann@"},
		{"zh_Hans-CN", models.LetterSignInNewDevice, []string{"Firefox Linux", "2026年1月31日 12:00 UTC", "https://kimi.example/settings/sessions"}, "<"},
		{"", models.LetterIdentityLinked, []string{"GitHub", "https://kimi.example/settings/identities"}, "GITHUB"},
		{"fr", models.LetterIdentityUnlinked, []string{"Hello \u2068Ann Example\u2069,", "write to help@kimi.example"}, "<"},
	} {
		_, text, _, err := s.Render(c.language, c.kind, facts)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s %s lacks %q:\n%s", c.language, c.kind, want, text)
			}
		}
		if strings.Contains(text, c.not) {
			t.Errorf("%s %s holds %q:\n%s", c.language, c.kind, c.not, text)
		}
	}
	if _, _, _, err := s.Render("en", models.LetterIdentityLinked, map[string]string{"provider": "OIDC"}); err != nil {
		t.Error(err)
	}
	if _, _, _, err := s.Render("en", "NONE", nil); err == nil {
		t.Error("a kind without a template was rendered")
	}
}

// Names are people's: any length, any script, and tricks.
func TestOddNamesStayNames(t *testing.T) {
	s := drawing(t)
	for name, want := range map[string]string{
		"محمد عبدالله":                                    "\u2068محمد عبدالله\u2069",
		"👩‍👩‍👧 Ann":                                       "\u2068👩‍👩‍👧 Ann\u2069",
		"\u202eevil\u2069\u2066 |x\r\nSubject: y\x00\x07": "\u2068evil x Subject: y\u2069",
		strings.Repeat("字", 10_000):                       "\u2068" + strings.Repeat("字", 120) + "…\u2069",
		"{{.Home}}":                                       "\u2068{{.Home}}\u2069",
		"\xff\xfe":                                        "Hello,",
		"":                                                "Hello,",
	} {
		f := maps.Clone(facts)
		f["name"], f["device"] = name, name
		_, text, _, err := s.Render("en", models.LetterSignInNewDevice, f)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%.40q: %v\n%.300s", name, err, text)
		}
	}
	f := maps.Clone(facts)
	f["name"], f["device"], f["link"] = `<script>alert(1)</script>`, `"><img src=x>`, `javascript:alert(1)`
	for _, kind := range kinds {
		_, _, html, err := s.Render("en", kind, f)
		if err != nil || strings.Contains(html, "<script") || strings.Contains(html, "<img") || strings.Contains(html, `href="javascript`) {
			t.Errorf("%s: %v\n%s", kind, err, html)
		}
	}
}
