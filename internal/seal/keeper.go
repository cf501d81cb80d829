package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// ErrNotHeld means that a key-encryption key is asked for which the keeper wasn't given.
var ErrNotHeld = errors.New("this key-encryption key was not given")

// KeyID names a key-encryption key without telling anything about it: 16 hexadecimal
// digits, the same wherever the key is.
func KeyID(kek []byte) string { return hex.EncodeToString(Derive(kek, "key id v1")[:8]) }

// kek is one key-encryption key by its name.
type kek struct {
	id  string
	key *Key
}

// Keeper holds the key-encryption keys of the installation and wraps data keys: under one
// of them, while what any of them has wrapped opens. It is safe for concurrent use.
type Keeper struct {
	keks []kek // the first is the one that is to be used in the end
	used atomic.Pointer[kek]
}

// NewKeeper makes a keeper of key-encryption keys of KeySize bytes. The first wraps, until
// Use says otherwise.
func NewKeeper(first []byte, others ...[]byte) (*Keeper, error) {
	k := new(Keeper)
	for _, raw := range append([][]byte{first}, others...) {
		key, err := newKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key-encryption key: %w", err)
		}
		if id := KeyID(raw); !k.Holds(id) {
			k.keks = append(k.keks, kek{id, key})
		}
	}
	return k, nil
}

// IDs names the keys that are held, in the order in which they were given.
func (k *Keeper) IDs() []string {
	ids := make([]string, len(k.keks))
	for i, e := range k.keks {
		ids[i] = e.id
	}
	return ids
}

// Holds reports whether the key of that name is held.
func (k *Keeper) Holds(id string) bool { return k.named(id) != nil }

func (k *Keeper) named(id string) *kek {
	i := slices.IndexFunc(k.keks, func(e kek) bool { return e.id == id })
	if i < 0 {
		return nil
	}
	return &k.keks[i]
}

// Use lets the key of that name wrap from now on. It refuses with ErrNotHeld.
func (k *Keeper) Use(id string) error {
	e := k.named(id)
	if e == nil {
		return ErrNotHeld
	}
	k.used.Store(e)
	return nil
}

// Using names the key that wraps; empty before the first Use, when the first key does.
func (k *Keeper) Using() string {
	if e := k.used.Load(); e != nil {
		return e.id
	}
	return ""
}

// wrapping is the key that wraps.
func (k *Keeper) wrapping() *kek {
	if e := k.used.Load(); e != nil {
		return e
	}
	return &k.keks[0]
}

func wrapPlace(owner string) Place {
	return Place{Table: "owners", Column: "key_wrapped", Row: owner, Owner: owner}
}

// NewKey makes a random data key for the owner and its wrapped form.
func (k *Keeper) NewKey(owner string) (key *Key, wrapped []byte, err error) {
	key, wrapped, _, err = k.NewKeyUnder(owner)
	return key, wrapped, err
}

// NewKeyUnder is NewKey, and names the key that wrapped it, as Using does.
func (k *Keeper) NewKeyUnder(owner string) (key *Key, wrapped []byte, under string, err error) {
	raw := make([]byte, KeySize)
	if _, err := rand.Read(raw); err != nil {
		return nil, nil, "", fmt.Errorf("make data key: %w", err)
	}
	if key, err = newKey(raw); err != nil {
		return nil, nil, "", err
	}
	if e := k.used.Load(); e != nil {
		return key, e.key.Seal(wrapPlace(owner), raw), e.id, nil
	}
	return key, k.keks[0].key.Seal(wrapPlace(owner), raw), "", nil
}

// Unwrap opens the owner's data key, whichever of the keys has wrapped it. It refuses with
// ErrOpen.
func (k *Keeper) Unwrap(owner string, wrapped []byte) (*Key, error) {
	raw, err := k.open(wrapPlace(owner), wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	return newKey(raw)
}

// Rewrap is the owner's data key wrapped under the key of that name. It refuses with
// ErrOpen what none of the keys opens, and with ErrNotHeld.
func (k *Keeper) Rewrap(owner string, wrapped []byte, id string) ([]byte, error) {
	to := k.named(id)
	if to == nil {
		return nil, ErrNotHeld
	}
	raw, err := k.open(wrapPlace(owner), wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap data key: %w", err)
	}
	if len(raw) != KeySize {
		return nil, ErrKeySize
	}
	defer clear(raw)
	return to.key.Seal(wrapPlace(owner), raw), nil
}

// open tries the key that wraps first, and then the others: a key that is wrong is told by
// the tag.
func (k *Keeper) open(p Place, sealed []byte) ([]byte, error) {
	used := k.wrapping()
	plain, err := used.key.Open(p, sealed)
	for _, e := range k.keks {
		if err == nil {
			break
		}
		if e.id != used.id {
			plain, err = e.key.Open(p, sealed)
		}
	}
	return plain, err
}

var checkPlace = Place{Table: "installation", Column: "key_check", Row: "1", Owner: "installation"}

const checkText = "kimi-k2 key check"

// Check is a value that Verify recognises; it is stored once per database so that
// a lost or changed key-encryption key is noticed at start.
func (k *Keeper) Check() []byte { return k.wrapping().key.SealString(checkPlace, checkText) }

// CheckUnder is Check made with the key of that name. It refuses with ErrNotHeld.
func (k *Keeper) CheckUnder(id string) ([]byte, error) {
	e := k.named(id)
	if e == nil {
		return nil, ErrNotHeld
	}
	return e.key.SealString(checkPlace, checkText), nil
}

// Verify refuses with ErrOpen when check was made under none of the keys.
func (k *Keeper) Verify(check []byte) error {
	_, err := k.Maker(check)
	return err
}

// Maker names the key that a check was made with. It refuses with ErrOpen when it is none
// of those held.
func (k *Keeper) Maker(check []byte) (id string, err error) {
	for _, e := range k.keks {
		if s, err := e.key.OpenString(checkPlace, check); err == nil && s == checkText {
			return e.id, nil
		}
	}
	return "", fmt.Errorf("%s.%s: %w", checkPlace.Table, checkPlace.Column, ErrOpen)
}

func rootPlace(id string) Place {
	return Place{Table: "key_encryption_keys", Column: "root_wrapped", Row: id, Owner: "installation"}
}

// WrapRoot wraps the installation's root secret, of KeySize bytes, under the key of that
// name. It refuses with ErrNotHeld and ErrKeySize.
func (k *Keeper) WrapRoot(id string, root []byte) ([]byte, error) {
	e := k.named(id)
	if e == nil {
		return nil, ErrNotHeld
	}
	if len(root) != KeySize {
		return nil, ErrKeySize
	}
	return e.key.Seal(rootPlace(id), root), nil
}

// OpenRoot is the reverse of WrapRoot. It refuses with ErrNotHeld, ErrOpen and ErrKeySize.
func (k *Keeper) OpenRoot(id string, wrapped []byte) ([]byte, error) {
	e := k.named(id)
	if e == nil {
		return nil, ErrNotHeld
	}
	root, err := e.key.Open(rootPlace(id), wrapped)
	if err == nil && len(root) != KeySize {
		err = ErrKeySize
	}
	return root, err
}
