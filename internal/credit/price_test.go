package credit_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestCostIsTokensTimesPriceRoundedUp(t *testing.T) {
	k2 := models.Price{Input: 600_000, CachedInput: 150_000, Output: 2_500_000}
	const most = math.MaxInt64
	for name, tc := range map[string]struct {
		price models.Price
		usage models.Usage
		want  int64
	}{
		"nothing":                     {k2, models.Usage{}, 0},
		"one of each":                 {k2, models.Usage{PromptTokens: 2, CachedTokens: 1, OutputTokens: 1}, 4}, // 0.6 + 0.15 + 2.5
		"exact":                       {k2, models.Usage{PromptTokens: 10, OutputTokens: 2}, 11},
		"a millionth more":            {models.Price{Output: 1}, models.Usage{OutputTokens: 1_000_001}, 2},
		"the least":                   {models.Price{Output: 1}, models.Usage{OutputTokens: 1}, 1},
		"free":                        {models.Price{}, models.Usage{PromptTokens: most, OutputTokens: most}, 0},
		"all cached":                  {k2, models.Usage{PromptTokens: 1000, CachedTokens: 1000}, 150},
		"more cached than read":       {k2, models.Usage{PromptTokens: 1000, CachedTokens: most}, 150},
		"negative counts":             {k2, models.Usage{PromptTokens: -1, CachedTokens: -2, OutputTokens: math.MinInt64}, 0},
		"negative prices":             {models.Price{Input: -1, CachedInput: math.MinInt64, Output: -3}, models.Usage{PromptTokens: 9, CachedTokens: 5, OutputTokens: 9}, 0},
		"the largest that fits":       {models.Price{Output: 1_000_000}, models.Usage{OutputTokens: most}, most},
		"more than fits":              {models.Price{Output: 1_000_001}, models.Usage{OutputTokens: most}, most},
		"far more than fits":          {models.Price{Input: most, CachedInput: most, Output: most}, models.Usage{PromptTokens: most, CachedTokens: most / 2, OutputTokens: most}, most},
		"beyond 64 bits on the way":   {models.Price{Output: 1 << 40}, models.Usage{OutputTokens: 1 << 40}, 1208925819614629175},
		"reasoning is part of output": {k2, models.Usage{OutputTokens: 10, ReasoningTokens: 10}, 25},
	} {
		if got := credit.Cost(tc.price, tc.usage); got != tc.want {
			t.Errorf("%s costs %d, want %d", name, got, tc.want)
		}
	}
}

// counts draws numbers of tokens, prices and holds, the extreme ones often.
func counts() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 5_000_000), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, 999_999, 1_000_000, 1_000_001, math.MaxInt64 - 1, math.MaxInt64}))
}

// expected is the published rule in numbers without bounds.
func expected(held int64, p models.Price, u models.Usage) int64 {
	atLeast := func(n int64) *big.Int { return big.NewInt(max(n, 0)) }
	prompt, cached := atLeast(u.PromptTokens), atLeast(u.CachedTokens)
	if cached.Cmp(prompt) > 0 {
		cached = prompt
	}
	sum := new(big.Int).Mul(new(big.Int).Sub(prompt, cached), atLeast(p.Input))
	sum.Add(sum, new(big.Int).Mul(cached, atLeast(p.CachedInput)))
	sum.Add(sum, new(big.Int).Mul(atLeast(u.OutputTokens), atLeast(p.Output)))
	sum.Div(sum.Add(sum, big.NewInt(999_999)), big.NewInt(1_000_000))
	if most := atLeast(held); sum.Cmp(most) > 0 {
		sum = most
	}
	if u.OutputTokens <= 0 {
		return 0
	}
	return sum.Int64()
}

// T27, L10: no numbers of anybody overflow into a wrong charge.
func TestChargesAreExactForExtremeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := models.Price{Input: counts().Draw(t, "input"), CachedInput: counts().Draw(t, "cachedInput"), Output: counts().Draw(t, "output")}
		u := models.Usage{PromptTokens: counts().Draw(t, "prompt"), CachedTokens: counts().Draw(t, "cached"), OutputTokens: counts().Draw(t, "written")}
		held := counts().Draw(t, "held")
		if got, want := credit.ChargeOf(held, p, u), expected(held, p, u); got != want {
			t.Fatalf("ChargeOf says %d, want %d", got, want)
		}
		if got, want := credit.Cost(p, u), expected(math.MaxInt64, p, u); u.OutputTokens > 0 && got != want {
			t.Fatalf("Cost says %d, want %d", got, want)
		}
	})
}

// The database's arithmetic is the published one, for extreme numbers too.
func TestTheDatabaseChargesByTheSameRule(t *testing.T) {
	r := newRoom(t)
	p := r.person(math.MaxInt64)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		if n > 300 {
			return
		}
		legal := func(name string) int64 { return max(counts().Draw(t, name), 0) }
		price := models.Price{Input: legal("input"), CachedInput: legal("cachedInput"), Output: legal("output")}
		u := models.Usage{PromptTokens: counts().Draw(t, "prompt"), CachedTokens: counts().Draw(t, "cached"), OutputTokens: counts().Draw(t, "written")}
		held := legal("held")
		args, err := credit.ColumnsForTest(models.Settlement{OwnerID: p.OwnerID, HoldID: "hld_1", Ref: "r", Usage: u})
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		err = r.db.Pool().QueryRow(r.t.Context(), credit.ChargeSQL, append(args, held, price.Input, price.CachedInput, price.Output)...).Scan(&got)
		if err != nil {
			t.Fatal(err)
		}
		if want := expected(held, price, u); got != want {
			t.Fatalf("the database charges %d, want %d", got, want)
		}
	})
}
