package disclosure_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func request(account string) disclosure.Request {
	return disclosure.Request{Account: account, Ground: models.LegalByLaw, Authority: "District Court of Example", Basis: "§ 100g StPO, order of 1 May 2026",
		Asked: []models.DataKind{models.DataUsage, models.DataAccount}, Words: models.LegalWords{Reference: "12 Gs 3/26", Scope: "canary-scope of April 2026", Reason: "canary-reason"}}
}

func (o *office) received(admin viewer.Viewer, account string) *models.LegalRequest {
	o.t.Helper()
	r, err := o.Receive(o.t.Context(), admin, request(account))
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// P97: a request has an authority, a basis, a scope and a reason, and is written down; what
// is given is at most what was asked for; whom it is about gets a mail and sees it. What
// could name somebody is sealed.
func TestARequestIsDecidedAndTold(t *testing.T) {
	o := newOffice(t)
	admin, owner := o.admin(), o.owner(viewer.Account)
	r := o.received(admin, owner.OwnerID)
	if r.State != models.LegalOpen || r.Asked != "ACCOUNT USAGE" || len(o.seen(owner)) != 0 {
		t.Errorf("%+v", r)
	}
	_, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Given: []models.DataKind{models.DataConversations}, Reason: "more than they asked"})
	wantFault(t, err, fault.Invalid)
	decided, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Given: []models.DataKind{models.DataAccount}, Reason: "the order covers no more"})
	if err != nil || decided.State != models.LegalDisclosed || decided.Telling != models.TellingTold || decided.Given != "ACCOUNT" {
		t.Fatalf("%+v %v", decided, err)
	}
	if len(o.post.letters) != 1 || o.post.letters[0].Kind != models.LetterDisclosed || o.post.letters[0].Facts["kinds"] != "ACCOUNT" {
		t.Errorf("%+v", o.post.letters)
	}
	if got := o.seen(owner); !slices.Equal(got, []models.AuditAct{models.AuditLegalDecided}) {
		t.Errorf("the owner sees %v", got)
	}
	_, err = o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Reason: "once more"})
	wantFault(t, err, fault.Conflict)
	list, _, err := o.Requests(t.Context(), admin, page.Args{Size: 10})
	if err != nil || len(list) != 1 || list[0].Scope != "canary-scope of April 2026" || list[0].Decision != "the order covers no more" || *list[0].OwnerID != owner.OwnerID {
		t.Errorf("%+v %v", list, err)
	}
	var raw string
	if err := o.db.Pool().QueryRow(t.Context(), `SELECT concat((SELECT string_agg(r::text, '') FROM legal_requests r), (SELECT string_agg(s::text, '') FROM legal_subjects s))`).Scan(&raw); err != nil || strings.Contains(raw, "canary") {
		t.Errorf("%s %v", raw, err)
	}
}

// P97: where the law forbids to tell, nobody is told, and the activity doesn't say it
// either; the reason of that is kept.
func TestAProhibitionIsKept(t *testing.T) {
	o := newOffice(t)
	admin, owner := o.admin(), o.owner(viewer.Account)
	r := o.received(admin, owner.OwnerID)
	decided, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Given: []models.DataKind{models.DataUsage}, Reason: "a court ordered it", Prohibition: "§ 95a StPO until August"})
	if err != nil || decided.Telling != models.TellingProhibited {
		t.Fatalf("%+v %v", decided, err)
	}
	if len(o.post.letters) != 0 || len(o.seen(owner)) != 0 {
		t.Errorf("told all the same: %v %v", o.post.letters, o.seen(owner))
	}
	records, _, err := o.audit.Records(t.Context(), admin, page.Args{Size: 10}, audit.Filter{})
	if err != nil || len(records) != 2 || records[0].Facts.Ref != r.ID || records[0].OwnerID != nil {
		t.Errorf("%+v %v", records, err)
	}
}

// P97: nothing is given of who is gone; the counts stay, the words go.
func TestARequestOutlivesWhomItIsAbout(t *testing.T) {
	o := newOffice(t)
	admin, owner, other := o.admin(), o.owner(viewer.Account), o.owner(viewer.Guest)
	r, refused := o.received(admin, owner.OwnerID), o.received(admin, other.OwnerID)
	if _, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: refused.ID, Reason: "no order was shown"}); err != nil {
		t.Fatal(err)
	}
	o.exec(`DELETE FROM owners WHERE id = $1`, owner.OwnerID)
	_, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Given: []models.DataKind{models.DataAccount}, Reason: "too late"})
	wantFault(t, err, fault.NotFound)
	decided, err := o.Decide(t.Context(), admin, disclosure.Decision{RequestID: r.ID, Reason: "nothing is left"})
	if err != nil || decided.State != models.LegalRefused || decided.Telling != models.TellingUnreachable || decided.OwnerID != nil {
		t.Errorf("%+v %v", decided, err)
	}
	c, err := o.Counts(t.Context())
	if err != nil || c.Refused != 2 || c.Open != 0 || c.Disclosed != 0 || c.Since == nil {
		t.Errorf("%+v %v", c, err)
	}
	var n int
	if err := o.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM legal_subjects`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d subjects are left %v", n, err)
	}
}

// P97: what is not complete is refused, and so is everybody but an administrator.
func TestWhatARequestNeeds(t *testing.T) {
	o := newOffice(t)
	admin, owner := o.admin(), o.owner(viewer.Account)
	for name, change := range map[string]func(*disclosure.Request){
		"ground": func(r *disclosure.Request) { r.Ground = "CURIOSITY" }, "authority": func(r *disclosure.Request) { r.Authority = " " }, "basis": func(r *disclosure.Request) { r.Basis = "" },
		"asked": func(r *disclosure.Request) { r.Asked = nil }, "scope": func(r *disclosure.Request) { r.Words.Scope = "" }, "reason": func(r *disclosure.Request) { r.Words.Reason = strings.Repeat("x", 2001) },
		"unknown": func(r *disclosure.Request) { r.Asked = []models.DataKind{"DREAMS"} },
	} {
		r := request(owner.OwnerID)
		change(&r)
		if _, err := o.Receive(t.Context(), admin, r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := o.Receive(t.Context(), admin, request("nobody@example.org"))
	wantFault(t, err, fault.NotFound)
	_, err = o.Receive(t.Context(), owner, request(owner.OwnerID))
	wantFault(t, err, fault.Forbidden)
	_, _, err = o.Requests(t.Context(), owner, page.Args{Size: 1})
	wantFault(t, err, fault.Forbidden)
	_, err = o.Decide(t.Context(), admin, disclosure.Decision{RequestID: "lgl_1", Reason: "x"})
	wantFault(t, err, fault.NotFound)
}
