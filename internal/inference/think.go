package inference

import "strings"

// The marks in which models write their reasoning when the engine doesn't tell it apart.
const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
	blanks     = " \t\r\n"
)

// thinkState is where a reply stands.
type thinkState int

const (
	thinkMaybe  thinkState = iota // nothing but blanks, or the beginning of the opening mark
	thinkOpened                   // after the opening mark, before anything that shows
	thinkInside                   // reasoning
	thinkClosed                   // after the closing mark, before anything that shows
	thinkOver                     // text, to the end
)

// thinker tells reasoning that a model writes at the beginning of its text, between
// <think> and </think>, from its answer. Marks anywhere else are text: people ask for
// them. What it gives depends only on the text, never on how it was cut.
type thinker struct {
	state thinkState
	held  string
}

// split takes the next text; last gives out what was held back.
func (k *thinker) split(s string, last bool) (reasoning, text string) {
	if k.state == thinkOver {
		return "", s
	}
	s = k.held + s
	k.held = ""
	if k.state == thinkMaybe {
		if s = k.begin(s, last); k.state == thinkOver {
			return "", s
		}
	}
	if k.state == thinkOpened || k.state == thinkInside {
		reasoning, s = k.inside(s, last)
	}
	if k.state == thinkClosed {
		if s = strings.TrimLeft(s, blanks); s != "" {
			k.state = thinkOver
		}
		return reasoning, s
	}
	return reasoning, ""
}

// begin decides whether the reply begins with reasoning, and returns what comes next.
func (k *thinker) begin(s string, last bool) string {
	shown := strings.TrimLeft(s, blanks)
	switch rest, ok := strings.CutPrefix(shown, thinkOpen); {
	case ok:
		k.state = thinkOpened
		return rest
	case !last && strings.HasPrefix(thinkOpen, shown):
		k.held = s
		return ""
	}
	k.state = thinkOver
	return s
}

// inside is the reasoning in s, and what follows its end.
func (k *thinker) inside(s string, last bool) (reasoning, rest string) {
	if k.state == thinkOpened {
		if s = strings.TrimLeft(s, blanks); s == "" {
			return "", ""
		}
	}
	if reasoning, rest, ok := strings.Cut(s, thinkClose); ok {
		k.state = thinkClosed
		return reasoning, rest
	}
	keep := 0
	for n := min(len(s), len(thinkClose)-1); n > 0 && !last; n-- {
		if strings.HasSuffix(s, thinkClose[:n]) {
			keep = n
			break
		}
	}
	if k.held = s[len(s)-keep:]; keep < len(s) {
		k.state = thinkInside
	}
	return s[:len(s)-keep], ""
}

// over says that the engine tells reasoning apart itself; what was held is text.
func (k *thinker) over() (text string) {
	text, k.held, k.state = k.held, "", thinkOver
	return text
}
