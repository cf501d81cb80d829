package policy_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// P121: somebody is 13 when the whole month of the birthday has passed.
func TestAgeCountsWholeMonths(t *testing.T) {
	r := newRoom(t)
	for _, c := range []struct {
		now         time.Time
		year, month int
		code        fault.Code
		field       string
	}{
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2013, 2, "", ""},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2013, 3, fault.AgeRefused, ""},
		{time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC), 2013, 3, fault.AgeRefused, ""},
		{time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), 2013, 3, "", ""},
		{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 2012, 12, "", ""},
		{time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC), 2012, 12, fault.AgeRefused, ""},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2026, 3, fault.AgeRefused, ""},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2026, 4, fault.Invalid, "birthMonth"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 2027, 1, fault.Invalid, "birthYear"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1896, 1, "", ""},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1895, 12, fault.Invalid, "birthYear"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 0, 1, fault.Invalid, "birthYear"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), -1 << 31, 1, fault.Invalid, "birthYear"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1990, 0, fault.Invalid, "birthMonth"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1990, 13, fault.Invalid, "birthMonth"},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1990, 1<<31 - 1, fault.Invalid, "birthMonth"},
	} {
		r.clock.set(c.now)
		g, err := r.ConfirmAge(t.Context(), r.visitor(), c.year, c.month)
		if c.code == "" {
			if err != nil || g.AgeConfirmedAt != c.now || g.AgePolicy != r.Current().Version {
				t.Errorf("%d-%d at %s: %v %+v", c.year, c.month, c.now, err, g)
			}
			continue
		}
		list, _ := fault.Of(err)
		if len(list) != 1 || list[0].Code != c.code || (c.field != "" && list[0].Field[0] != c.field) {
			t.Errorf("%d-%d at %s: %v", c.year, c.month, c.now, err)
		}
		if refused := g == (viewer.Gate{AgeRefusedUntil: c.now.Add(24 * time.Hour)}); refused != (c.code == fault.AgeRefused) {
			t.Errorf("%d-%d at %s: gate %+v", c.year, c.month, c.now, g)
		}
	}
	if n := r.rows(); n != 0 {
		t.Errorf("%d rows of visitors", n)
	}
}

// P121: under the age nothing is stored; for a day no other answer is heard, and then
// the question may be asked again.
func TestARefusalStandsForADay(t *testing.T) {
	r := newRoom(t)
	for name, v := range map[string]viewer.Viewer{"visitor": r.visitor(), "guest": r.guest()} {
		before := r.rows()
		g, err := r.ConfirmAge(t.Context(), v, r.clock.Now().Year()-5, 1)
		wantFault(t, err, fault.AgeRefused)
		value, lasts := r.Stamp(g)
		if lasts != 24*time.Hour {
			t.Errorf("%s: the cookie lasts %s", name, lasts)
		}
		r.clock.move(24*time.Hour - time.Second)
		v.Gate = r.Read(value)
		_, err = r.ConfirmAge(t.Context(), v, 1980, 1)
		wantFault(t, err, fault.AgeRefused)
		_, err = r.ConfirmAge(t.Context(), v, 1980, 77)
		wantFault(t, err, fault.AgeRefused)
		wantFault(t, r.check(v), fault.AgeRefused)
		if s := must(r.Gate(t.Context(), v))(t); !s.AgeRefused || s.AgeConfirmed {
			t.Errorf("%s: %+v", name, s)
		}
		if !v.IsOwner() {
			_, err = r.Accept(t.Context(), v, r.Current().Version, "COMPOSER")
			wantFault(t, err, fault.AgeRefused)
			_, _, err = r.SetConsent(t.Context(), v, "EXTERNAL_INFERENCE", true, "DIALOG")
			wantFault(t, err, fault.AgeRefused)
		}
		if after := r.rows(); after != before {
			t.Errorf("%s: %d rows became %d", name, before, after)
		}
		r.clock.move(time.Second)
		v.Gate = r.Read(value)
		if _, err := r.ConfirmAge(t.Context(), v, 1980, 1); err != nil {
			t.Errorf("%s: after a day: %v", name, err)
		}
	}
}

// Who has confirmed stays so, whatever is answered later; the first time counts.
func TestAConfirmedOwnerStaysConfirmed(t *testing.T) {
	r := newRoom(t)
	v := r.guest()
	if _, err := r.ConfirmAge(t.Context(), v, 1990, 5); err != nil {
		t.Fatal(err)
	}
	first := r.clock.Now()
	r.clock.move(time.Hour)
	v.CanSetCookie = false // a socket does: it needs no cookie any more
	if g, err := r.ConfirmAge(t.Context(), v, 2025, 1); err != nil || g != (viewer.Gate{}) {
		t.Errorf("%+v %v", g, err)
	}
	var at time.Time
	if err := r.db.Gorm(t.Context()).Raw("SELECT confirmed_at FROM age_confirmations").Scan(&at).Error; err != nil || !at.Equal(first) {
		t.Errorf("%s, %v", at, err)
	}
}

// What a visitor says needs a cookie to live in.
func TestVisitorsWithoutCookiesAreTold(t *testing.T) {
	r := newRoom(t)
	v := r.visitor()
	v.CanSetCookie = false
	_, err := r.ConfirmAge(t.Context(), v, 1990, 5)
	wantFault(t, err, fault.Unauthenticated)
	_, err = r.Accept(t.Context(), v, r.Current().Version, "API")
	wantFault(t, err, fault.Unauthenticated)
	_, _, err = r.SetConsent(t.Context(), v, "PREFERENCES_COOKIE", true, "BANNER")
	wantFault(t, err, fault.Unauthenticated)
}

// P7: acceptance is kept with version, time and method, once per version.
func TestOnlyTheVersionInForceIsAccepted(t *testing.T) {
	r := newRoom(t)
	current := r.Current().Version
	for _, v := range []viewer.Viewer{r.visitor(), r.guest()} {
		for _, wrong := range []string{"", "2024-01-01.1", current + " ", "x"} {
			_, err := r.Accept(t.Context(), v, wrong, "COMPOSER")
			wantFault(t, err, fault.Invalid)
		}
		first := r.clock.Now()
		g, err := r.Accept(t.Context(), v, current, "COMPOSER")
		if err != nil {
			t.Fatal(err)
		}
		v.Gate = g
		r.clock.move(time.Minute)
		if v.Gate, err = r.Accept(t.Context(), v, current, "SETTINGS"); err != nil {
			t.Fatal(err)
		}
		got := must(r.Acceptances(t.Context(), v))(t)
		if len(got) != 1 || got[0].Version != current || got[0].Method != "COMPOSER" || !got[0].AcceptedAt.Equal(first) {
			t.Errorf("%v: %+v", v, got)
		}
		if s := must(r.Gate(t.Context(), v))(t); !s.PolicyAccepted || s.PolicyVersion != current {
			t.Errorf("%+v", s)
		}
	}
	if policy.MinimumAge != 13 {
		t.Error("the policy says 13")
	}
}

// An owner that is gone is told so.
func TestAnOwnerThatIsGoneIsToldSo(t *testing.T) {
	r := newRoom(t)
	v := r.guest()
	if err := r.db.Gorm(t.Context()).Exec("DELETE FROM owners").Error; err != nil {
		t.Fatal(err)
	}
	_, err := r.ConfirmAge(t.Context(), v, 1990, 5)
	wantFault(t, err, fault.Unauthenticated)
	_, err = r.Accept(t.Context(), v, r.Current().Version, "API")
	wantFault(t, err, fault.Unauthenticated)
	_, _, err = r.SetConsent(t.Context(), v, "PREFERENCES_COOKIE", true, "API")
	wantFault(t, err, fault.Unauthenticated)
}
