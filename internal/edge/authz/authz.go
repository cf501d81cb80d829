// Package authz decides who may ask for what: the rules of a schema's @auth
// directives against a principal. A whole operation is judged before anything of it
// runs, whatever its variables: fields under @skip and @include count, so do those
// of fragments that may turn out not to apply.
//
// It is the outer wall. What is whose is decided inside, by the services: what is
// not the viewer's does not exist there.
package authz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Recent is how long a proof of who one is counts for fields that want a fresh one.
const Recent = 10 * time.Minute

// Kind is a sort of principal, as the schema's enum Principal names it. Sets of
// kinds are sums.
type Kind uint8

// The kinds. Anonymous is the zero value's meaning too. Administrators are accounts.
const (
	Anonymous Kind = 1 << iota
	Guest
	Account
	Admin
	APIKey
)

// Everybody is all kinds.
const Everybody = Anonymous | Guest | Account | Admin | APIKey

var kindNames = []struct {
	kind Kind
	name string
}{{Anonymous, "ANONYMOUS"}, {Guest, "GUEST"}, {Account, "ACCOUNT"}, {Admin, "ADMIN"}, {APIKey, "API_KEY"}}

// KindOf is the kind of a name of the enum; false for an unknown one.
func KindOf(name string) (Kind, bool) {
	for _, k := range kindNames {
		if k.name == name {
			return k.kind, true
		}
	}
	return 0, false
}

// String is the names in the set, joined by "|".
func (k Kind) String() string {
	var names []string
	for _, n := range kindNames {
		if k&n.kind != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, "|")
}

// Principal is who asks. The zero value is nobody known.
type Principal struct {
	Kind            Kind      // one of the constants; 0 is Anonymous
	Admin           bool      // of an account: it runs this installation
	Scopes          []string  // of an API key, as the enum Scope names them
	AuthenticatedAt time.Time // of an account: its last proof of who it is
}

// kinds is everything that the principal counts as.
func (p Principal) kinds() Kind {
	switch {
	case p.Kind == 0:
		return Anonymous
	case p.Kind == Account && p.Admin:
		return Account | Admin
	}
	return p.Kind
}

// Rule says who may ask for a field. Rules are comparable; the zero rule lets nobody
// pass.
type Rule struct {
	Allow Kind   // a set
	Scope string // what an API key needs beside; "" is nothing
	Fresh bool   // an account's proof must be Recent
}

// Refusal is why a principal may not ask for a field. Code is UNAUTHENTICATED when
// signing in could help, FORBIDDEN when nothing does, SCOPE_MISSING (with the Scope)
// and REAUTHENTICATION_REQUIRED.
type Refusal struct {
	Code  fault.Code
	Field string // "Type.field"
	Scope string
}

// Error says what to do.
func (r *Refusal) Error() string {
	switch r.Code {
	case fault.Unauthenticated:
		return fmt.Sprintf("%s needs an account: sign in first", r.Field)
	case fault.ScopeMissing:
		return fmt.Sprintf("%s needs an API key with the scope %s: make one that has it", r.Field, WireScope(r.Scope))
	case fault.Reauthenticate:
		return fmt.Sprintf("%s needs a fresh proof of who you are: sign in once more, then repeat this within ten minutes", r.Field)
	}
	return fmt.Sprintf("you may not use %s: leave it out", r.Field)
}

// WireScope is a scope as API keys carry it: CHAT_WRITE is chat:write.
func WireScope(scope string) string {
	return strings.Replace(strings.ToLower(scope), "_", ":", 1)
}

// judge is the code of the refusal, "" when the principal may pass.
func (r Rule) judge(p Principal, now time.Time) fault.Code {
	kinds := p.kinds()
	switch {
	case r.Allow&kinds == 0:
		if kinds&(Anonymous|Guest) != 0 && r.Allow&(Account|Admin) != 0 {
			return fault.Unauthenticated
		}
		return fault.Forbidden
	case kinds == APIKey && r.Scope != "" && !slices.Contains(p.Scopes, r.Scope):
		return fault.ScopeMissing
	case r.Fresh && kinds&Account != 0 && now.Sub(p.AuthenticatedAt).Abs() >= Recent:
		return fault.Reauthenticate
	}
	return ""
}
