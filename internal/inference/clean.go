package inference

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// leaks are control tokens of Kimi K2's tool calls that engines are known to let
// through into text and reasoning, in both spellings. Only the marks themselves are
// taken out: what stands between them stays, so that nothing the model wrote is lost
// when a closing mark never comes.
var leaks = []string{
	"<|tool_calls_section_begin|>",
	"<|tool_calls_section_end|>",
	"<|tool_call_section_begin|>",
	"<|tool_call_section_end|>",
	"<|tool_call_argument_begin|>",
	"<|tool_call_begin|>",
	"<|tool_call_end|>",
}

// cleaner makes whole, valid text of pieces that may be cut anywhere: bytes that are
// not UTF-8 become U+FFFD, NUL and leaked control tokens disappear, runes and
// surrogate pairs that were split between pieces are joined. What it gives depends
// only on the bytes, never on how they were cut.
type cleaner struct {
	cut   []byte // the beginning of a rune whose rest has not come
	held  []byte // valid text that may be the beginning of a leaked token
	shown strands
}

// strands makes short texts out of one allocation for many. Each stays valid for ever, and
// keeps its neighbours in memory.
type strands struct{ b strings.Builder }

const strandBlock = 512

func (s *strands) of(b []byte) string {
	n := s.b.Len()
	if s.b.Cap()-n < len(b) {
		n = 0
		s.b.Reset()
		s.b.Grow(max(strandBlock, len(b)))
	}
	s.b.Write(b)
	return s.b.String()[n:]
}

// add takes the next piece and returns what can be shown of it now.
func (c *cleaner) add(b []byte) string {
	if len(c.cut) == 0 && len(c.held) == 0 && isPlain(b) {
		return c.shown.of(b)
	}
	if len(c.cut) > 0 {
		b = append(c.cut, b...)
	}
	text, rest := appendValid(c.held, b, false)
	c.cut = append([]byte(nil), rest...)
	shown, held := stripLeaks(text)
	c.held = append([]byte(nil), held...)
	return shown
}

// flush returns what was held back, when no more will come.
func (c *cleaner) flush() string {
	if len(c.cut) == 0 && len(c.held) == 0 {
		return ""
	}
	text, _ := appendValid(c.held, c.cut, true)
	shown, held := stripLeaks(text)
	c.cut, c.held = nil, nil
	return shown + string(held)
}

// isPlain reports whether nothing in b needs a look.
func isPlain(b []byte) bool {
	return bytes.IndexByte(b, '<') < 0 && bytes.IndexByte(b, 0) < 0 && utf8.Valid(b)
}

// appendValid appends b as valid text to dst. Unless last is set it stops before a
// rune that may be completed by bytes to come and returns that beginning.
func appendValid(dst, b []byte, last bool) (text, rest []byte) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			if !last && isCut(b) {
				return dst, b
			}
			r, size = surrogates(b)
		}
		if r != 0 {
			dst = utf8.AppendRune(dst, r)
		}
		b = b[size:]
	}
	return dst, nil
}

// isCut reports whether b is no rune yet but may become one, or a surrogate pair.
func isCut(b []byte) bool {
	if !utf8.FullRune(b) || len(b) == 2 && b[0] == 0xed && b[1]&0xe0 == 0xa0 {
		return true
	}
	high := b[0] == 0xed && b[1]&0xf0 == 0xa0
	if !high || len(b) >= 6 {
		return false
	}
	for i, c := range b[1:] {
		if i == 2 && c != 0xed || i == 3 && c&0xf0 != 0xb0 || i != 2 && c&0xc0 != 0x80 {
			return false
		}
	}
	return true
}

// surrogates reads b as surrogates in three bytes each, which is how a "\ud83d" of
// JSON that was split from its other half arrives: a pair is its rune, a single one
// and anything else U+FFFD.
func surrogates(b []byte) (r rune, size int) {
	first, ok := surrogate(b)
	if !ok {
		return utf8.RuneError, 1
	}
	if second, ok := surrogate(b[3:]); ok && first < 0xdc00 && second >= 0xdc00 {
		return 0x10000 + (first-0xd800)<<10 + (second - 0xdc00), 6
	}
	return utf8.RuneError, 3
}

func surrogate(b []byte) (rune, bool) {
	if len(b) < 3 || b[0] != 0xed || b[1]&0xe0 != 0xa0 || b[2]&0xc0 != 0x80 {
		return 0, false
	}
	return 0xd000 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f), true
}

// stripLeaks takes the leaked tokens out of text; held is an end of it that may be
// the beginning of one.
func stripLeaks(text []byte) (shown string, held []byte) {
	at := bytes.IndexByte(text, '<')
	if at < 0 {
		return string(text), nil
	}
	var out strings.Builder
	for at >= 0 {
		out.Write(text[:at])
		text = text[at:]
		leak, partial := leakAt(text)
		switch {
		case leak > 0:
			text = text[leak:]
		case partial:
			return out.String(), text
		default:
			out.WriteByte('<')
			text = text[1:]
		}
		at = bytes.IndexByte(text, '<')
	}
	out.Write(text)
	return out.String(), nil
}

// leakAt is the length of the leaked token that b begins with, 0 for none; partial
// means that b may be the beginning of one.
func leakAt(b []byte) (length int, partial bool) {
	for _, l := range leaks {
		if len(b) >= len(l) && string(b[:len(l)]) == l {
			return len(l), false
		}
		if len(b) < len(l) && l[:len(b)] == string(b) {
			partial = true
		}
	}
	return 0, partial
}
