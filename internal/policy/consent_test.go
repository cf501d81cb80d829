package policy_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func containsWord(text, word string) bool {
	for f := range strings.FieldsSeq(text) {
		if strings.Trim(f, ",.:;") == word {
			return true
		}
	}
	return false
}

// P130: each choice is a dated row of its own, the newest counts, and none says
// anything about another kind.
func TestConsentsAreSeparateDatedAndRevocable(t *testing.T) {
	r := newRoom(t)
	ctx := t.Context()
	v := r.member()
	kinds := []models.ConsentKind{models.ConsentPreferencesCookie, models.ConsentExternalInference, models.ConsentShare, models.ConsentMarketing}
	if got := must(r.Consents(ctx, v))(t); len(got) != 0 {
		t.Errorf("%+v before any choice", got)
	}
	for i, kind := range kinds {
		if must(r.Granted(ctx, v, kind))(t) {
			t.Errorf("%s is granted from the start", kind)
		}
		r.clock.move(time.Minute)
		c, _, err := r.SetConsent(ctx, v, kind, true, "")
		if err != nil || c.Kind != kind || !c.Granted || c.Method != models.ConsentAPI || c.PolicyVersion != r.Current().Version || !c.CreatedAt.Equal(r.clock.Now()) {
			t.Errorf("%+v %v", c, err)
		}
		if got := must(r.Consents(ctx, v))(t); len(got) != i+1 {
			t.Errorf("%d choices after %d", len(got), i+1)
		}
		if !must(r.Granted(ctx, v, kind))(t) {
			t.Errorf("%s is not granted", kind)
		}
	}
	for _, kind := range kinds {
		if _, _, err := r.SetConsent(ctx, v, kind, false, models.ConsentSettings); err != nil {
			t.Error(err)
		}
		if must(r.Granted(ctx, v, kind))(t) {
			t.Errorf("%s is granted after it was withdrawn", kind)
		}
	}
	var n int
	if err := r.db.Gorm(ctx).Raw("SELECT count(*) FROM consents").Scan(&n).Error; err != nil || n != 8 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// P130: withdrawing counts on every instance within a second.
func TestWithdrawingReachesOtherInstances(t *testing.T) {
	url := dbtest.URL(t)
	here, there := openRoom(t, url), openRoom(t, url)
	v := here.member()
	if _, _, err := here.SetConsent(t.Context(), v, models.ConsentShare, true, ""); err != nil {
		t.Fatal(err)
	}
	if !must(there.Granted(t.Context(), v, models.ConsentShare))(t) {
		t.Fatal("not granted there")
	}
	if _, _, err := here.SetConsent(t.Context(), v, models.ConsentShare, false, ""); err != nil {
		t.Fatal(err)
	}
	there.clock.move(time.Second - time.Millisecond)
	if must(there.Granted(t.Context(), v, models.ConsentShare))(t) {
		t.Error("still granted there")
	}
	// Nor does a clock that is set back keep an old answer alive.
	if _, _, err := here.SetConsent(t.Context(), v, models.ConsentShare, true, ""); err != nil {
		t.Fatal(err)
	}
	there.clock.move(-time.Hour)
	if !must(there.Granted(t.Context(), v, models.ConsentShare))(t) {
		t.Error("an answer of an hour ahead counts")
	}
}

// P41: publishing and news need an account; a guest is refused and nothing is stored.
func TestGuestsChoices(t *testing.T) {
	r := newRoom(t)
	v := r.guest()
	before := r.rows()
	for _, kind := range []models.ConsentKind{models.ConsentShare, models.ConsentMarketing} {
		_, _, err := r.SetConsent(t.Context(), v, kind, true, models.ConsentSettings)
		wantFault(t, err, fault.Forbidden)
	}
	if r.rows() != before {
		t.Error("a refused choice left a row")
	}
}

// What a visitor can choose, and that its choices can be read back.
func TestVisitorsChoices(t *testing.T) {
	r := newRoom(t)
	ctx := t.Context()
	v := r.visitor()
	for _, kind := range []models.ConsentKind{models.ConsentShare, models.ConsentMarketing} {
		_, g, err := r.SetConsent(ctx, v, kind, true, models.ConsentSettings)
		wantFault(t, err, fault.Forbidden)
		if g != (viewer.Gate{}) {
			t.Errorf("%+v", g)
		}
	}
	_, v.Gate, _ = r.SetConsent(ctx, v, models.ConsentPreferencesCookie, true, models.ConsentBanner)
	if !must(r.Granted(ctx, v, models.ConsentPreferencesCookie))(t) || must(r.Granted(ctx, v, models.ConsentShare))(t) {
		t.Error("the wrong thing is granted")
	}
	got := must(r.Consents(ctx, v))(t)
	if len(got) != 1 || got[0].Kind != models.ConsentPreferencesCookie || !got[0].Granted || got[0].Method != models.ConsentBanner {
		t.Errorf("%+v", got)
	}
	if n := r.rows(); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// P130, P114, P95: the newest choice is the one that was made last, whatever the clock of the
// instance said that took the one before.
func TestTheNewestChoiceIsTheLastOne(t *testing.T) {
	r := newRoom(t)
	v := r.member()
	choose := func(kind models.ConsentKind, granted bool) {
		t.Helper()
		if _, _, err := r.SetConsent(t.Context(), v, kind, granted, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []models.ConsentKind{models.ConsentShare, models.ConsentMarketing, models.ConsentExternalInference} {
		choose(kind, true)
	}
	if _, err := r.db.Pool().Exec(t.Context(), `UPDATE consents SET id = 'cns_f' || substr(id, 6)`); err != nil {
		t.Fatal(err)
	}
	choose(models.ConsentShare, false)
	choose(models.ConsentExternalInference, false)
	_, token, _ := strings.Cut(r.UnsubscribePath(v.OwnerID), "/unsubscribe/")
	if err := r.Unsubscribe(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []models.ConsentKind{models.ConsentShare, models.ConsentMarketing, models.ConsentExternalInference} {
		if must(r.Granted(t.Context(), v, kind))(t) {
			t.Errorf("%s is granted after it was withdrawn", kind)
		}
		if n := must(r.AgreedCount(t.Context(), kind))(t); n != 0 {
			t.Errorf("%d agree to %s", n, kind)
		}
	}
	for _, c := range must(r.Consents(t.Context(), v))(t) {
		if c.Granted {
			t.Errorf("%s is shown as granted", c.Kind)
		}
	}
	if wants := must(r.Subscribed(t.Context(), v.OwnerID))(t); wants {
		t.Error("news are sent")
	}
}

// P95: whoever sends messages on is told at once that a consent is withdrawn.
func TestWithdrawingIsToldOfOwners(t *testing.T) {
	r := newRoom(t)
	var told []string
	c := r.config()
	c.Withdrawn = func(_ context.Context, v viewer.Viewer, kind models.ConsentKind) {
		told = append(told, v.OwnerID+" "+string(kind))
	}
	s := must(policy.New(c))(t)
	v := r.guest()
	for _, granted := range []bool{true, false} {
		if _, _, err := s.SetConsent(t.Context(), v, models.ConsentExternalInference, granted, ""); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0] != v.OwnerID+" EXTERNAL_INFERENCE" {
		t.Errorf("%v", told)
	}
}

// The cookie gives back what it was given, and nothing that was changed or too old.
func TestGateCookie(t *testing.T) {
	r := newRoom(t)
	ctx := t.Context()
	r.external = "api.example.org"
	v := r.passed()
	_, v.Gate, _ = r.SetConsent(ctx, v, models.ConsentPreferencesCookie, false, models.ConsentBanner)
	_, v.Gate, _ = r.SetConsent(ctx, v, models.ConsentExternalInference, true, models.ConsentDialog)
	value, lasts := r.Stamp(v.Gate)
	if lasts != 30*24*time.Hour || len(value) > 1000 {
		t.Errorf("%d bytes for %s", len(value), lasts)
	}
	if got := r.Read(value); got != v.Gate {
		t.Errorf("got  %+v\nwant %+v", got, v.Gate)
	}
	if value, _ := r.Stamp(viewer.Gate{}); value != "" {
		t.Errorf("nothing is %q", value)
	}
	for i := range value {
		changed := []byte(value)
		changed[i] = "Ab"[i%2]
		if string(changed) != value && r.Read(string(changed)) != (viewer.Gate{}) {
			t.Fatalf("byte %d changed is read", i)
		}
		if r.Read(value[:i]) != (viewer.Gate{}) {
			t.Fatalf("%d bytes are read", i)
		}
	}
	for _, wrong := range []string{"", "x", strings.Repeat("A", 1<<20), value + "A", value + value} {
		if r.Read(wrong) != (viewer.Gate{}) {
			t.Errorf("%.20q is read", wrong)
		}
	}
	c := r.config()
	c.CookieKey = append([]byte("another"), cookieKey...)
	if must(policy.New(c))(t).Read(value) != (viewer.Gate{}) {
		t.Error("another installation reads it")
	}
	r.clock.move(30*24*time.Hour - time.Microsecond)
	if r.Read(value) != v.Gate {
		t.Error("too old too early")
	}
	r.clock.move(time.Microsecond)
	if r.Read(value) != (viewer.Gate{}) {
		t.Error("read after its time")
	}
}
