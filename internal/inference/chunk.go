package inference

import (
	"strconv"
	"unicode/utf8"
)

// chunk is what one event of a stream says. All slices belong to the event's bytes or
// to the scanner's scratch and die with the next event.
type chunk struct {
	text, reasoning []byte // may hold broken UTF-8 and single surrogates
	finish, model   []byte // raw, "" when absent
	usage, problem  []byte // raw JSON values, nil when absent or null
	whole           bool   // the choice held a whole message instead of a delta
}

// scanner reads a chunk in one pass over its bytes, a few times faster than
// encoding/json and keeping bytes that are not UTF-8 as they are, so that a rune that
// the engine split between two chunks can be joined again. It knows only the fields
// that matter and steps over all others without looking inside.
type scanner struct {
	b       []byte
	i       int
	scratch []byte
}

// maxNesting is where a value is called garbage.
const maxNesting = 64

// scan reads b, which must be one whole JSON object.
func (s *scanner) scan(b []byte) (c chunk, ok bool) {
	s.b, s.i, s.scratch = b, 0, s.scratch[:0]
	ok = s.object(func(key []byte) bool {
		switch string(key) {
		case "choices":
			return s.choices(&c)
		case "usage":
			return s.raw(&c.usage)
		case "error":
			return s.raw(&c.problem)
		case "model":
			return s.text(&c.model)
		case "object":
			// Older vLLM sends a refusal as a bare object instead of "error".
			var kind []byte
			if ok := s.text(&kind); ok && string(kind) == "error" {
				c.problem = b
			}
			return true
		}
		return s.skip()
	})
	s.space()
	return c, ok && s.i == len(s.b)
}

// choices reads the first choice; we never ask for more.
func (s *scanner) choices(c *chunk) bool {
	if s.peek() != '[' {
		return s.skip()
	}
	first := true
	return s.array(func() bool {
		if !first || s.peek() != '{' {
			return s.skip()
		}
		first = false
		return s.object(func(key []byte) bool {
			switch string(key) {
			case "delta":
				return s.delta(c)
			case "message":
				c.whole = true
				return s.delta(c)
			case "finish_reason":
				return s.text(&c.finish)
			case "usage":
				return s.raw(&c.usage)
			}
			return s.skip()
		})
	})
}

// delta reads the text and the reasoning under either of its names.
func (s *scanner) delta(c *chunk) bool {
	if s.peek() != '{' {
		return s.skip()
	}
	return s.object(func(key []byte) bool {
		switch string(key) {
		case "content":
			return s.text(&c.text)
		case "reasoning_content":
			return s.text(&c.reasoning)
		case "reasoning":
			if len(c.reasoning) > 0 {
				return s.skip()
			}
			return s.text(&c.reasoning)
		}
		return s.skip()
	})
}

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
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from : s.i-1], escaped, true
		case c == '\\':
			escaped = true
			s.i += 2
		default:
			s.i++
		}
	}
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
