package requestlog

import "context"

// WriteForTest writes rows as a batch, once.
func (s *Service) WriteForTest(ctx context.Context, rows []Entry) error { return s.write(ctx, rows) }

// What tests look at from the outside.
var (
	BucketOf = bucketOf
	Bounds   = bounds
)

// Recoded is a histogram of the values after it was written and read.
func Recoded(values []int) (n int, err error) {
	var h histogram
	for _, v := range values {
		h.add(v)
	}
	got, err := readHistogram(h.append(nil))
	for i := range h {
		if i >= len(got) || got[i] != h[i] {
			return -1, err
		}
		n += int(h[i].n)
	}
	return n, err
}

// Encoded is a histogram of values.
func Encoded(values []int) []byte {
	var h histogram
	for _, v := range values {
		h.add(v)
	}
	return h.append(nil)
}

// QuantileOf is what a tally says of values.
func QuantileOf(values []int, q float64) int {
	var t tally
	for _, v := range values {
		t.put(bar{uint32(bucketOf(v)), 1})
	}
	ms, _ := t.quantile(q)
	return ms
}

// SweepLock is the advisory lock of whoever sweeps.
const SweepLock = sweepLock

// SumLock is the advisory lock of a day that is written or summed up.
const SumLock = sumLock
