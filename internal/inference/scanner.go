package inference

import (
	"strconv"
	"unicode/utf8"
)

// maxNesting is where a value is called garbage.
const maxNesting = 64

// object steps through the members of an object; each must read its value.
func (s *scanner) object(each func(key []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, _, ok := s.quoted()
		if !ok || !s.take(':') || !each(key) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// array steps through the elements of an array; each must read one.
func (s *scanner) array(each func() bool) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !each() {
			return false
		}
		if !s.take(',') {
			return s.take(']')
		}
	}
}

// text reads a string into into; an empty one, null and other kinds leave it alone.
func (s *scanner) text(into *[]byte) bool {
	if s.peek() != '"' {
		return s.skip()
	}
	b, escaped, ok := s.quoted()
	if !ok {
		return false
	}
	if escaped {
		b, ok = s.unescape(b)
	}
	if len(b) > 0 {
		*into = b
	}
	return ok
}

// raw reads any value but null as it stands.
func (s *scanner) raw(into *[]byte) bool {
	null := s.peek() == 'n'
	from := s.i
	if !s.skip() {
		return false
	}
	if !null {
		*into = s.b[from:s.i]
	}
	return true
}

// quoted reads a string and returns what stands between its quotes.
func (s *scanner) quoted() (b []byte, escaped, ok bool) {
	if !s.take('"') {
		return nil, false, false
	}
	from := s.i
	for i := from; i < len(s.b); i++ {
		switch s.b[i] {
		case '"':
			s.i = i + 1
			return s.b[from:i], escaped, true
		case '\\':
			escaped = true
			i++
		}
	}
	s.i = len(s.b)
	return nil, false, false
}

// skip steps over one value of any kind.
func (s *scanner) skip() bool {
	depth := 0
	for {
		switch s.peek() {
		case 0:
			return false
		case '"':
			if _, _, ok := s.quoted(); !ok {
				return false
			}
		case '{', '[':
			depth++
			s.i++
			if depth > maxNesting {
				return false
			}
		case '}', ']':
			depth--
			s.i++
		case ',', ':':
			if depth == 0 {
				return false
			}
			s.i++
		default:
			if !s.literal() {
				return false
			}
		}
		if depth < 0 {
			return false
		}
		if depth == 0 {
			return true
		}
	}
}

// literal steps over a number, true, false or null.
func (s *scanner) literal() bool {
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E' {
			s.i++
			continue
		}
		break
	}
	return s.i > from
}

// peek is the next byte after white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// take steps over c after white space, if it stands there.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// unescape resolves the escapes of b in the scratch. Surrogates are written in three
// bytes each: the cleaner joins the pairs, also those that come in two chunks.
func (s *scanner) unescape(b []byte) ([]byte, bool) {
	from := len(s.scratch)
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			s.scratch = append(s.scratch, b[i])
			continue
		}
		i++
		if i == len(b) {
			return nil, false
		}
		if b[i] == 'u' {
			if i+5 > len(b) {
				return nil, false
			}
			v, err := strconv.ParseUint(string(b[i+1:i+5]), 16, 16)
			if err != nil {
				return nil, false
			}
			s.scratch = appendUnit(s.scratch, rune(v))
			i += 4
			continue
		}
		c, ok := plainEscape(b[i])
		if !ok {
			return nil, false
		}
		s.scratch = append(s.scratch, c)
	}
	return s.scratch[from:len(s.scratch):len(s.scratch)], true
}

func plainEscape(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'n':
		return '\n', true
	case 't':
		return '\t', true
	case 'r':
		return '\r', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	}
	return 0, false
}

// appendUnit appends a UTF-16 unit: a rune as UTF-8, a surrogate in three bytes.
func appendUnit(dst []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(dst, r)
}
