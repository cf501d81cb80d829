package viewer_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// What was read before a session was revoked must not be remembered after it.
func TestReadThatARevocationOvertakesIsNotRemembered(t *testing.T) {
	c := viewer.NewCache(time.Now, time.Hour, 10)
	hash := sha256.Sum256([]byte("cookie"))
	forget := func(owner, session string) {
		c.Forget(func(v viewer.Viewer) bool { return v.OwnerID == owner && (session == "" || v.SessionID == session) })
	}
	known := func() bool { _, ok := c.Get(hash); return ok }
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: "own_1", SessionID: "ses_1"}
	mark := c.Mark()
	forget("own_1", "ses_1")
	c.Put(hash, v, mark)
	if known() {
		t.Fatal("remembered")
	}
	c.Put(hash, v, c.Mark())
	for _, other := range [][2]string{{"own_2", ""}, {"own_2", "ses_1"}, {"own_1", "ses_2"}} {
		if forget(other[0], other[1]); !known() {
			t.Error("another's was forgotten:", other)
		}
	}
	if forget("own_1", ""); known() {
		t.Error("not forgotten")
	}
}

func TestCacheHoldsSoManyAtMost(t *testing.T) {
	c := viewer.NewCache(time.Now, time.Hour, 3)
	hashes := make([][sha256.Size]byte, 10)
	for i := range hashes {
		hashes[i] = sha256.Sum256(fmt.Append(nil, i))
		c.Put(hashes[i], viewer.Viewer{OwnerID: "own_1"}, c.Mark())
		for n, hash := range hashes[:i+1] {
			if _, ok := c.Get(hash); ok != (n > i-3) {
				t.Fatalf("after %d the entry %d is there: %v", i, n, ok)
			}
		}
	}
}
