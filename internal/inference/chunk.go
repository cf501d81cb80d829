package inference

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
