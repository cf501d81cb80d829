// Package hist is a small log-linear histogram of durations: 64 buckets per power
// of two, so a reported quantile is within 1.6 % of the true one.
package hist

import (
	"math/bits"
	"time"
)

const sub = 64

// H counts durations. It is not safe for concurrent use: give each goroutine its
// own and Merge them. The zero value is ready.
type H struct {
	n, neg   uint64
	sum, max int64
	buckets  [58 * sub]uint32
}

// index is the bucket of a duration of v nanoseconds.
func index(v int64) int {
	if v < sub {
		return int(v)
	}
	e := bits.Len64(uint64(v)) - 7 // v>>e lies in [64,128)
	return (e+1)*sub + int(v>>e) - sub
}

// middle is the duration in the middle of a bucket.
func middle(i int) int64 {
	if i < sub {
		return int64(i)
	}
	e := i/sub - 1
	return (int64(i%sub)+sub)<<e + (int64(1)<<e)/2
}

// Add records one duration; one below zero (two clocks that disagree) counts as zero.
func (h *H) Add(d time.Duration) {
	v := int64(d)
	if v < 0 {
		h.neg++
		v = 0
	}
	h.n++
	h.sum += v
	h.max = max(h.max, v)
	h.buckets[index(v)]++
}

// Merge adds o's records to h.
func (h *H) Merge(o *H) {
	h.n += o.n
	h.neg += o.neg
	h.sum += o.sum
	h.max = max(h.max, o.max)
	for i, c := range o.buckets {
		h.buckets[i] += c
	}
}

// N is the number of records.
func (h *H) N() uint64 { return h.n }

// Negative is how many records were below zero.
func (h *H) Negative() uint64 { return h.neg }

// Max is the largest record, exactly.
func (h *H) Max() time.Duration { return time.Duration(h.max) }

// Mean is the arithmetic mean, 0 without records.
func (h *H) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / int64(h.n))
}

// Quantile is the q-quantile for 0 <= q <= 1, 0 without records.
func (h *H) Quantile(q float64) time.Duration {
	rank, seen := uint64(q*float64(h.n)), uint64(0)
	for i, c := range h.buckets {
		seen += uint64(c)
		if seen > rank {
			return min(time.Duration(middle(i)), h.Max())
		}
	}
	return h.Max()
}
