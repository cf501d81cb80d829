package credit

import (
	"math"
	"math/bits"

	"github.com/kimi-k2/kimi-k2/models"
)

// perTokens is how many tokens a price is for.
const perTokens = 1_000_000

// Cost is what the usage costs at the price, in micro-credits: exact in 128 bits, rounded
// up, and never more than an int64 holds. Negative counts and prices count as nothing, and
// more cached tokens than were read count as all of them. settledSQL computes the same.
func Cost(p models.Price, u models.Usage) int64 {
	u = plausible(u)
	var sum uint128
	sum.addProduct(u.PromptTokens-u.CachedTokens, p.Input)
	sum.addProduct(u.CachedTokens, p.CachedInput)
	sum.addProduct(u.OutputTokens, p.Output)
	return sum.perMillion()
}

// ChargeOf is what is charged for the usage of a hold: its cost, at most what is held, and
// nothing when nothing was written.
func ChargeOf(held int64, p models.Price, u models.Usage) int64 {
	if u.OutputTokens <= 0 {
		return 0
	}
	return min(max(held, 0), Cost(p, u))
}

// plausible clamps counts to what a usage row takes.
func plausible(u models.Usage) models.Usage {
	u.PromptTokens, u.OutputTokens = max(u.PromptTokens, 0), max(u.OutputTokens, 0)
	u.CachedTokens = min(max(u.CachedTokens, 0), u.PromptTokens)
	u.ReasoningTokens = min(max(u.ReasoningTokens, 0), u.OutputTokens)
	return u
}

// uint128 holds the sum of three products of two int64: less than 2^128.
type uint128 struct{ hi, lo uint64 }

func (s *uint128) addProduct(a, b int64) {
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(b, 0)))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

// perMillion divides by perTokens, rounding up, and stops at the largest int64.
func (s uint128) perMillion() int64 {
	lo, carry := bits.Add64(s.lo, perTokens-1, 0)
	hi, _ := bits.Add64(s.hi, 0, carry)
	if hi >= perTokens {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, perTokens)
	return int64(min(q, math.MaxInt64))
}
