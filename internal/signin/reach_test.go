package signin_test

import (
	"slices"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/models"
)

// P94: what a company's provider names in its discovery joins the list of who can be
// called, under that provider; nothing else does, and not before.
func TestWhatTheIssuerNamesJoinsTheList(t *testing.T) {
	way := egress.New(egress.Config{})
	f := newFixture(t, func(c *signin.Config) { c.Egress = way })
	if names := way.Recipients(); len(names) != 0 {
		t.Errorf("%v before anybody asks", names)
	}
	if _, err := f.signIn(t, models.ProviderOIDC, "ada-1"); err != nil {
		t.Fatal(err)
	}
	host, err := egress.Address(f.world.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	if got := way.Addresses(string(models.ProviderOIDC)); !slices.Contains(got, host) || len(way.Recipients()) != 1 {
		t.Errorf("%v of %v", got, way.Recipients())
	}
}
