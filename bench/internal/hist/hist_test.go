package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreWithinTwoPercent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var whole, left, right H
	var all []int64
	for i := range 200_000 {
		v := int64(rnd.ExpFloat64() * 1e6)
		all = append(all, v)
		whole.Add(time.Duration(v))
		if i%2 == 0 {
			left.Add(time.Duration(v))
		} else {
			right.Add(time.Duration(v))
		}
	}
	left.Merge(&right)
	if left != whole {
		t.Error("merged halves differ from the whole")
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		want, got := float64(all[int(q*float64(len(all)))]), float64(whole.Quantile(q))
		if got < want*0.98 || got > want*1.02 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if whole.Max() != time.Duration(all[len(all)-1]) || whole.Quantile(1) != whole.Max() {
		t.Error("the maximum is not exact")
	}
}

func TestEveryDurationHasItsBucket(t *testing.T) {
	var h H
	for i := range len(h.buckets) {
		if got := index(middle(i)); got != i {
			t.Fatalf("bucket %d leads to %d", i, got)
		}
	}
	h.Add(math.MaxInt64)
	h.Add(-1)
	if h.Negative() != 1 || h.N() != 2 {
		t.Error("extremes are miscounted")
	}
}

func TestEmptyIsZero(t *testing.T) {
	var h H
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Max() != 0 {
		t.Error("an empty histogram reports durations")
	}
}
