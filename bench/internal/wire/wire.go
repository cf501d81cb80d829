// Package wire is the token of the yardstick: its text is a marker
// "@<due unix ns>,<lag us>;" that says when it was due and how much later it was
// really written. A client behind any server can therefore tell both the latency
// that was added to each token and the delay since it was due, also when several
// tokens arrive merged into one frame.
package wire

import (
	"bytes"
	"strconv"
	"time"
)

// Append adds the marker of a token due at due and written at now.
func Append(b []byte, due, now time.Time) []byte {
	b = append(b, '@')
	b = strconv.AppendInt(b, due.UnixNano(), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, max(0, now.Sub(due).Microseconds()), 10)
	return append(b, ';')
}

// Find looks for the first marker in b: when it was due and when it was written,
// in unix nanoseconds, and what follows it.
func Find(b []byte) (due, written int64, rest []byte, ok bool) {
	for {
		i := bytes.IndexByte(b, '@')
		if i < 0 {
			return 0, 0, nil, false
		}
		b = b[i+1:]
		at, n := digits(b)
		if n == 0 || n >= len(b) || b[n] != ',' {
			continue
		}
		lag, m := digits(b[n+1:])
		if m == 0 || n+1+m >= len(b) || b[n+1+m] != ';' {
			continue
		}
		return at, at + lag*1000, b[n+2+m:], true
	}
}

func digits(b []byte) (v int64, n int) {
	for n < len(b) && n < 19 && b[n] >= '0' && b[n] <= '9' {
		v = v*10 + int64(b[n]-'0')
		n++
	}
	return v, n
}

// Order is what a stream's prompt asks of whatever makes the tokens.
type Order struct {
	Tokens int           // how many
	Rate   float64       // per second
	First  time.Duration // from the request to the first token
}

// AtOnce is the rate of answers that take the engine no time: all of it is written in one go.
const AtOnce = 1e9

// String is the order as the text of a prompt.
func (o Order) String() string {
	return "tokens=" + strconv.Itoa(o.Tokens) +
		" rate=" + strconv.FormatFloat(o.Rate, 'f', -1, 64) +
		" first_ms=" + strconv.FormatInt(o.First.Milliseconds(), 10) + " end"
}

// ParseOrder finds the last order in a request's body; what it does not name stays
// as in fallback.
func ParseOrder(body []byte, fallback Order) Order {
	o := fallback
	if v, ok := lastNumber(body, "tokens="); ok {
		o.Tokens = int(v)
	}
	if v, ok := lastNumber(body, "rate="); ok && v > 0 {
		o.Rate = v
	}
	if v, ok := lastNumber(body, "first_ms="); ok {
		o.First = time.Duration(v * float64(time.Millisecond))
	}
	return o
}

func lastNumber(b []byte, key string) (float64, bool) {
	i := bytes.LastIndex(b, []byte(key))
	if i < 0 {
		return 0, false
	}
	b = b[i+len(key):]
	n := 0
	for n < len(b) && (b[n] >= '0' && b[n] <= '9' || b[n] == '.') {
		n++
	}
	v, err := strconv.ParseFloat(string(b[:n]), 64)
	return v, err == nil
}

// Pacer yields the due times of a stream's tokens. They are absolute: a late token
// does not push those after it.
type Pacer struct {
	next time.Time
	step time.Duration
}

// NewPacer paces the order from start on.
func NewPacer(start time.Time, o Order) *Pacer {
	return &Pacer{next: start.Add(o.First), step: time.Duration(float64(time.Second) / o.Rate)}
}

// Wait sleeps until the next token is due and returns when that was and is.
func (p *Pacer) Wait() (due, now time.Time) {
	due = p.next
	p.next = due.Add(p.step)
	if d := time.Until(due); d > 0 {
		time.Sleep(d)
	}
	return due, time.Now()
}
