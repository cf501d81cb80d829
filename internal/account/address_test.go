package account_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// P88: what the outbox would refuse is no address here either.
func TestAnAddressWithAnEmptyLabelIsNone(t *testing.T) {
	p := newPeople(t)
	v := p.signIn(google("1", "ada@example.org")).Viewer
	for _, wrong := range []string{"x@a..b", "x@.b.c", "x@a.b.", "x@a..example.org"} {
		_, err := p.Update(t.Context(), v, account.Update{Email: &wrong})
		refused(t, err, fault.Invalid)
	}
}
