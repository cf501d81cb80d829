package demo

import (
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// step is one thing the demo does in a reply.
type step struct {
	reasoning, text string
	call            *openai.ToolCall
	raw             string        // bytes that are no event
	pause           time.Duration // beside the usual pace
	stall           bool          // say nothing until the client goes away
	cut             bool          // break the connection off
	fail            bool          // report an error inside the stream
}

// fault reports whether the step ends the reply.
func (s step) fault() bool { return s.stall || s.cut || s.fail }

// plan is a whole reply: its steps, its pace (0 for the usual one), or a refusal.
type plan struct {
	steps  []step
	pace   time.Duration
	status int
	html   bool
}

// say makes steps of a reply.
func say(reasoning, text string) []step {
	var steps []step
	for _, p := range pieces(reasoning) {
		steps = append(steps, step{reasoning: p})
	}
	for _, p := range pieces(text) {
		steps = append(steps, step{text: p})
	}
	return steps
}

// faultAfter is how many tokens come before a stall or a cut.
const faultAfter = 5

// maxSpoken is the most tokens that a directive may ask for.
const maxSpoken = 1_000_000

// garbage is what engines have been seen to send between events.
const garbage = "data: {\"choices\":[{\"delta\n\n: comment\nnonsense\n\xff\xfe\x00\ndata: \xe4\xbd\n\n"

// directive changes the plan as one line says:
//
//	/demo tokens 5000          exactly so many tokens
//	/demo slow 200ms           so long between tokens
//	/demo stall                a few tokens, then silence
//	/demo cut                  a few tokens, then the connection breaks
//	/demo fail                 a few tokens, then an error inside the stream
//	/demo garbage              broken events between the tokens
//	/demo refuse 429 [html]    no reply but this status, with a body of JSON or HTML
//	/demo script reason 3; text 20; pause 200ms; garbage; stall|cut|fail
//
// A line that is none of these changes nothing.
func (p *plan) directive(line string) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "tokens":
		if n, ok := number(rest); ok {
			p.steps = spoken(n, false)
		}
	case "slow":
		p.pace = duration(rest)
	case "stall", "cut", "fail", "garbage":
		p.insert(oneStep(verb))
	case "refuse":
		status, kind, _ := strings.Cut(rest, " ")
		if n, ok := number(status); ok && n >= 300 && n < 600 {
			p.status, p.html = n, strings.TrimSpace(kind) == "html"
		}
	case "script":
		p.steps = nil
		for part := range strings.SplitSeq(rest, ";") {
			p.steps = append(p.steps, scripted(part)...)
		}
	}
}

// insert puts a step after the first few tokens; nothing follows one that ends the
// reply, but it stays there for a reply that is continued.
func (p *plan) insert(s step) {
	at := min(faultAfter, len(p.steps))
	p.steps = append(p.steps[:at:at], append([]step{s}, p.steps[at:]...)...)
}

func scripted(part string) []step {
	verb, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
	n, _ := number(strings.TrimSpace(rest))
	switch verb {
	case "text":
		return spoken(n, false)
	case "reason":
		return spoken(n, true)
	case "pause":
		return []step{{pause: duration(rest)}}
	case "stall", "cut", "fail", "garbage":
		return []step{oneStep(verb)}
	}
	return nil
}

func oneStep(verb string) step {
	switch verb {
	case "stall":
		return step{stall: true}
	case "cut":
		return step{cut: true}
	case "fail":
		return step{fail: true}
	}
	return step{raw: garbage}
}

var words = strings.Fields("the quiet river carries small boats past old stone bridges while morning light moves over rooftops and somebody counts tokens")

// spoken is exactly n tokens of text or reasoning, always the same.
func spoken(n int, reasoning bool) []step {
	steps := make([]step, n)
	for i := range steps {
		token := words[i%len(words)] + " "
		if i%100 == 99 {
			token = words[i%len(words)] + ".\n\n"
		}
		if reasoning {
			steps[i].reasoning = token
		} else {
			steps[i].text = token
		}
	}
	return steps
}

func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= maxSpoken
}

// duration reads up to an hour, 0 when it is none.
func duration(s string) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil || d < 0 || d > time.Hour {
		return 0
	}
	return d
}

// directives takes the /demo lines out of a question.
func directives(question string) (lines []string, rest string) {
	var kept []string
	for line := range strings.SplitSeq(question, "\n") {
		if d, ok := strings.CutPrefix(strings.TrimSpace(line), "/demo "); ok {
			lines = append(lines, d)
			continue
		}
		kept = append(kept, line)
	}
	return lines, strings.Join(kept, "\n")
}

// after drops the steps whose text a reply already has, with whatever went wrong up to
// there; all steps stay when it has another text.
func after(steps []step, have string) []step {
	if have == "" {
		return steps
	}
	left := have
	for i, s := range steps {
		switch {
		case left == "" && s.fault():
			continue
		case left == "" && (s.text != "" || s.reasoning != ""):
			return steps[i:]
		case strings.HasPrefix(left, s.text):
			left = left[len(s.text):]
		case strings.HasPrefix(s.text, left):
			s.text = s.text[len(left):]
			return append([]step{s}, steps[i+1:]...)
		default:
			return steps
		}
	}
	return nil
}
