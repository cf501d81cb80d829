package notify

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/kimi-k2/kimi-k2/models"
)

// How much of a fact, and of a text of the operator's, a mail shows, in characters.
const (
	maxFact = 120
	maxText = 10_000
)

// words is what the templates may name. What people chose is cleaned and fenced.
type words struct {
	Brand, Home, Support     string
	Name, Email, MaskedEmail string
	Device, Provider, At     string
	Balance, Threshold       string // amounts of credits
	Check, Evidence          string // of the privacy policy
	Version, Date            string // of the policy, and from when on it counts
	Subject, Text            string // of the operator's own
	Unsubscribe              string // the address that ends mails of this kind
	Kinds                    string // of data
	Count, Waiting           string // of payments, or comparisons
	Repaired, Left           string // differences
	Write                    string // the sentence part that says where to write to
}

// wordsOf reads a letter's facts:
//
//	name      the person's name
//	email     an address the letter is about
//	device    browser and system
//	provider  a models.Provider, or a models.PaymentProvider
//	at        when it happened: seconds since 1970, or RFC 3339
//	balance   an amount of credits, as is threshold
//	check     the name of a check of the privacy policy, and
//	evidence  what it found
//	version   a version of the policy
//	kinds     kinds of data, in the mail's language
//	subject   of a notice, as is text
//	count     how many payments, or comparisons; waiting: how many wait in all
//	repaired  how many differences were put right, and
//	left      how many were not
//	link      where the button leads, when the kind has no page of its own
func wordsOf(b Brand, facts map[string]string, layout, day string) words {
	return words{
		Brand: clean(b.Name), Home: b.Home, Support: clean(b.Support),
		Name: fence(facts["name"]), Email: clean(facts["email"]), MaskedEmail: mask(clean(facts["email"])),
		Device: fence(facts["device"]), Provider: providerName(b, facts["provider"]), At: timeOf(facts["at"], layout),
		Balance: clean(facts["balance"]), Threshold: clean(facts["threshold"]),
		Check: clean(facts["check"]), Evidence: clean(facts["evidence"]),
		Version: clean(facts["version"]), Date: timeOf(facts["at"], day), Kinds: clean(facts["kinds"]),
		Subject: clean(facts["subject"]), Text: cleanText(facts["text"]), Unsubscribe: facts["unsubscribe"],
		Count: clean(facts["count"]), Waiting: clean(facts["waiting"]), Repaired: clean(facts["repaired"]), Left: clean(facts["left"]),
	}
}

// fence keeps the writing direction of what people chose to itself: between the marks
// FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE.
func fence(s string) string {
	if s = clean(s); s == "" {
		return ""
	}
	return "\u2068" + s + "\u2069"
}

// clean makes one short line: without control characters, marks that turn the writing
// direction, and the characters that part the fields of a table.
func clean(s string) string { return cut(s, maxFact) }

func cut(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "") {
		switch {
		case n == most:
			b.WriteRune('…')
			return strings.TrimSpace(b.String())
		case r == 0x200e || r == 0x200f || r == 0x061c || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0xfeff:
			continue
		case unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r == '|':
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// cleanText is clean for several lines: their ends stay.
func cleanText(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, cut(line, maxText))
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// mask shows enough of an address to recognise one's own.
func mask(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return ""
	}
	first := []rune(address[:at])[0]
	return string(first) + "•••" + address[at:]
}

func providerName(b Brand, provider string) string {
	switch models.Provider(provider) {
	case models.ProviderGoogle:
		return "Google"
	case models.ProviderGitHub:
		return "GitHub"
	case models.ProviderOIDC:
		if b.Company != "" {
			return clean(b.Company)
		}
		return "OpenID Connect"
	}
	switch models.PaymentProvider(provider) {
	case models.PaymentStripe:
		return "Stripe"
	case models.PaymentCreem:
		return "Creem"
	}
	return clean(provider)
}

// timeOf writes a time down in a language's layout; nothing when it can't be read.
func timeOf(fact, layout string) string {
	if seconds, err := strconv.ParseInt(fact, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC().Format(layout)
	}
	if t, err := time.Parse(time.RFC3339, fact); err == nil {
		return t.UTC().Format(layout)
	}
	return ""
}
