// Package id makes and checks the ids of all nouns: a prefix that names the kind
// and a UUIDv7 as 32 hexadecimal digits, for example con_0198c2f4….
//
// An id is primary key, GraphQL ID and keyset cursor in one: ids of one kind sort
// by their time of creation. They show that time and are therefore never secrets.
package id

import (
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
)

// Kind is the prefix that tells what an id names.
type Kind string

// The kinds of nouns.
const (
	Owner          Kind = "own"
	Conversation   Kind = "con"
	Message        Kind = "msg"
	Run            Kind = "run"
	Instance       Kind = "ins"
	Request        Kind = "req"
	Session        Kind = "ses"
	Identity       Kind = "idn"
	Consent        Kind = "cns"
	Mail           Kind = "mai"
	Purge          Kind = "prg"
	LedgerAccount  Kind = "lac"
	Transfer       Kind = "trf"
	Hold           Kind = "hld"
	Check          Kind = "chk"
	Adjustment     Kind = "adj"
	Usage          Kind = "use"
	APIKey         Kind = "key"
	Purchase       Kind = "pur"
	Quarantine     Kind = "qua"
	Reconciliation Kind = "rec"
	Completion     Kind = "cmp"
	Erasure        Kind = "ers"
	Clearing       Kind = "clr"
	Audit          Kind = "aud"
	Export         Kind = "exp"
	RetentionSweep Kind = "rts"
	Notice         Kind = "ntc"
	LegalRequest   Kind = "lgl"
	Opening        Kind = "opn"
	Share          Kind = "shr"
)

// New makes a fresh id of the kind.
func New(k Kind) string {
	u := uuid.Must(uuid.NewV7())
	return string(k) + "_" + hex.EncodeToString(u[:])
}

// Twin is the id of another kind with the same UUID as an id, for two nouns that are
// made as one.
func Twin(k Kind, of string) string {
	_, rest, _ := strings.Cut(of, "_")
	return string(k) + "_" + rest
}

// Is reports whether s is a well-formed id of the kind; anything else need not
// be looked up.
func Is(k Kind, s string) bool {
	rest, ok := strings.CutPrefix(s, string(k)+"_")
	if !ok || len(rest) != 32 {
		return false
	}
	for i := range len(rest) {
		c := rest[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// KindOf is the kind that s claims to be of, or "" when it is no id at all.
func KindOf(s string) Kind {
	prefix, _, ok := strings.Cut(s, "_")
	if !ok || !Is(Kind(prefix), s) {
		return ""
	}
	return Kind(prefix)
}
