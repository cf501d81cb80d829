package policy_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P37, P121: a visitor who hasn't settled age and policy is told so in this order, and
// nothing is stored; settled, its first message makes the rows.
func TestTheGateIsCheckedInOrderAndBecomesRows(t *testing.T) {
	r := newRoom(t)
	v := r.visitor()
	wantFault(t, r.check(v), fault.AgeRequired)
	v.Gate = must(r.Accept(t.Context(), v, r.Current().Version, "COMPOSER"))(t)
	wantFault(t, r.check(v), fault.AgeRequired)
	v.Gate = must(r.ConfirmAge(t.Context(), v, 1990, 5))(t)
	v.Gate.AcceptedPolicy = "2024-01-01.1"
	wantFault(t, r.check(v), fault.PolicyRequired)
	v = r.passed()
	_, g, err := r.SetConsent(t.Context(), v, models.ConsentPreferencesCookie, false, models.ConsentBanner)
	if err != nil {
		t.Fatal(err)
	}
	v.Gate = g
	if err := r.check(v); err != nil {
		t.Fatal(err)
	}
	if n := r.rows(); n != 0 {
		t.Errorf("%d rows before the first message", n)
	}
	var guest viewer.Viewer
	r.tx(func(tx *gorm.DB) (err error) {
		if guest, err = r.accounts.EnsureGuestTx(tx, v); err != nil {
			return err
		}
		guest.Gate = v.Gate
		return r.CheckTx(tx, guest)
	})
	if n := r.rows(); n != 5 { // owner, session, age, acceptance, consent
		t.Errorf("%d rows after it", n)
	}
	if err := r.check(guest); err != nil { // again, with the same gate: nothing new
		t.Error(err)
	}
	guest.Gate = viewer.Gate{}
	if err := r.check(guest); err != nil {
		t.Error(err)
	}
	if n := r.rows(); n != 5 {
		t.Errorf("%d rows after a second message", n)
	}
	got := must(r.Consents(t.Context(), guest))(t)
	if len(got) != 1 || got[0].Granted || got[0].Method != models.ConsentBanner || !got[0].CreatedAt.Equal(v.Gate.Preferences.At) {
		t.Errorf("%+v", got)
	}
}

// Guests from before the question was asked are asked, too.
func TestAGuestWithoutRowsIsAsked(t *testing.T) {
	r := newRoom(t)
	v := r.guest()
	wantFault(t, r.check(v), fault.AgeRequired)
	if _, err := r.ConfirmAge(t.Context(), v, 1990, 5); err != nil {
		t.Fatal(err)
	}
	wantFault(t, r.check(v), fault.PolicyRequired)
	if _, err := r.Accept(t.Context(), v, r.Current().Version, "COMPOSER"); err != nil {
		t.Fatal(err)
	}
	if err := r.check(v); err != nil {
		t.Error(err)
	}
}

// P95: a service of somebody else gets no message without the consent that names it,
// and none any more once that is withdrawn.
func TestExternalInferenceNeedsAConsentThatNamesIt(t *testing.T) {
	r := newRoom(t)
	ctx := t.Context()
	people := []viewer.Viewer{r.passed(), r.settledGuest()}
	r.external = "api.example.org"
	for _, v := range people {
		err := r.check(v)
		wantFault(t, err, fault.ConsentRequired)
		if list, _ := fault.Of(err); len(list) != 1 || !containsWord(list[0].Message, "api.example.org") {
			t.Errorf("%v does not name the service", err)
		}
		set := func(granted bool) {
			t.Helper()
			c, g, err := r.SetConsent(ctx, v, models.ConsentExternalInference, granted, models.ConsentDialog)
			if err != nil || c.Provider != r.external {
				t.Fatalf("%+v %v", c, err)
			}
			v.Gate = g
		}
		set(true)
		if err := r.check(v); err != nil {
			t.Error(err)
		}
		if !must(r.Granted(ctx, v, models.ConsentExternalInference))(t) {
			t.Error("not granted")
		}
		r.external = "other.example.org"
		wantFault(t, r.check(v), fault.ConsentRequired)
		if must(r.Granted(ctx, v, models.ConsentExternalInference))(t) {
			t.Error("granted to another service")
		}
		r.external = ""
		if err := r.check(v); err != nil {
			t.Errorf("an engine of our own: %v", err)
		}
		r.external = "api.example.org"
		set(false)
		wantFault(t, r.check(v), fault.ConsentRequired)
	}
}

// settledGuest is a stored guest for whom age and policy are settled.
func (r *room) settledGuest() (v viewer.Viewer) {
	r.t.Helper()
	visitor := r.passed()
	r.tx(func(tx *gorm.DB) (err error) {
		if v, err = r.accounts.EnsureGuestTx(tx, visitor); err != nil {
			return err
		}
		v.Gate = visitor.Gate
		return r.CheckTx(tx, v)
	})
	v.Gate = viewer.Gate{}
	return v
}

// Nobody gets an account before age and policy are settled; what was settled as a
// visitor or a guest counts.
func TestAdmission(t *testing.T) {
	r := newRoom(t)
	admit := func(v, from viewer.Viewer) error {
		return r.db.Tx(t.Context(), func(tx *gorm.DB) error { return r.AdmitTx(tx, v, from) })
	}
	account := r.guest()
	wantFault(t, admit(account, r.visitor()), fault.AgeRequired)
	young := r.visitor()
	young.Gate.AgeRefusedUntil = r.clock.Now().Add(time.Hour)
	wantFault(t, admit(account, young), fault.AgeRefused)
	half := r.visitor()
	half.Gate = must(r.ConfirmAge(t.Context(), half, 1990, 5))(t)
	wantFault(t, admit(account, half), fault.PolicyRequired)
	if s := must(r.Gate(t.Context(), account))(t); s.AgeConfirmed {
		t.Error("a refused admission left a row")
	}
	if err := admit(account, r.passed()); err != nil {
		t.Error(err)
	}
	fromGuest := r.guest()
	wantFault(t, admit(fromGuest, r.guest()), fault.AgeRequired)
	for range 2 { // repeating it changes nothing
		if err := admit(fromGuest, r.settledGuest()); err != nil {
			t.Error(err)
		}
	}
	become := r.settledGuest()
	if err := admit(become, become); err != nil {
		t.Errorf("a guest that becomes an account: %v", err)
	}
}

// P43: what a guest agreed to joins the account: acceptances together, the age kept,
// the newest of each consent.
func TestAGuestsChoicesJoinTheAccount(t *testing.T) {
	r := newRoom(t)
	ctx := t.Context()
	choose := func(v viewer.Viewer, kind models.ConsentKind, granted bool) {
		t.Helper()
		r.clock.move(time.Second)
		if _, _, err := r.SetConsent(ctx, v, kind, granted, models.ConsentSettings); err != nil {
			t.Fatal(err)
		}
	}
	to := r.settledGuest()
	to.Kind = viewer.Account
	since := must(r.Acceptances(ctx, to))(t)[0].AcceptedAt
	r.clock.move(time.Hour)
	from := r.settledGuest()
	choose(to, models.ConsentPreferencesCookie, true)
	choose(from, models.ConsentPreferencesCookie, false)
	choose(to, models.ConsentMarketing, false)
	choose(from, models.ConsentExternalInference, true)
	if must(r.Granted(ctx, to, models.ConsentExternalInference))(t) {
		t.Error("granted before the move")
	}
	for range 2 {
		r.tx(func(tx *gorm.DB) error { return r.MoveTx(tx, from, to) })
	}
	got := map[models.ConsentKind]bool{}
	for _, c := range must(r.Consents(ctx, to))(t) {
		got[c.Kind] = c.Granted
	}
	want := map[models.ConsentKind]bool{models.ConsentPreferencesCookie: false, models.ConsentMarketing: false, models.ConsentExternalInference: true}
	for kind, granted := range want {
		if got[kind] != granted || len(got) != len(want) {
			t.Errorf("%v", got)
		}
	}
	if !must(r.Granted(ctx, to, models.ConsentExternalInference))(t) {
		t.Error("not granted after the move")
	}
	if a := must(r.Acceptances(ctx, to))(t); len(a) != 1 || !a[0].AcceptedAt.Equal(since) {
		t.Errorf("%+v", a)
	}
	var left int
	if err := r.db.Gorm(ctx).Raw(`SELECT (SELECT count(*) FROM age_confirmations WHERE owner_id = @o) + (SELECT count(*) FROM policy_acceptances WHERE owner_id = @o)
		+ (SELECT count(*) FROM consents WHERE owner_id = @o)`, map[string]any{"o": from.OwnerID}).Scan(&left).Error; err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}

// A visitor that signs in to an account it has: what it accepted now is kept there.
func TestAVisitorsGateJoinsTheAccount(t *testing.T) {
	r := newRoom(t)
	account := r.guest()
	visitor := r.passed()
	r.tx(func(tx *gorm.DB) error { return r.MoveTx(tx, visitor, account) })
	if err := r.check(account); err != nil {
		t.Error(err)
	}
}

// P49: receipts say how much of what was confirmed, accepted and agreed to went.
func TestRowsAreCounted(t *testing.T) {
	r := newRoom(t)
	v, other := r.settledGuest(), r.settledGuest()
	r.external = "ai.example"
	if _, _, err := r.SetConsent(t.Context(), v, models.ConsentExternalInference, true, models.ConsentDialog); err != nil {
		t.Fatal(err)
	}
	var counts map[string]int64
	r.tx(func(tx *gorm.DB) (err error) {
		counts, err = r.CountTx(tx, []string{v.OwnerID, other.OwnerID})
		return err
	})
	var consents int64
	if err := r.db.Gorm(t.Context()).Raw(`SELECT count(*) FROM consents`).Scan(&consents).Error; err != nil {
		t.Fatal(err)
	}
	if len(counts) != 3 || counts["age_confirmations"] != 2 || counts["policy_acceptances"] != 2 || counts["consents"] != consents {
		t.Errorf("%v, %d consents", counts, consents)
	}
}

// A guest that is made with its first message has what its cookie holds stored, and written
// down, as with any other; a gate that is not passed keeps nothing.
func TestAGateIsKeptWithTheGuestItMakes(t *testing.T) {
	r := newRoom(t)
	v := r.passed()
	_, g, err := r.SetConsent(t.Context(), v, models.ConsentPreferencesCookie, true, models.ConsentBanner)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(gate viewer.Gate) (guest viewer.Viewer, err error) {
		err = r.db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
			if guest, err = r.accounts.EnsureGuestTx(tx, r.visitor()); err != nil {
				return err
			}
			guest.Gate = gate
			return r.KeepTx(tx, guest)
		})
		return guest, err
	}
	_, err = keep(viewer.Gate{Preferences: g.Preferences})
	wantFault(t, err, fault.AgeRequired)
	if n := r.rows(); n != 0 {
		t.Errorf("%d rows of who was refused", n)
	}
	guest, err := keep(g)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.rows(); n != 5 { // owner, session, age, acceptance, consent
		t.Errorf("%d rows", n)
	}
	var acts int64
	if err := r.db.Gorm(t.Context()).Model(&models.AuditEntry{}).Where("session_id = ?", guest.SessionID).Count(&acts).Error; err != nil || acts != 3 {
		t.Errorf("%d acts, %v", acts, err)
	}
	guest.Gate = viewer.Gate{}
	if err := r.check(guest); err != nil {
		t.Error(err)
	}
}
