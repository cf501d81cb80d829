package rest

import (
	"crypto/sha256"
	"fmt"
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// completes answers requests for completions in the dialect of their route.
func (a *API) completes(route string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := a.call(w, r, route)
		defer c.over()
		if !c.counted() {
			return
		}
		question, run, err := c.begin()
		c.took(run.Limits, err != nil)
		if err != nil {
			if left(r.Context()) {
				c.gone()
				return
			}
			c.refuse(err)
			return
		}
		c.entry.ModelID, c.entry.Streamed = run.Model.ID, question.stream
		if run.Replayed {
			w.Header().Set("Idempotency-Replayed", "true")
		}
		if enc := c.d.encoder(question, run); question.stream {
			c.stream(run, enc)
		} else {
			c.whole(run, enc)
		}
	}
}

// begin reads the request and has it admitted.
func (c *call) begin() (asked, Run, error) {
	if err := allowed(c.viewer, models.ScopeChatWrite); err != nil {
		return asked{}, Run{}, err
	}
	body, err := c.body()
	if err != nil {
		return asked{}, Run{}, err
	}
	key, p := idempotencyKey(c.r)
	if p != nil {
		return asked{}, Run{}, p
	}
	question, err := c.d.read(body)
	if err != nil {
		return asked{}, Run{}, err
	}
	c.entry.Streamed = question.stream
	m, err := c.model(question)
	if err != nil {
		return asked{}, Run{}, err
	}
	c.entry.ModelID = m.ID
	r := completion.Request{ModelID: question.model, Prompt: question.prompt, IdempotencyKey: key, Route: c.entry.Route, Whole: !question.stream}
	if key != "" {
		whole := sha256.New()
		whole.Write([]byte(c.entry.Route + "\n"))
		whole.Write(body)
		whole.Sum(r.Fingerprint[:0])
	}
	run, err := c.Completions.Begin(c.r.Context(), c.viewer, r)
	return question, run, err
}

// model is the model that was asked for, if what was asked fits into it.
func (c *call) model(question asked) (inference.Model, error) {
	m, err := c.Models.Resolve(question.model)
	if err != nil {
		return m, err
	}
	if limit := question.prompt.MaxOutputTokens; m.ContextTokens > 0 && limit > m.ContextTokens {
		return m, invalid(question.limitParam, fmt.Sprintf("%s is %d, and the model %s reads and writes %d tokens in all", question.limitParam, limit, m.ID, m.ContextTokens))
	}
	return m, nil
}

// failed is why there is no whole answer. One that ended because the credits did, or
// because its client left, is whole as far as it goes, and was paid for; the reason is
// recorded. What failed under an idempotency key fails again when it is replayed.
func (c *call) failed(run Run, o completion.Outcome, err error) error {
	if err == nil {
		return nil
	}
	p := c.problemOf(c.r.Context(), err)
	if o.FinishReason != "" {
		c.entry.Code = string(p.fault)
		c.w.Header().Set("X-Error-Code", c.entry.Code)
		return nil
	}
	if run.Replayed {
		p.again = false
		return p
	}
	return err
}

// whole collects the answer and sends it in one piece.
func (c *call) whole(run Run, enc encoder) {
	var all collected
	ctx := c.r.Context()
	outcome, err := run.Stream(ctx, func(d inference.Delta) error {
		all.add(d)
		return nil
	})
	c.used(run, outcome)
	err = c.failed(run, outcome, err)
	switch {
	case left(ctx):
		c.gone()
	case err != nil:
		c.refuse(err)
	default:
		c.headers()
		c.deadline()
		sendJSON(c.w, http.StatusOK, enc.whole(make([]byte, 0, 640+all.text.Len()+all.reasoning.Len()), &all, outcome))
	}
}
