package vocabulary

import "unicode"

const (
	// longest is after how many bytes without a place to cut text is cut all the same.
	longest = 256
	// largest is about how many bytes the library is given at once.
	largest = 16 << 10
)

// Sum counts a text that comes in pieces.
type Sum struct {
	by     *Vocabulary
	tokens int64  // of what was cut off
	rest   string // what comes after the last cut
	ofRest int64  // what rest takes; -1 where it wasn't counted
	last   rune   // the last character, 0 at the beginning
}

// Sum begins to count a text. v is loaded.
func (v *Vocabulary) Sum() Sum { return Sum{by: v} }

// Add counts the next piece.
func (s *Sum) Add(text string) {
	if text == "" {
		return
	}
	text = s.rest + text
	from, cut := 0, 0 // what was counted, and the last cut
	for i, r := range text[len(s.rest):] {
		i += len(s.rest)
		switch {
		case apart(s.last, r):
			cut = i
			if cut-from >= largest {
				s.tokens += s.by.count(text[from:cut])
				from = cut
			}
		case i-cut >= longest:
			cut = i
			s.tokens += s.by.count(text[from:cut])
			from = cut
		}
		s.last = r
	}
	s.tokens += s.by.count(text[from:cut])
	s.rest, s.ofRest = text[cut:], -1
}

// Tokens is the sum so far.
func (s *Sum) Tokens() int64 {
	if s.rest == "" {
		return s.tokens
	}
	if s.ofRest < 0 {
		s.ofRest = s.by.count(s.rest)
	}
	return s.tokens + s.ofRest
}

// apart reports whether the vocabularies always cut between two characters that follow one
// another, whatever else there is: before white space that breaks no line, and after a
// letter that no letter, mark or apostrophe follows.
func apart(a, b rune) bool {
	switch {
	case a == 0:
		return false
	case b == ' ' || b == '\t':
		return !unicode.IsSpace(a)
	case !unicode.IsLetter(a):
		return false
	case b < 0x80:
		return b != '\'' && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z')
	}
	return !unicode.IsLetter(b) && !unicode.IsMark(b)
}
