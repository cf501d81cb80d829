package graph

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// MaxElements is how many elements the lists of an answer may have together.
const MaxElements = 50_000

// room is what is left of an answer.
type room struct {
	elements atomic.Int64
	told     atomic.Bool // why there is none
}

type roomKey struct{}

// Bounded stops answers with more than MaxElements, and those that have taken too long, at
// the next list.
func Bounded(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	r := new(room)
	r.elements.Store(MaxElements)
	return next(context.WithValue(ctx, roomKey{}, r))
}

// hasRoom takes the elements of a list off what the answer may have. When there isn't room
// for them, or no time, the answer says so once.
func hasRoom(ctx context.Context, elements int) bool {
	r, bounded := ctx.Value(roomKey{}).(*room)
	if !bounded {
		return true
	}
	err := ctx.Err()
	if err == nil && r.elements.Add(-int64(elements)) < 0 {
		err = fault.New(fault.QueryTooCostly, "the answer would have more than %d elements in its lists: ask for less or in several requests", MaxElements)
	}
	if err != nil && r.told.CompareAndSwap(false, true) {
		graphql.AddError(ctx, err)
	}
	return err == nil
}
