package inference

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/inference/wire"
)

// How a stream may end badly. Whatever came before stays valid.
var (
	errLineTooLong = errors.New("a line of the stream is longer than allowed")
	errCut         = errors.New("the stream ended before its end")
)

// engineError is a refusal that the engine sent inside the stream.
type engineError struct{ raw []byte }

// Error names the kind only: the text is foreign and cleaned elsewhere.
func (engineError) Error() string { return "the engine reported an error in the stream" }

// parser turns an event stream into deltas. It forgives what real engines do: lines
// that are no events, comments, CRLF, events over several data lines, a missing blank
// line, a missing [DONE] after a finish reason, whole messages instead of deltas. It
// holds at most maxLine bytes of a line and gives at most maxOutput bytes of text and
// reasoning together.
type parser struct {
	src                io.Reader
	maxLine, maxOutput int

	begun     bool   // the first line was read
	long      []byte // a line whose end has not come
	pending   []byte // data lines that are no chunk by themselves
	scan      scanner
	text      cleaner
	reasoning cleaner
	think     thinker
	calls     caller

	held    Delta // read and not yet given on
	waiting bool  // a chunk was read and on not yet called for it
	output  int   // bytes given out
	seen    bool
	done    bool
	capped  bool
	events  int // chunks that could be read
	garbage int // events that could not be read
	finish  string
	model   string
	usage   []byte
}

const readBuffer = 4096

func newParser(r io.Reader, maxLine, maxOutput int) *parser {
	return &parser{src: r, maxLine: maxLine, maxOutput: maxOutput}
}

// errEnough ends reading: the answer is whole, or too long.
var errEnough = errors.New("enough was read")

// run reads to the end of the answer and calls on for what has come, at once: chunks that
// arrived together make one delta, which is empty when they hold nothing to show. It
// returns nil when the answer is whole, and after the output cap.
func (p *parser) run(on func(Delta)) error {
	err := p.receive(func(b []byte) error {
		if b == nil {
			p.release(on)
			return nil
		}
		return p.take(b, on)
	})
	switch {
	case err == nil:
		err = p.end(on)
	case errors.Is(err, errEnough):
		err = nil
	}
	p.release(on)
	if !p.capped {
		if d := p.flush(); !d.IsEmpty() {
			on(p.limit(d))
		}
	}
	return err
}

// receive calls use with what arrives, and with nil when that is all for now; it returns
// nil at the end.
func (p *parser) receive(use func(b []byte) error) error {
	if s, ok := p.src.(wire.Pumper); ok {
		return s.Pump(use) //nolint:wrapcheck // judged by the caller
	}
	buf := make([]byte, readBuffer)
	for {
		n, err := p.src.Read(buf)
		if n > 0 {
			if err := use(buf[:n]); err != nil {
				return err
			}
			if err := use(nil); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err //nolint:wrapcheck // judged by the caller
		}
	}
}

// flush is what was held back, when no more will come.
func (p *parser) flush() Delta {
	reasoning := p.reasoning.flush()
	more, text := p.think.split(p.text.flush(), true)
	return Delta{Reasoning: reasoning + more, Text: text, ToolCalls: p.calls.flush()}
}

// take feeds the lines that b ends and keeps the beginning of the next.
func (p *parser) take(b []byte, on func(Delta)) error {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return p.keep(b)
		}
		line := b[:i]
		b = b[i+1:]
		if len(p.long) > 0 {
			if err := p.keep(line); err != nil {
				return err
			}
			line = p.long
		}
		err := p.feed(p.trimmed(line), on)
		p.long = p.long[:0]
		switch {
		case err != nil:
			return err
		case p.done || p.capped:
			return errEnough
		}
	}
	return nil
}

// keep adds to a line whose end has not come. Of a line that is no data the rest beyond
// maxLine is dropped.
func (p *parser) keep(b []byte) error {
	if len(p.long)+len(b) <= p.maxLine {
		p.long = append(p.long, b...)
		return nil
	}
	if p.long = append(p.long, b[:p.maxLine-len(p.long)]...); carriesData(p.long) {
		return errLineTooLong
	}
	return nil
}

// trimmed is the line without CR, and without the mark that may begin the first.
func (p *parser) trimmed(line []byte) []byte {
	if !p.begun {
		p.begun = true
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return bytes.TrimSuffix(line, []byte("\r"))
}

// hold keeps a delta until release; text before reasoning is given on first, because one
// delta's reasoning precedes its text, and so are calls before either.
func (p *parser) hold(d Delta, on func(Delta)) {
	if p.held.Text != "" && d.Reasoning != "" || len(p.held.ToolCalls) > 0 && d.Text+d.Reasoning != "" {
		p.release(on)
	}
	p.held.ToolCalls = join(p.held.ToolCalls, d.ToolCalls)
	p.held.Reasoning += d.Reasoning
	p.held.Text += d.Text
	p.waiting = true
}

// release gives on what is held.
func (p *parser) release(on func(Delta)) {
	if p.waiting {
		d := p.held
		p.held, p.waiting = Delta{}, false
		on(d)
	}
}

// end judges an answer whose connection ended without [DONE].
func (p *parser) end(on func(Delta)) error {
	if len(p.long) > 0 {
		err := p.feed(p.trimmed(p.long), on)
		p.long = p.long[:0]
		if err != nil || p.done || p.capped {
			return err
		}
	}
	if err := p.blank(on); err != nil {
		return err
	}
	if p.finish == "" {
		return errCut
	}
	return nil
}

func carriesData(line []byte) bool {
	return bytes.HasPrefix(line, []byte("data:")) || bytes.HasPrefix(line, []byte("{"))
}

// feed takes one line of the stream.
func (p *parser) feed(line []byte, on func(Delta)) error {
	if len(line) == 0 {
		return p.blank(on)
	}
	if line[0] == '{' {
		return p.bare(line)
	}
	data, ok := bytes.CutPrefix(line, []byte("data:"))
	if !ok {
		return nil
	}
	data = bytes.TrimSpace(data)
	if string(data) == "[DONE]" {
		p.done = true
		return nil
	}
	if c, ok := p.scan.scan(data); ok {
		p.drop()
		return p.apply(c, on)
	}
	if len(p.pending)+len(data) >= p.maxLine {
		return errLineTooLong
	}
	p.pending = append(append(p.pending, data...), '\n')
	return nil
}

// blank ends an event: data lines that were no chunk one by one may be one together.
func (p *parser) blank(on func(Delta)) error {
	if len(p.pending) == 0 {
		return nil
	}
	c, ok := p.scan.scan(p.pending)
	if !ok {
		p.drop()
		return nil
	}
	err := p.apply(c, on)
	p.pending = p.pending[:0]
	return err
}

// drop gives up lines that did not become an event.
func (p *parser) drop() {
	if len(p.pending) > 0 {
		p.garbage++
		p.pending = p.pending[:0]
	}
}

// bare reads a JSON object outside any event: some engines report errors so.
func (p *parser) bare(line []byte) error {
	if c, ok := p.scan.scan(line); ok && c.problem != nil {
		return engineError{raw: bytes.Clone(c.problem)}
	}
	p.garbage++
	return nil
}

// apply gives out what a chunk holds.
func (p *parser) apply(c chunk, on func(Delta)) error {
	if c.problem != nil {
		return engineError{raw: bytes.Clone(c.problem)}
	}
	p.events++
	if c.usage != nil {
		p.usage = append(p.usage[:0], c.usage...)
	}
	if p.model == "" && len(c.model) > 0 {
		p.model = label(c.model)
	}
	if len(c.finish) > 0 {
		p.finish = finishReason(c.finish)
	}
	if c.whole && p.seen {
		// The repetition of all that came before, which some engines send last.
		c.text, c.reasoning, c.calls = nil, nil, nil
	}
	var d Delta
	if len(c.reasoning) > 0 {
		d.Reasoning = p.reasoning.add(c.reasoning)
		p.hold(p.limit(Delta{Text: p.think.over()}), on)
	}
	if len(c.text) > 0 {
		d.Reasoning += p.reasoning.flush()
		more, text := p.think.split(p.text.add(c.text), false)
		d.Reasoning, d.Text = d.Reasoning+more, text
	}
	if len(c.calls) > 0 {
		d.ToolCalls = p.calls.add(c.calls)
	}
	p.seen = p.seen || len(c.text)+len(c.reasoning)+len(c.calls) > 0
	p.hold(p.limit(d), on)
	return nil
}

// limit keeps the output within its cap, cut between runes.
func (p *parser) limit(d Delta) Delta {
	p.output += len(d.Reasoning) + len(d.Text) + sizeOf(d.ToolCalls)
	over := p.output - p.maxOutput
	if over <= 0 {
		return d
	}
	p.capped, p.finish = true, "length"
	over = max(over-sizeOf(d.ToolCalls), 0)
	d.ToolCalls = nil // half a call is worth nothing
	fromText := min(over, len(d.Text))
	d.Text = cutBytes(d.Text, len(d.Text)-fromText)
	d.Reasoning = cutBytes(d.Reasoning, len(d.Reasoning)-(over-fromText))
	return d
}

// result is what the stream said about itself.
func (p *parser) result() Result {
	r := Result{FinishReason: p.finish, EngineModel: p.model}
	r.Usage, r.Absurd = parseUsage(p.usage)
	if r.FinishReason == "" && p.done {
		r.FinishReason = "stop"
	}
	if r.FinishReason == "stop" && p.calls.any() {
		r.FinishReason = "tool_calls" // Ollama and others don't say so
	}
	return r
}

// cutBytes is at most n bytes of s in whole runes.
func cutBytes(s string, n int) string {
	if n >= len(s) {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// finishReason is the engine's word in lower case, without a copy for the usual ones.
func finishReason(b []byte) string {
	switch string(b) {
	case "stop":
		return "stop"
	case "length":
		return "length"
	case "tool_calls":
		return "tool_calls"
	}
	return label(bytes.ToLower(b))
}

// label makes a short, printable name of foreign bytes.
func label(b []byte) string {
	out := make([]rune, 0, min(len(b), maxLabel))
	for _, r := range string(b) {
		if len(out) == maxLabel {
			break
		}
		if r > ' ' && r != 0x7f && r != utf8.RuneError {
			out = append(out, r)
		}
	}
	return string(out)
}

// maxLabel leaves room for an id that holds the longest name of a tool, 128 characters.
const maxLabel = 200
