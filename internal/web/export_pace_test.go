package web

import (
	"testing"
	"time"
)

// A file that is brought must come at some pace and to an end, however often a part of it
// comes.
func TestAFileThatTricklesIsCutOff(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		after time.Duration
		n     int64
		left  time.Duration
	}{
		"at its start":   {0, 0, 30 * time.Second},
		"a few bytes":    {20 * time.Second, 100, 10 * time.Second},
		"a trickle":      {31 * time.Second, 1000, 0},
		"some pace":      {5 * time.Minute, 6 << 20, 30 * time.Second},
		"near the end":   {10*time.Minute - time.Second, 200 << 20, time.Second},
		"without an end": {10*time.Minute + time.Second, 200 << 20, 0},
	} {
		b := &steady{began: began, n: c.n}
		now := began.Add(c.after)
		if left := max(b.until(now).Sub(now), 0).Round(time.Second); left != c.left {
			t.Errorf("%s: %v are left, want %v", name, left, c.left)
		}
	}
}
