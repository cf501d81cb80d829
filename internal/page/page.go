// Package page reads keyset pagination arguments and makes cursors. Cursors are signed:
// each is good for one list of one owner, and nobody else can make any.
package page

import (
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Sizes of a page.
const (
	DefaultSize = 20
	MaxSize     = 100
)

// Args is a checked page request: at most Size items after the cursor.
type Args struct {
	Size  int
	After string // position of the cursor, "" for the first page
}

// Args checks first and after as a client sent them. It refuses sizes outside 1…100 and
// cursors that weren't handed out for this list.
func (l List) Args(first *int, after *string) (Args, error) {
	a := Args{Size: DefaultSize}
	if first != nil {
		if *first < 1 || *first > MaxSize {
			return a, fault.On("first", fault.Invalid, "first must be between 1 and %d", MaxSize)
		}
		a.Size = *first
	}
	if after == nil || *after == "" {
		return a, nil
	}
	var err error
	a.After, err = l.position(*after)
	return a, err
}

// TimePosition is the position of a row in an order by (time desc, id desc).
func TimePosition(t time.Time, id string) string {
	return t.UTC().Format("20060102T150405.000000") + "," + id
}

// ParseTimePosition is the reverse of TimePosition.
func ParseTimePosition(s string) (time.Time, string, error) {
	at, id, ok := strings.Cut(s, ",")
	t, err := time.Parse("20060102T150405.000000", at)
	if !ok || err != nil || id == "" {
		return time.Time{}, "", fault.On("after", fault.Invalid, "this cursor belongs to another list: leave it out for the first page")
	}
	return t, id, nil
}
