package completion

import (
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// mergeBelow is up to how many bytes pieces are joined: enough that an answer has few, and
// little enough that joining costs nothing.
const mergeBelow = 4 << 10

// answer is what was delivered, as it is kept to be delivered again: the pieces, and how
// it ended.
type answer struct {
	Pieces     []inference.Delta `json:"pieces"`
	Finish     string            `json:"finish,omitempty"`
	Usage      models.Usage      `json:"usage"`
	FirstToken time.Duration     `json:"first"`
	Took       time.Duration     `json:"took"`
	Fault      *fault.Fault      `json:"fault,omitempty"`
}

// add takes the next piece. Reasoning precedes text, and text calls, within a piece.
func (a *answer) add(d inference.Delta) {
	if n := len(a.Pieces); n > 0 {
		last := &a.Pieces[n-1]
		ordered := d.ToolCalls == nil && last.ToolCalls == nil && (last.Text == "" || d.Reasoning == "")
		if ordered && len(last.Text)+len(last.Reasoning) < mergeBelow {
			last.Text += d.Text
			last.Reasoning += d.Reasoning
			return
		}
	}
	a.Pieces = append(a.Pieces, d)
}

// end notes how it ended.
func (a *answer) end(out Outcome, ending error) {
	a.Finish, a.Usage, a.FirstToken, a.Took = out.FinishReason, out.Usage, out.FirstToken, out.Took
	if list, ok := fault.Of(ending); ok {
		a.Fault = list[0]
	}
}

// replay delivers it again. It costs nothing.
func (a *answer) replay(emit func(inference.Delta) error) (Outcome, error) {
	for _, d := range a.Pieces {
		if emit(d) != nil {
			return Outcome{}, errGone
		}
	}
	out := Outcome{FinishReason: a.Finish, Usage: a.Usage, FirstToken: a.FirstToken, Took: a.Took}
	if a.Fault != nil {
		return out, a.Fault
	}
	return out, nil
}
