package account

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Bounds of what people are called and reached by.
const (
	maxName    = 200 // characters
	maxAddress = 254 // bytes, as SMTP has it
	maxLocal   = 64  // bytes
)

// address is an e-mail address as it was written and as it is compared: without
// regard to case, its domain in ASCII.
type address struct {
	text, key string
}

// parseAddress reads an address; ok is false for what no mail can be sent to. Quoted
// local parts and addresses with a name beside them are refused too.
func parseAddress(s string) (a address, ok bool) {
	text := norm.NFC.String(strings.TrimSpace(s))
	local, domain, found := strings.Cut(text, "@")
	if !found || len(text) > maxAddress || !utf8.ValidString(text) || !localPart(local) {
		return address{}, false
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" || strings.HasSuffix(ascii, ".") || len(local)+1+len(ascii) > maxAddress {
		return address{}, false
	}
	return address{text: text, key: norm.NFC.String(strings.ToLower(local)) + "@" + strings.ToLower(ascii)}, true
}

// deliverable reports whether the outbox takes mails to it: a domain with an empty label is
// none.
func (a address) deliverable() bool {
	parsed, err := mail.ParseAddress(a.text)
	return err == nil && parsed.Address == a.text
}

// localPart reports whether s may stand before the @: letters of any script, digits
// and the signs that need no quotes, with no dot at an end or beside another.
func localPart(s string) bool {
	if s == "" || len(s) > maxLocal {
		return false
	}
	if s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if r <= ' ' || r == 0x7f || strings.ContainsRune(`"(),:;<>@[\]`, r) {
				return false
			}
		case !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r):
			return false
		}
	}
	return true
}

// cleanName is a name without what cannot be shown: control characters, line breaks
// and marks that turn the direction of what stands beside them. Scripts of all
// directions and emoji stay.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(norm.NFC.String(s))
}

// cutName is a name of at most maxName characters.
func cutName(s string) string {
	if len(s) <= maxName {
		return s
	}
	n := 0
	for i := range s {
		if n == maxName {
			return strings.TrimSpace(s[:i])
		}
		n++
	}
	return s
}
