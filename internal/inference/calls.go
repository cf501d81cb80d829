package inference

import "fmt"

// maxCalls is how many calls one answer may hold; those beyond are dropped.
const maxCalls = 128

// maxEarly is how much is kept of arguments that come before the name of what is called.
const maxEarly = 64 << 10

// call is one call under way.
type call struct {
	index int // as the engine counts; -1 when it doesn't
	id    string
	name  string
	args  cleaner
	early string // arguments that came before the name
}

// caller joins the pieces of calls. What it gives depends only on the pieces, never on
// how they were read. Engines number their calls, or don't, repeat names and ids with
// each piece, or leave the ids out: clients get dense numbers, and each name and id once,
// with the first piece. Ids of our own count on from the calls that were made before.
type caller struct {
	calls  []*call
	before int
}

// add takes the pieces of one chunk and returns what can be given on.
func (c *caller) add(pieces []piece) (out []ToolCallDelta) {
	for _, p := range pieces {
		at := c.find(p)
		if at < 0 {
			continue
		}
		k := c.calls[at]
		d := ToolCallDelta{Index: at, Arguments: k.args.add(p.args)}
		if k.id == "" {
			k.id = label(p.id)
		}
		if k.name == "" {
			if k.name = label(p.name); k.name == "" {
				if len(k.early) < maxEarly {
					k.early += d.Arguments
				}
				continue
			}
			if k.id == "" {
				k.id = fmt.Sprintf("functions.%s:%d", k.name, c.before+at)
			}
			d.ID, d.Name, d.Arguments = k.id, k.name, k.early+d.Arguments
		}
		if d.Name != "" || d.Arguments != "" {
			out = append(out, d)
		}
	}
	return out
}

// find is which call a piece belongs to, or a new one; -1 when there are too many.
func (c *caller) find(p piece) int {
	last := len(c.calls) - 1
	for i := last; i >= 0 && p.index >= 0; i-- {
		if k := c.calls[i]; k.index == p.index {
			if isNext(k, p) {
				break
			}
			return i
		}
	}
	if p.index < 0 && last >= 0 && len(p.name) == 0 && len(p.id) == 0 {
		return last
	}
	if last+1 >= maxCalls {
		return -1
	}
	c.calls = append(c.calls, &call{index: p.index})
	return last + 1
}

// isNext reports whether a piece is another call than k although it has its number: some
// engines number all their calls 0.
func isNext(k *call, p piece) bool {
	return k.id != "" && len(p.id) > 0 && label(p.id) != k.id && len(p.name) > 0
}

// flush is what was held back, when no more will come.
func (c *caller) flush() (out []ToolCallDelta) {
	for i, k := range c.calls {
		if rest := k.args.flush(); rest != "" && k.name != "" {
			out = append(out, ToolCallDelta{Index: i, Arguments: rest})
		}
	}
	return out
}

// any reports whether a call was given on.
func (c *caller) any() bool {
	for _, k := range c.calls {
		if k.name != "" {
			return true
		}
	}
	return false
}

// sizeOf is how many bytes the pieces hold.
func sizeOf(calls []ToolCallDelta) (n int) {
	for _, c := range calls {
		n += len(c.ID) + len(c.Name) + len(c.Arguments)
	}
	return n
}

// join appends pieces to those before, where the last one is of the same call to it.
func join(held, more []ToolCallDelta) []ToolCallDelta {
	for _, d := range more {
		if n := len(held); n > 0 && held[n-1].Index == d.Index && d.Name == "" {
			held[n-1].Arguments += d.Arguments
			continue
		}
		held = append(held, d)
	}
	return held
}

// callsIn is how many calls a conversation holds: Kimi K2 counts them through.
func callsIn(messages []Message) (n int) {
	for _, m := range messages {
		n += len(m.ToolCalls)
	}
	return n
}

// meansCalls reports whether a finish reason says that calls were made.
func meansCalls(finish string) bool { return finish == "tool_calls" || finish == "function_call" }
