package account

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// What was read before a session was revoked must not be remembered after it.
func TestReadThatARevocationOvertakesIsNotRemembered(t *testing.T) {
	c := newCache(clock.System{}, time.Hour, 10)
	_, hash := newToken()
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: "own_1", SessionID: "ses_1"}
	mark := c.mark()
	c.forget("own_1", "ses_1")
	c.put(hash, v, mark)
	if _, ok := c.get(hash); ok {
		t.Fatal("remembered")
	}
	c.put(hash, v, c.mark())
	for _, other := range [][2]string{{"own_2", ""}, {"own_2", "ses_1"}, {"own_1", "ses_2"}} {
		if c.forget(other[0], other[1]); len(c.entries) != 1 {
			t.Error("another's was forgotten:", other)
		}
	}
	if c.forget("own_1", ""); len(c.entries) != 0 {
		t.Error("not forgotten")
	}
}

func TestCacheHoldsSoManyAtMost(t *testing.T) {
	c := newCache(clock.System{}, time.Hour, 3)
	for range 10 {
		_, hash := newToken()
		c.put(hash, viewer.Viewer{OwnerID: "own_1"}, c.mark())
		if _, ok := c.get(hash); !ok || len(c.entries) > 3 || len(c.order) > 3 {
			t.Fatal(ok, len(c.entries), len(c.order))
		}
	}
}
