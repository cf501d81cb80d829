package policy_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P124: every published version is listed, newest first, also one that is ahead of its day;
// one whose publication lies ahead is not.
func TestPublishedVersionsAreListed(t *testing.T) {
	r := newRoom(t)
	c := r.config()
	c.Files = shelf(edition("2025-01-01.1", "2025-01-01", ""), edition("2026-02-01.1", "2026-02-01", "minor"), edition("2026-05-01.1", "2026-05-01", ""))
	s := must(policy.New(c))(t)
	names := func() string {
		var all []string
		for _, v := range s.Versions() {
			all = append(all, v.Version)
		}
		return strings.Join(all, " ")
	}
	if got := names(); got != "2026-02-01.1 2025-01-01.1" {
		t.Error(got)
	}
	if version, _, ok := s.Announced(); ok {
		t.Errorf("%s is announced, which changes little", version)
	}
	r.clock.set(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if got := names(); got != "2026-05-01.1 2026-02-01.1 2025-01-01.1" {
		t.Error(got)
	}
	if version, at, ok := s.Announced(); !ok || version != "2026-05-01.1" || at.Month() != 5 {
		t.Error(version, at, ok)
	}
}

// ahead is a shelf whose last version is published a month before its day.
func ahead(t *testing.T, r *room) *policy.Service {
	t.Helper()
	c := r.config()
	c.Files = shelf(edition("2025-01-01.1", "2025-01-01", ""), edition("2026-02-01.1", "2026-02-01", "minor"), edition("2026-05-01.1", "2026-05-01/2026-03-20", ""))
	return must(policy.New(c))(t)
}

// P127: who accepted an earlier version is told of a newer one until it is acknowledged;
// sending is refused only once a significant one counts.
func TestANewerVersionIsToldUntilItIsAcknowledged(t *testing.T) {
	r := newRoom(t)
	s := ahead(t, r)
	v, fresh := r.guest(), r.guest()
	for _, one := range []viewer.Viewer{v, fresh} {
		if _, err := s.ConfirmAge(t.Context(), one, 1990, 5); err != nil {
			t.Fatal(err)
		}
	}
	news := func() *policy.News { return must(s.Gate(t.Context(), v))(t).News }
	accept := func(version string) {
		t.Helper()
		if _, err := s.Accept(t.Context(), v, version, ""); err != nil {
			t.Fatal(err)
		}
	}
	check := func() error { return r.db.Tx(t.Context(), txCheck(s, v)) }
	r.clock.set(time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC))
	accept("2025-01-01.1")
	if n := news(); n != nil {
		t.Errorf("told of %+v before it is published", n)
	}
	r.clock.set(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if n := news(); n == nil || n.Version != "2026-02-01.1" || n.Significant || !n.InForce || check() != nil {
		t.Errorf("%+v", n)
	}
	if n := must(s.Gate(t.Context(), fresh))(t).News; n != nil {
		t.Errorf("who has accepted nothing is told of %+v", n)
	}
	accept("2026-02-01.1")
	if n := news(); n != nil {
		t.Errorf("told again of %+v", n)
	}
	r.clock.set(time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC))
	if n := news(); n == nil || n.Version != "2026-05-01.1" || !n.Significant || n.InForce || check() != nil {
		t.Errorf("%+v", n)
	}
	r.clock.set(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if n := news(); n == nil || !n.InForce {
		t.Errorf("%+v", n)
	}
	wantFault(t, check(), fault.PolicyRequired)
	accept("2026-05-01.1")
	if n := news(); n != nil || check() != nil {
		t.Errorf("%+v", n)
	}
}

func txCheck(s *policy.Service, v viewer.Viewer) func(*gorm.DB) error {
	return func(tx *gorm.DB) error { return s.CheckTx(tx, v) }
}

// P127: a version that counts is told before one that will.
func TestAVersionInForceIsToldFirst(t *testing.T) {
	r := newRoom(t)
	s := ahead(t, r)
	v := r.guest()
	r.clock.set(time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC))
	if _, err := s.Accept(t.Context(), v, "2025-01-01.1", ""); err != nil {
		t.Fatal(err)
	}
	r.clock.set(time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC))
	for _, want := range []policy.News{{Version: "2026-02-01.1", InForce: true}, {Version: "2026-05-01.1", Significant: true}} {
		n := must(s.Gate(t.Context(), v))(t).News
		if n == nil || n.Version != want.Version || n.InForce != want.InForce || n.Significant != want.Significant {
			t.Errorf("%+v instead of %+v", n, want)
		}
		if _, err := s.Accept(t.Context(), v, want.Version, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// P127: who accepts a version before its day is not interrupted on it.
func TestAVersionCanBeAcceptedBeforeItsDay(t *testing.T) {
	r := newRoom(t)
	s := ahead(t, r)
	v := r.guest()
	r.clock.set(time.Date(2026, 3, 21, 0, 0, 0, 0, time.UTC))
	for _, version := range []string{"2026-02-01.1", "2026-05-01.1"} {
		if _, err := s.Accept(t.Context(), v, version, ""); err != nil {
			t.Fatal(err)
		}
	}
	if !must(s.Gate(t.Context(), v))(t).PolicyAccepted {
		t.Error("the version in force counts no more")
	}
	_, err := s.Accept(t.Context(), v, "2025-01-01.1", "")
	wantFault(t, err, fault.Invalid)
	visitor := r.visitor()
	_, err = s.Accept(t.Context(), visitor, "2026-05-01.1", "")
	wantFault(t, err, fault.Invalid)
	r.clock.set(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if g := must(s.Gate(t.Context(), v))(t); !g.PolicyAccepted || g.News != nil {
		t.Errorf("%+v", g)
	}
}

// P114: a link that ends news is good for one owner and can't be guessed; for who is gone
// it does nothing.
func TestOnlyOurLinksEndNews(t *testing.T) {
	r := newRoom(t)
	v, other := r.member(), r.member()
	for _, one := range []viewer.Viewer{v, other} {
		if _, _, err := r.SetConsent(t.Context(), one, models.ConsentMarketing, true, ""); err != nil {
			t.Fatal(err)
		}
	}
	token := strings.TrimPrefix(r.UnsubscribePath(v.OwnerID), "/unsubscribe/")
	mixed := strings.TrimPrefix(r.UnsubscribePath(other.OwnerID), "/unsubscribe/")[:32] + token[32:]
	for _, bad := range []string{"", token[1:], token + "0", "0" + token[1:], mixed, strings.ToUpper(token), strings.Repeat("0", len(token)), token[:len(token)-1] + "g"} {
		if bad == token {
			continue
		}
		wantFault(t, r.Unsubscribe(t.Context(), bad), fault.NotFound)
		wantFault(t, r.CheckUnsubscribe(bad), fault.NotFound)
	}
	if err := r.Unsubscribe(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if must(r.Granted(t.Context(), v, models.ConsentMarketing))(t) || !must(r.Granted(t.Context(), other, models.ConsentMarketing))(t) {
		t.Error("it ended somebody else's, or nobody's")
	}
	if err := r.db.Gorm(t.Context()).Exec(`DELETE FROM owners WHERE id = ?`, v.OwnerID).Error; err != nil {
		t.Fatal(err)
	}
	if err := r.Unsubscribe(t.Context(), token); err != nil {
		t.Errorf("for who is gone: %v", err)
	}
	c := r.config()
	c.CookieKey = append([]byte{9}, cookieKey[1:]...)
	wantFault(t, must(policy.New(c))(t).CheckUnsubscribe(token), fault.NotFound)
}
