package disclosure_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const reason = "a report of abuse that the owner sent us"

// asked is what an administrator asked for: one of the owner's two conversations.
func (o *office) asked(admin, owner viewer.Viewer) *models.Opening {
	o.t.Helper()
	o.shelf.owners["con_1"], o.shelf.owners["con_2"] = owner.OwnerID, owner.OwnerID
	opening, err := o.Ask(o.t.Context(), admin, disclosure.Ask{Account: owner.OwnerID, Conversations: []string{"con_1"}, Reason: reason})
	if err != nil {
		o.t.Fatal(err)
	}
	return opening
}

func (o *office) read(v viewer.Viewer, opening, conversation string) error {
	_, err := o.Read(o.t.Context(), v, opening, conversation)
	return err
}

// P83, T35: no administrator reads a conversation without another one's approval, none but
// the one who asked, nothing that wasn't named, and nothing after an hour. The owner sees
// each step and each reading, and gets a mail.
func TestConversationsOpenForTwoAdministratorsAndAnHour(t *testing.T) {
	o := newOffice(t)
	first, second, owner := o.admin(), o.admin(), o.owner(viewer.Account)
	opening := o.asked(first, owner)
	wantFault(t, o.read(first, opening.ID, "con_1"), fault.Forbidden)
	_, err := o.Approve(t.Context(), first, opening.ID)
	wantFault(t, err, fault.Forbidden)
	if len(o.post.letters) != 0 {
		t.Error("the owner is told of what nobody may do yet")
	}
	approved, err := o.Approve(t.Context(), second, opening.ID)
	if err != nil || approved.State != models.OpeningOpen || approved.ExpiresAt.Sub(o.clock.Now()) != time.Hour {
		t.Fatal(approved, err)
	}
	if len(o.post.letters) != 1 || o.post.letters[0].Kind != models.LetterContentOpened || o.post.letters[0].To != "ann@example.org" {
		t.Errorf("%+v", o.post.letters)
	}
	o.shelf.before = func() {
		if !slices.Contains(o.seen(owner), models.AuditContentOpened) {
			t.Error("it is read before it is written down")
		}
	}
	if err := o.read(first, opening.ID, "con_1"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"what wasn't named": o.read(first, opening.ID, "con_2"), "who approved": o.read(second, opening.ID, "con_1"), "the owner": o.read(owner, opening.ID, "con_1")} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.clock.move(time.Hour)
	wantFault(t, o.read(first, opening.ID, "con_1"), fault.Forbidden)
	if o.shelf.reads != 1 {
		t.Errorf("it was read %d times", o.shelf.reads)
	}
	want := []models.AuditAct{models.AuditContentOpened, models.AuditContentApproved, models.AuditContentAsked}
	if got := o.seen(owner); !slices.Equal(got, want) {
		t.Errorf("the owner sees %v", got)
	}
	list, _, err := o.Openings(t.Context(), second, page.Args{Size: 10})
	if err != nil || len(list) != 1 || list[0].Reads != 1 || list[0].Reason != reason || list[0].State != models.OpeningEnded {
		t.Errorf("%+v %v", list, err)
	}
}

// P83: what is taken back, refused or not approved within a day opens nothing; the reason
// and an age of the proof are asked for.
func TestWhatIsNotApprovedOpensNothing(t *testing.T) {
	o := newOffice(t)
	first, second, owner := o.admin(), o.admin(), o.owner(viewer.Guest)
	ended, late := o.asked(first, owner), o.asked(first, owner)
	if got, err := o.End(t.Context(), second, ended.ID); err != nil || got.State != models.OpeningEnded {
		t.Fatal(got, err)
	}
	_, err := o.Approve(t.Context(), second, ended.ID)
	wantFault(t, err, fault.Conflict)
	stale := second
	stale.AuthenticatedAt = o.clock.Now().Add(-account.FreshnessTTL)
	_, err = o.Approve(t.Context(), stale, late.ID)
	wantFault(t, err, fault.Reauthenticate)
	o.clock.move(disclosure.ApprovalTTL)
	second.AuthenticatedAt = o.clock.Now()
	_, err = o.Approve(t.Context(), second, late.ID)
	wantFault(t, err, fault.Conflict)
	first.AuthenticatedAt = o.clock.Now()
	for name, ask := range map[string]disclosure.Ask{
		"no reason": {Account: owner.OwnerID, Conversations: []string{"con_1"}, Reason: "because"}, "no conversation": {Account: owner.OwnerID, Reason: reason},
		"too many": {Account: owner.OwnerID, Conversations: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, Reason: reason},
	} {
		if _, err := o.Ask(t.Context(), first, ask); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, ask := range []disclosure.Ask{{Account: owner.OwnerID, Conversations: []string{"con_9"}, Reason: reason}, {Account: "nobody@example.org", Conversations: []string{"con_1"}, Reason: reason}} {
		_, err := o.Ask(t.Context(), first, ask)
		wantFault(t, err, fault.NotFound)
	}
	_, err = o.Ask(t.Context(), owner, disclosure.Ask{Account: owner.OwnerID, Conversations: []string{"con_1"}, Reason: reason})
	wantFault(t, err, fault.Forbidden)
	if o.shelf.reads != 0 {
		t.Error("something was read")
	}
}

// P83: a reading that can't be written down doesn't take place.
func TestNothingIsReadUnwritten(t *testing.T) {
	o := newOffice(t)
	first, second, owner := o.admin(), o.admin(), o.owner(viewer.Account)
	opening := o.asked(first, owner)
	if _, err := o.Approve(t.Context(), second, opening.ID); err != nil {
		t.Fatal(err)
	}
	mute := disclosure.New(disclosure.Config{DB: o.db, Audit: (*audit.Service)(nil), Owners: o.accounts, Reader: o.shelf, Clock: clock.Func(o.clock.Now)})
	if _, err := mute.Read(t.Context(), first, opening.ID, "con_1"); err == nil || o.shelf.reads != 0 {
		t.Errorf("%d times read, %v", o.shelf.reads, err)
	}
}

// P83: openings go with the owner; the database refuses an approval by who asked, and a
// longer one.
func TestTheDatabaseKeepsTheRuleToo(t *testing.T) {
	o := newOffice(t)
	first, second, owner := o.admin(), o.admin(), o.owner(viewer.Account)
	opening := o.asked(first, owner)
	for _, c := range []struct{ by, end string }{{first.OwnerID, "59 minutes"}, {second.OwnerID, "61 minutes"}} {
		if _, err := o.db.Pool().Exec(t.Context(), `UPDATE openings SET approved_by = $1, approved_at = asked_at, expires_at = asked_at + $2::interval WHERE id = $3`, c.by, c.end, opening.ID); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	o.exec(`DELETE FROM owners WHERE id = $1`, owner.OwnerID)
	_, err := o.Approve(t.Context(), second, opening.ID)
	wantFault(t, err, fault.NotFound)
}

// P83, P102: from the begin of an owner's deletion on nothing of it is read, asked for or
// received, also what was approved before; the opening has ended.
func TestNothingIsReadOfWhoIsBeingDeleted(t *testing.T) {
	o := newOffice(t)
	first, second, owner := o.admin(), o.admin(), o.owner(viewer.Guest)
	open := o.asked(first, owner)
	if _, err := o.Approve(t.Context(), second, open.ID); err != nil {
		t.Fatal(err)
	}
	o.accounts.EraseWith([]account.Shutter{o.Service}, stuck{})
	if e, err := o.accounts.Delete(t.Context(), owner, models.EraseWord); err != nil || e.State != models.Erasing {
		t.Fatal(e, err)
	}
	wantFault(t, o.read(first, open.ID, "con_1"), fault.NotFound)
	if o.shelf.reads != 0 {
		t.Error("it was read")
	}
	list, _, err := o.Openings(t.Context(), second, page.Args{Size: 10})
	if err != nil || len(list) != 1 || list[0].State != models.OpeningEnded {
		t.Errorf("%+v %v", list, err)
	}
	_, err = o.Ask(t.Context(), first, disclosure.Ask{Account: owner.OwnerID, Conversations: []string{"con_1"}, Reason: reason})
	wantFault(t, err, fault.NotFound)
	_, err = o.Receive(t.Context(), first, request(owner.OwnerID))
	wantFault(t, err, fault.NotFound)
}

// stuck is a room whose rows can't be deleted.
type stuck struct{}

func (stuck) EraseTx(*gorm.DB, string) (map[string]int64, bool, error) {
	return nil, false, errors.New("it can't be deleted now")
}

// P83, P43: what was read of a guest, and what was asked about it, stands in the activity of the
// account that it joins; the opening goes on, and its reason can be read.
func TestAnAccountSeesWhatWasReadOfItsGuest(t *testing.T) {
	o := newOffice(t)
	first, second, guest, account := o.admin(), o.admin(), o.owner(viewer.Guest), o.owner(viewer.Account)
	opening := o.asked(first, guest)
	if _, err := o.Approve(t.Context(), second, opening.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.read(first, opening.ID, "con_1"); err != nil {
		t.Fatal(err)
	}
	asked, err := o.Receive(t.Context(), first, request(guest.OwnerID))
	if err != nil {
		t.Fatal(err)
	}
	before := o.seen(account)
	err = o.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := errors.Join(o.audit.MoveTx(tx, guest, account), o.MoveTx(tx, guest, account)); err != nil {
			return err
		}
		return tx.Exec(`DELETE FROM owners WHERE id = ?`, guest.OwnerID).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.seen(account), append([]models.AuditAct{models.AuditContentOpened, models.AuditContentApproved, models.AuditContentAsked}, before...); !slices.Equal(got, want) {
		t.Errorf("the account sees %v, want %v", got, want)
	}
	o.shelf.owners["con_1"] = account.OwnerID
	if err := o.read(first, opening.ID, "con_1"); err != nil {
		t.Error(err)
	}
	list, _, err := o.Openings(t.Context(), second, page.Args{Size: 10})
	if err != nil || len(list) != 1 || list[0].OwnerID != account.OwnerID || list[0].Reason != reason || list[0].Reads != 2 {
		t.Errorf("%+v %v", list, err)
	}
	requests, _, err := o.Requests(t.Context(), first, page.Args{Size: 10})
	if err != nil || len(requests) != 1 || requests[0].ID != asked.ID || requests[0].LegalWords != request("").Words {
		t.Errorf("%+v %v", requests, err)
	}
	// New entries name the account's own pseudonym, of which there is one.
	if _, err := o.End(t.Context(), first, opening.ID); err != nil {
		t.Error(err)
	}
	if got := o.seen(account); got[0] != models.AuditContentEnded {
		t.Errorf("the account sees %v", got)
	}
}
