package inference

import "strconv"

// chunk is what one event of a stream says. All slices belong to the event's bytes or
// to the scanner's scratch and die with the next event.
type chunk struct {
	text, reasoning []byte // may hold broken UTF-8 and single surrogates
	finish, model   []byte // raw, "" when absent
	usage, problem  []byte // raw JSON values, nil when absent or null
	calls           []piece
	whole           bool // the choice held a whole message instead of a delta
}

// piece is the next piece of a call. Its index is -1 when the engine gave none.
type piece struct {
	index          int
	id, name, args []byte
}

// scanner reads a chunk in one pass over its bytes, a few times faster than
// encoding/json and keeping bytes that are not UTF-8 as they are, so that a rune that
// the engine split between two chunks can be joined again. It knows only the fields
// that matter and steps over all others without looking inside.
type scanner struct {
	b       []byte
	i       int
	scratch []byte
	calls   []piece
}

// scan reads b, which must be one whole JSON object.
func (s *scanner) scan(b []byte) (c chunk, ok bool) {
	s.b, s.i, s.scratch, s.calls = b, 0, s.scratch[:0], s.calls[:0]
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
		case "tool_calls":
			return s.toolCalls(c)
		}
		return s.skip()
	})
}

// toolCalls reads the pieces of calls. Arguments that are an object instead of text count
// as they stand.
func (s *scanner) toolCalls(c *chunk) bool {
	if s.peek() != '[' {
		return s.skip()
	}
	ok := s.array(func() bool {
		if s.peek() != '{' {
			return s.skip()
		}
		p := piece{index: -1}
		ok := s.object(func(key []byte) bool {
			switch string(key) {
			case "index":
				return s.index(&p.index)
			case "id":
				return s.text(&p.id)
			case "function":
				return s.function(&p)
			}
			return s.skip()
		})
		s.calls = append(s.calls, p)
		return ok
	})
	c.calls = s.calls
	return ok
}

func (s *scanner) function(p *piece) bool {
	if s.peek() != '{' {
		return s.skip()
	}
	return s.object(func(key []byte) bool {
		switch string(key) {
		case "name":
			return s.text(&p.name)
		case "arguments":
			if s.peek() == '"' {
				return s.text(&p.args)
			}
			return s.raw(&p.args)
		}
		return s.skip()
	})
}

// index reads a small number; other values leave it alone.
func (s *scanner) index(into *int) bool {
	var raw []byte
	if !s.raw(&raw) {
		return false
	}
	if n, err := strconv.Atoi(string(raw)); err == nil && n >= 0 {
		*into = n
	}
	return true
}
