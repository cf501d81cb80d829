package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

func keeper(t *testing.T, fill byte) *seal.Keeper {
	t.Helper()
	k, err := seal.NewKeeper(bytes.Repeat([]byte{fill}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var place = seal.Place{Table: "messages", Column: "text", Row: "msg_1", Owner: "own_1"}

func TestSealedValueOpensOnlyInItsPlace(t *testing.T) {
	key, wrapped, err := keeper(t, 1).NewKey("own_1")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.SealString(place, "canary")
	if bytes.Contains(sealed, []byte("canary")) {
		t.Fatal("the plaintext shows")
	}
	again, err := keeper(t, 1).Unwrap("own_1", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := again.OpenString(place, sealed); err != nil || s != "canary" {
		t.Fatalf("%q %v", s, err)
	}
	for _, p := range []seal.Place{
		{"messages", "text", "msg_2", "own_1"}, {"messages", "text", "msg_1", "own_2"}, {"messages", "reasoning", "msg_1", "own_1"},
		{"runs", "text", "msg_1", "own_1"}, {"messagest", "ext", "msg_1", "own_1"},
	} {
		if _, err := key.Open(p, sealed); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("opened at %v: %v", p, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := key.Open(place, bad); err == nil {
			t.Fatalf("a flipped bit at %d was not noticed", i)
		}
		if _, err := key.Open(place, sealed[:i]); i > 0 && err == nil {
			t.Fatalf("a cut at %d was not noticed", i)
		}
	}
}

func TestEqualTextsSealDifferently(t *testing.T) {
	key, _, _ := keeper(t, 1).NewKey("o")
	if bytes.Equal(key.SealString(place, "a"), key.SealString(place, "a")) {
		t.Fatal("nonce reused")
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	a, b := keeper(t, 1), keeper(t, 2)
	_, wrapped, _ := a.NewKey("own_1")
	if _, err := b.Unwrap("own_1", wrapped); !errors.Is(err, seal.ErrOpen) {
		t.Fatal(err)
	}
	if _, err := a.Unwrap("own_2", wrapped); !errors.Is(err, seal.ErrOpen) {
		t.Fatal("another owner's wrapped key opened")
	}
	if err := b.Verify(a.Check()); !errors.Is(err, seal.ErrOpen) {
		t.Fatal("a changed installation key was not noticed")
	}
	if err := a.Verify(a.Check()); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.NewKeeper([]byte("short")); !errors.Is(err, seal.ErrKeySize) {
		t.Fatal(err)
	}
}

// P80: while a key is exchanged, what either wraps opens, and what is wrapped anew opens with
// the new one alone.
func TestTwoKeysOpenWhatEitherWraps(t *testing.T) {
	raw := func(n byte) []byte { return bytes.Repeat([]byte{n}, seal.KeySize) }
	former, both := keeper(t, 1), must(seal.NewKeeper(raw(2), raw(1), raw(1)))
	if ids := both.IDs(); len(ids) != 2 || ids[0] != seal.KeyID(raw(2)) || ids[1] != seal.KeyID(raw(1)) || both.Using() != "" {
		t.Fatal(ids, both.Using())
	}
	key, wrapped, err := former.NewKey("own_1")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.SealString(place, "canary")
	if err := both.Use(seal.KeyID(raw(1))); err != nil {
		t.Fatal(err)
	}
	if err := both.Use(seal.KeyID(raw(3))); !errors.Is(err, seal.ErrNotHeld) {
		t.Error(err)
	}
	_, young, under, err := both.NewKeyUnder("own_2")
	if err != nil || under != seal.KeyID(raw(1)) {
		t.Fatal(under, err)
	}
	if _, err := former.Unwrap("own_2", young); err != nil {
		t.Error("the former key doesn't open what is wrapped meanwhile:", err)
	}
	again, err := both.Rewrap("own_1", wrapped, seal.KeyID(raw(2)))
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*seal.Keeper{"both": both, "the new one": keeper(t, 2)} {
		opened, err := k.Unwrap("own_1", again)
		if err != nil {
			t.Fatal(name, err)
		}
		if s, err := opened.OpenString(place, sealed); err != nil || s != "canary" {
			t.Error(name, s, err)
		}
	}
	if _, err := former.Unwrap("own_1", again); !errors.Is(err, seal.ErrOpen) {
		t.Error("the former key opens what was wrapped anew:", err)
	}
	if _, err := both.Rewrap("own_2", wrapped, seal.KeyID(raw(2))); !errors.Is(err, seal.ErrOpen) {
		t.Error("another owner's key was wrapped anew:", err)
	}
	if maker, err := both.Maker(former.Check()); err != nil || maker != seal.KeyID(raw(1)) {
		t.Error(maker, err)
	}
}

// The root secret opens only under the key and the name that it was wrapped with.
func TestTheRootOpensUnderItsKeyOnly(t *testing.T) {
	raw := func(n byte) []byte { return bytes.Repeat([]byte{n}, seal.KeySize) }
	both := must(seal.NewKeeper(raw(1), raw(2)))
	one, two := seal.KeyID(raw(1)), seal.KeyID(raw(2))
	wrapped, err := both.WrapRoot(one, raw(9))
	if err != nil {
		t.Fatal(err)
	}
	if root, err := both.OpenRoot(one, wrapped); err != nil || !bytes.Equal(root, raw(9)) {
		t.Error(root, err)
	}
	if _, err := both.OpenRoot(two, wrapped); !errors.Is(err, seal.ErrOpen) {
		t.Error(err)
	}
	if _, err := keeper(t, 2).OpenRoot(one, wrapped); !errors.Is(err, seal.ErrNotHeld) {
		t.Error(err)
	}
	if _, err := both.WrapRoot(one, raw(9)[1:]); !errors.Is(err, seal.ErrKeySize) {
		t.Error(err)
	}
}

func must(k *seal.Keeper, err error) *seal.Keeper {
	if err != nil {
		panic(err)
	}
	return k
}

func TestKeysDoNotPrint(t *testing.T) {
	key, _, _ := keeper(t, 1).NewKey("o")
	if s := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); s != "[key] [key] [key] [key]" {
		t.Fatal(s)
	}
}

func BenchmarkOpen1KB(b *testing.B) {
	k, err := seal.NewKeeper(make([]byte, seal.KeySize))
	if err != nil {
		b.Fatal(err)
	}
	key, _, _ := k.NewKey("o")
	sealed := key.Seal(place, make([]byte, 1024))
	for b.Loop() {
		if _, err := key.Open(place, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

// What is found by a mark, and what was signed, must be found and hold after an update: the
// derivation is frozen.
func TestWhatIsDerivedStaysTheSame(t *testing.T) {
	secret := bytes.Repeat([]byte{5}, 32)
	if got := seal.KeyID(secret); got != "49a31d89cdc83e9b" {
		t.Errorf("the key is called %s", got)
	}
	const want = "10b0188e320600ce578b569e3854fcbefd3827e4b39ac75aae1465de743cd417"
	if got := hex.EncodeToString(seal.Derive(secret, "e-mail index v1")); got != want {
		t.Errorf("it is %s", got)
	}
	if bytes.Equal(seal.Derive(secret, "a"), seal.Derive(secret, "b")) || bytes.Equal(seal.Derive(secret, "a"), seal.Derive(secret[1:], "a")) {
		t.Error("two purposes, or two secrets, have the same key")
	}
}
