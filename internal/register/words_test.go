package register_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

// P109: how long something is kept, and what a deletion does with it, is said in words.
func TestRetentionInWords(t *testing.T) {
	for want, r := range map[string]register.Retention{
		"as long as the account or guest":                                            {Keep: register.KeepOwner},
		"as long as the account or guest, and at most 30 days":                       {Keep: register.KeepOwner, Max: register.Days(30)},
		"as long as the account or guest; a guest's 30 days after its last activity": {Keep: register.KeepOwner, Guests: register.Days(30)},
		"at most 90 days":    {Max: register.Days(90)},
		"at most 1 hour":     {Max: register.Duration(time.Hour)},
		"at most 90 minutes": {Max: register.Duration(90 * time.Minute)},
		"until the time of its end, which stands in it": {Clock: "expires_at"},
		"for good: books must be kept":                  {Keep: register.KeepForever, Why: "books must be kept"},
	} {
		if got := r.Words(); got != want {
			t.Errorf("%+v is %q", r, got)
		}
	}
	for _, table := range loaded(t).Tables {
		if words := table.Erase.Words(); words == string(table.Erase) {
			t.Errorf("a deletion does %q with %s", words, table.Name)
		}
	}
}
