package config

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// minSecret is the least length of a webhook's secret: with a shorter one, or none,
// anybody could sign that a payment was made.
const minSecret = 32

// checkPayments looks at the ways to pay: each is set in full or not at all.
func (c *Config) checkPayments(add func(name, format string, args ...any)) {
	checkPayment(add, [3]string{"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_URL"}, c.StripeSecretKey, c.StripeWebhookSecret, &c.StripeAPIURL,
		"sk_live_", "sk_test_", "rk_live_", "rk_test_")
	checkPayment(add, [3]string{"CREEM_API_KEY", "CREEM_WEBHOOK_SECRET", "CREEM_API_URL"}, c.CreemAPIKey, c.CreemWebhookSecret, &c.CreemAPIURL, "creem_")
}

func checkPayment(add func(name, format string, args ...any), names [3]string, key, secret string, address *string, prefixes ...string) {
	switch {
	case key == "" && secret != "":
		add(names[0], "is needed when %s is set", names[1])
	case key != "" && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }):
		add(names[0], "must begin with %s", strings.Join(prefixes, " or "))
	case !visible(key):
		add(names[0], "holds a character that no HTTP header may hold")
	}
	switch {
	case secret == "" && key != "":
		add(names[1], "is needed when %s is set: without it anybody could say that a payment was made", names[0])
	case secret != "" && utf8.RuneCountInString(secret) < minSecret:
		add(names[1], "must have %d characters or more", minSecret)
	case !visible(secret):
		add(names[1], "holds a blank or a control character")
	}
	if *address == "" {
		return
	}
	*address = strings.TrimRight(*address, "/")
	u, err := parseURL(*address, "http", "https")
	switch {
	case err != nil:
		add(names[2], "%v", err)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		add(names[2], "must hold no key and no query")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		add(names[2], "is http:// on %s: use https://, the key travels there", u.Hostname())
	}
}

// visible reports whether s holds visible ASCII characters only.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
