package apikey

import (
	"regexp"
	"strings"
	"testing"
)

// R-KEY, P89: what a key looks like; whatever differs from it by a character, or is a part
// of it, is refused before anything is looked up.
func TestOnlyWholeKeysAreKeys(t *testing.T) {
	key, publicID := newSecret()
	if got, ok := parse(key); !ok || got != publicID || !regexp.MustCompile("^"+Pattern+"$").MatchString(key) || len(key) != 57 {
		t.Fatalf("a fresh key is none: %d characters, %v", len(key), ok)
	}
	for i := range key {
		if _, ok := parse(key[:i]); ok {
			t.Errorf("its first %d characters are a key", i)
		}
		other := "a"
		if key[i] == 'a' {
			other = "b"
		}
		if _, ok := parse(key[:i] + other + key[i+1:]); ok {
			t.Errorf("a key with another character at %d is a key", i)
		}
	}
	for _, bad := range []string{"", key + "a", key + "\n", " " + key, strings.Replace(key, "live", "test", 1), strings.ToUpper(key), key[:56] + "é", strings.Repeat("k", 57)} {
		if _, ok := parse(bad); ok {
			t.Errorf("%q is a key", bad)
		}
	}
	// The published algorithm, by another program's numbers: CRC-32 of this text is 3421780262 (cbf43926).
	if got := checksum("123456789"); got != "3jZRME" {
		t.Error(got)
	}
}

func TestKeysAreDrawnEvenly(t *testing.T) {
	var n [128]int
	const each = 2000
	for _, c := range word(62 * each) {
		n[c]++
	}
	for _, c := range alphabet {
		if n[c] < each*8/10 || n[c] > each*12/10 {
			t.Errorf("%c came %d times of %d", c, n[c], each)
		}
	}
}
