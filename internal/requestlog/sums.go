package requestlog

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kimi-k2/kimi-k2/models"
)

// Sum is what requests add up to, in counts, tokens and micro-credits. Replies are no
// requests: what became of them counts among the outcomes of their route only.
type Sum struct {
	Succeeded, Refused, Limited, Failed                                int64
	PromptTokens, CachedTokens, OutputTokens, ReasoningTokens, Credits int64
}

// rows is how many rows it is the sum of.
func (s *Sum) rows() int64 { return s.Succeeded + s.Refused + s.Limited + s.Failed }

// errors is how many of them did not succeed.
func (s *Sum) errors() int64 { return s.rows() - s.Succeeded }

func (s *Sum) fields() []*int64 {
	return []*int64{&s.Succeeded, &s.Refused, &s.Limited, &s.Failed, &s.PromptTokens, &s.CachedTokens, &s.OutputTokens, &s.ReasoningTokens, &s.Credits}
}

func (s *Sum) add(o *Sum) {
	s.Succeeded, s.Refused, s.Limited, s.Failed = s.Succeeded+o.Succeeded, s.Refused+o.Refused, s.Limited+o.Limited, s.Failed+o.Failed
	s.PromptTokens, s.CachedTokens, s.OutputTokens = s.PromptTokens+o.PromptTokens, s.CachedTokens+o.CachedTokens, s.OutputTokens+o.OutputTokens
	s.ReasoningTokens, s.Credits = s.ReasoningTokens+o.ReasoningTokens, s.Credits+o.Credits
}

// negative is what takes it off when it is added.
func (s *Sum) negative() (out Sum) {
	to := out.fields()
	for i, n := range s.fields() {
		*to[i] = -*n
	}
	return out
}

// count adds a row.
func (s *Sum) count(e *Entry) {
	switch models.OutcomeOf(e.Status, e.Code) {
	case models.RequestSucceeded:
		s.Succeeded++
	case models.RequestRefused:
		s.Refused++
	case models.RequestLimited:
		s.Limited++
	case models.RequestFailed:
		s.Failed++
	}
	s.PromptTokens, s.CachedTokens, s.OutputTokens = s.PromptTokens+e.PromptTokens, s.CachedTokens+e.CachedTokens, s.OutputTokens+e.OutputTokens
	s.ReasoningTokens, s.Credits = s.ReasoningTokens+e.ReasoningTokens, s.Credits+e.Credits
}

// cell is a sum with its histograms.
type cell struct {
	Sum
	first, took histogram
}

func (c *cell) count(e *Entry) {
	c.Sum.count(e)
	if ms := e.firstToken(); ms != nil {
		c.first.add(*ms)
	}
	c.took.add(millis(e.Took))
}

func (c *cell) merge(o *cell) {
	c.Sum.add(&o.Sum)
	c.first.merge(o.first)
	c.took.merge(o.took)
}

// quarters is how many parts an hour has: no zone is off by less.
const (
	quarters = 4
	quarter  = time.Hour / quarters
)

// hour is the sums of an hour, whole and by its quarters.
type hour struct {
	whole cell
	parts [quarters]cell
}

func (h *hour) count(e *Entry) {
	h.whole.count(e)
	h.parts[e.At.Sub(e.At.Truncate(time.Hour))/quarter].count(e)
}

func (h *hour) merge(o *hour) {
	h.whole.merge(&o.whole)
	for i := range h.parts {
		h.parts[i].merge(&o.parts[i])
	}
}

// appendParts encodes the quarters: each sum in turn, then the histograms with their
// lengths. A quarter without rows is a single zero.
func (h *hour) appendParts(dst []byte) []byte {
	var scratch []byte
	for i := range h.parts {
		c := &h.parts[i]
		if c.rows() == 0 {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		for _, n := range c.fields() {
			dst = binary.AppendUvarint(dst, uint64(*n)) //nolint:gosec // never negative
		}
		for _, bars := range []histogram{c.first, c.took} {
			scratch = bars.append(scratch[:0])
			dst = binary.AppendUvarint(dst, uint64(len(scratch)))
			dst = append(dst, scratch...)
		}
	}
	return dst
}

// part is an encoded quarter, its histograms not read yet.
type part struct {
	Sum
	first, took []byte
}

// readParts decodes quarters, of which an hour without rows has none.
func readParts(src []byte) (parts [quarters]part, err error) {
	next := func() (n uint64) {
		n, k := binary.Uvarint(src)
		if k <= 0 {
			err = errEncoding
			return 0
		}
		src = src[k:]
		return n
	}
	for i := 0; i < quarters && len(src) > 0 && err == nil; i++ {
		if next() == 0 {
			continue
		}
		p := &parts[i]
		for _, n := range p.fields() {
			*n = int64(next()) //nolint:gosec // as it was written
		}
		for _, bars := range []*[]byte{&p.first, &p.took} {
			n := next()
			if n > uint64(len(src)) {
				return parts, errEncoding
			}
			*bars, src = src[:n], src[n:]
		}
	}
	return parts, err
}

// readHour decodes what is stored of an hour.
func readHour(whole Sum, first, took, encoded []byte) (h hour, err error) {
	h.whole.Sum = whole
	if h.whole.first, err = readHistogram(first); err != nil {
		return h, err
	}
	if h.whole.took, err = readHistogram(took); err != nil {
		return h, err
	}
	parts, err := readParts(encoded)
	for i := range parts {
		h.parts[i].Sum = parts[i].Sum
		if err == nil {
			h.parts[i].first, err = readHistogram(parts[i].first)
		}
		if err == nil {
			h.parts[i].took, err = readHistogram(parts[i].took)
		}
	}
	return h, err
}

// eachSum reads rows with the columns of thirdColumns, in their order, and more behind them.
// What it hands over is good until visit returns.
func eachSum(rows pgx.Rows, visit func(g group, sum *Sum, first, took []byte) error, more ...any) error {
	var g group
	var at time.Time
	var sum Sum
	var first, took pgtype.DriverBytes
	into := []any{&g.subject, &at, &g.keyRef, &g.model, &g.route}
	for _, n := range sum.fields() {
		into = append(into, n)
	}
	_, err := pgx.ForEachRow(rows, append(append(into, &first, &took), more...), func() error {
		g.hour = at.Unix()
		return visit(g, &sum, first, took)
	})
	return err
}
