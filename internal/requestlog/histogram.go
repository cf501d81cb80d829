package requestlog

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"sort"
)

// fine is how many buckets there are between a number of milliseconds and twice as many:
// each is 1/64 of its lower bound wide, 1.6 %. Below 128 ms a bucket is one millisecond.
const fine = 64

// bucketOf is the bucket of a number of milliseconds.
func bucketOf(ms int) int {
	ms = min(max(ms, 0), math.MaxInt32)
	if ms < 2*fine {
		return ms
	}
	e := bits.Len32(uint32(ms)) - bits.Len32(2*fine-1)
	return e*fine + ms>>e
}

// bounds are the smallest and the largest number of milliseconds of a bucket.
func bounds(bucket int) (low, high int) {
	if bucket < 2*fine {
		return bucket, bucket
	}
	e := bucket/fine - 1
	low = (bucket - e*fine) << e
	return low, low + 1<<e - 1
}

// bar is how many values a bucket has.
type bar struct{ bucket, n uint32 }

// histogram is the bars of buckets that have values, by bucket.
type histogram []bar

// add counts a value.
func (h *histogram) add(ms int) { h.put(bar{uint32(bucketOf(ms)), 1}) } //nolint:gosec // a bucket is small

func (h *histogram) put(b bar) {
	i := sort.Search(len(*h), func(i int) bool { return (*h)[i].bucket >= b.bucket })
	if i < len(*h) && (*h)[i].bucket == b.bucket {
		(*h)[i].n += b.n
		return
	}
	*h = slices.Insert(*h, i, b)
}

// merge adds another one.
func (h *histogram) merge(o histogram) {
	for _, b := range o {
		h.put(b)
	}
}

// append encodes it: for each bar the distance to the last bucket and the count.
func (h histogram) append(dst []byte) []byte {
	last := uint32(0)
	for _, b := range h {
		dst = binary.AppendUvarint(dst, uint64(b.bucket-last))
		dst = binary.AppendUvarint(dst, uint64(b.n))
		last = b.bucket
	}
	return dst
}

var errEncoding = errors.New("a histogram of the request logs can't be read")

// readHistogram decodes one.
func readHistogram(src []byte) (histogram, error) { return histogram(nil).read(src) }

// read appends the bars of an encoded histogram. Most are two bytes.
func (h histogram) read(src []byte) (histogram, error) {
	h = slices.Grow(h, len(src)/2)
	bucket := uint64(0)
	for len(src) > 1 {
		step, n := uint64(src[0]), uint64(src[1])
		if step|n < 0x80 {
			src = src[2:]
		} else {
			var k, l int
			step, k = binary.Uvarint(src)
			n, l = binary.Uvarint(src[max(k, 0):])
			if k <= 0 || l <= 0 || step > math.MaxUint16 || n > math.MaxUint32 {
				return h, errEncoding
			}
			src = src[k+l:]
		}
		if bucket += step; bucket > math.MaxUint16 {
			return h, errEncoding
		}
		h = append(h, bar{uint32(bucket), uint32(n)}) //nolint:gosec // both are bounded
	}
	if len(src) > 0 {
		return h, errEncoding
	}
	return h, nil
}

// bars are the histograms of a sum, in memory that is used for the next ones again.
type bars struct{ first, took histogram }

// read decodes them.
func (b *bars) read(first, took []byte) (err error) {
	if b.first, err = b.first[:0].read(first); err != nil {
		return err
	}
	b.took, err = b.took[:0].read(took)
	return err
}

// tally adds up many histograms: counts by bucket.
type tally []uint64

// put adds a bar.
func (t *tally) put(b bar) {
	if int(b.bucket) >= len(*t) {
		*t = slices.Grow(*t, int(b.bucket)+1-len(*t))[:b.bucket+1]
	}
	(*t)[b.bucket] += uint64(b.n)
}

// append encodes it as a histogram.
func (t tally) append(dst []byte) []byte {
	last := 0
	for bucket, n := range t {
		if n > 0 {
			dst = binary.AppendUvarint(dst, uint64(bucket-last)) //nolint:gosec // buckets rise
			dst = binary.AppendUvarint(dst, n)
			last = bucket
		}
	}
	return dst
}

// addBars adds a histogram, or takes it off what holds it.
func (t *tally) addBars(h histogram, off bool) {
	if len(h) == 0 {
		return
	}
	times := uint64(1)
	if off {
		times = math.MaxUint64 // -1, as counts wrap around
	}
	counts := *t
	if last := int(h[len(h)-1].bucket); last >= len(counts) {
		counts = slices.Grow(counts, last+1-len(counts))[:last+1]
		*t = counts
	}
	for _, b := range h {
		counts[b.bucket] += uint64(b.n) * times
	}
}

// add adds another one.
func (t *tally) add(o tally) {
	for bucket, n := range o {
		if n > 0 {
			t.put(bar{uint32(bucket), uint32(n)}) //nolint:gosec // a window has fewer rows
		}
	}
}

// quantile is the middle of the bucket that holds the smallest value of which at least q
// of all are not larger: the exact quantile lies in the same bucket. False when there is
// no value.
func (t tally) quantile(q float64) (ms int, ok bool) {
	var total uint64
	for _, n := range t {
		total += n
	}
	if total == 0 {
		return 0, false
	}
	rank := max(uint64(math.Ceil(q*float64(total))), 1)
	for bucket, n := range t {
		if n >= rank {
			low, high := bounds(bucket)
			return low + (high-low)/2, true
		}
		rank -= n
	}
	return 0, false
}
