package edge

import (
	"context"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
)

// costExtension is the key under which an answer says what it cost, and under which a
// request asks for that.
const costExtension = "cost"

// cost is what one operation costs, told with its first answer.
type cost struct {
	Requested int `json:"requested"`
	Limit     int `json:"limit"`

	told bool
}

// noteCost keeps the cost of an operation for whoever is told it: programs, and who asks with
// the request's `extensions: {"cost": true}`. Pages of our own don't pay for the bytes.
func (g *Guard) noteCost(ctx context.Context, p *graphql.RawParams, requested int) {
	if p.Extensions[costExtension] != true && g.principal(ctx).Kind != authz.APIKey || !graphql.HasOperationContext(ctx) {
		return
	}
	graphql.GetOperationContext(ctx).Stats.SetExtension(costExtension, &cost{Requested: requested, Limit: g.limits.Cost})
}

// InterceptResponse says `extensions.cost` in the first answer of an operation.
func (g *Guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil {
		return nil
	}
	if c := untold(graphql.GetOperationContext(ctx)); c != nil {
		if resp.Extensions == nil {
			resp.Extensions = map[string]any{}
		}
		resp.Extensions[costExtension] = c
	}
	return resp
}

// untold is the cost of an operation when it is to be told, once.
func untold(op *graphql.OperationContext) *cost {
	c, _ := op.Stats.GetExtension(costExtension).(*cost)
	if c == nil || c.told {
		return nil
	}
	c.told = true
	return c
}

// FirstExtensions are the `extensions` of the first answer to an operation that runs past
// the executor, as JSON; nil when there are none.
func FirstExtensions(op *graphql.OperationContext) []byte {
	c := untold(op)
	if c == nil {
		return nil
	}
	b, err := json.Marshal(map[string]*cost{costExtension: c})
	if err != nil { // numbers always marshal
		return nil
	}
	return b
}
