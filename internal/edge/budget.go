package edge

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Budget is how a caller's budget stands. The zero Budget tells nothing.
type Budget struct {
	Resource         string // what it counts, in lower case
	Limit, Remaining int64
	Reset            time.Duration // until it is whole again
	// Strict callers are programs: answers tell them the budget in X-RateLimit headers,
	// and a refusal comes with status 429.
	Strict bool
}

// purse is what documents are paid from. Without spend they cost nothing.
type purse struct {
	spend     func(ctx context.Context, cost int) (Budget, error)
	principal func(ctx context.Context) authz.Principal
}

// pay takes a cost off the caller's budget, or refuses.
func (p purse) pay(ctx context.Context, cost int) error {
	if p.spend == nil {
		return nil
	}
	b, refusal := p.spend(ctx, cost)
	note(ctx, b, refusal)
	return refusal
}

// least is what a request costs that is refused without a look at its cost: programs pay 1, so
// that they can't send such without end.
func (p purse) least(ctx context.Context) error {
	if p.spend == nil || p.principal(ctx).Kind != authz.APIKey {
		return nil
	}
	return p.pay(ctx, 1)
}

// unread pays for a request that is refused before there is a document.
func (p purse) unread(a *answer, r *http.Request) error {
	ctx, spent := withReceipt(r.Context())
	refusal := p.least(ctx)
	spent.tell(a.w.Header())
	if spent.over() {
		return refusal
	}
	return nil
}

// receipt is where the guard leaves for a transport what a document was charged.
type receipt struct {
	budget  Budget
	refused *fault.Fault
}

type receiptKey struct{}

// withReceipt lets the transport hear of the budget.
func withReceipt(ctx context.Context) (context.Context, *receipt) {
	r := new(receipt)
	return context.WithValue(ctx, receiptKey{}, r), r
}

func note(ctx context.Context, b Budget, err error) {
	r, ok := ctx.Value(receiptKey{}).(*receipt)
	if !ok {
		return
	}
	r.budget = b
	if list, isFault := fault.Of(err); isFault && len(list) > 0 && list[0].Code == fault.RateLimited {
		r.refused = list[0]
	}
}

// tell writes the budget into the headers of an answer, for programs.
func (r *receipt) tell(h http.Header) {
	if !r.budget.Strict {
		return
	}
	if r.budget.Limit > 0 {
		h.Set("X-RateLimit-Limit", strconv.FormatInt(r.budget.Limit, 10))
		h.Set("X-RateLimit-Remaining", strconv.FormatInt(r.budget.Remaining, 10))
		h.Set("X-RateLimit-Reset", wholeSeconds(r.budget.Reset))
		h.Set("X-RateLimit-Resource", r.budget.Resource)
	}
	if r.refused != nil {
		h.Set("Retry-After", wholeSeconds(max(r.refused.RetryAfter, 1)))
	}
}

// over reports whether the document was refused to a program for its budget.
func (r *receipt) over() bool { return r.budget.Strict && r.refused != nil }

func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}
