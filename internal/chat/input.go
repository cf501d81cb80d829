package chat

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

func onField(field string, err error, noun string) error {
	if list, ok := fault.Of(err); ok && len(list) == 1 && list[0].Field == nil {
		f := *list[0]
		f.Field = []string{field}
		return &f
	}
	if err != nil {
		return err
	}
	return fault.On(field, fault.NotFound, "there is no such %s", noun)
}

func checkClientID(l fault.List, s string) fault.List {
	if s == "" || utf8.RuneCountInString(s) > maxClientID || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return append(l, fault.On("clientId", fault.Invalid, "clientId must have 1 to %d characters: a fresh random one for every message", maxClientID))
	}
	return l
}

func checkText(l fault.List, s string) fault.List {
	switch {
	case len(s) > MaxTextBytes:
		return append(l, fault.On("text", fault.Invalid, "the text has %d bytes; at most %d (1 MiB) can be sent: shorten or split it", len(s), MaxTextBytes))
	case !utf8.ValidString(s):
		return append(l, fault.On("text", fault.Invalid, "the text is not valid UTF-8"))
	case strings.IndexFunc(s, visible) < 0:
		return append(l, fault.On("text", fault.Invalid, "the message is empty: write something"))
	}
	return l
}

// visible says whether a rune shows: neither space nor control nor format.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.In(r, unicode.C) && r != '\u2800' && r != '\u3164'
}

func hashOf(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// modelFor is the asked model, else that of the branch's last reply.
func modelFor(asked string, branch []models.Message) string {
	for i := len(branch) - 1; i >= 0 && asked == ""; i-- {
		asked = branch[i].ModelID
	}
	return asked
}
