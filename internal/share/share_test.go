package share_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P96: a link shows one branch as it was when it was shared, whatever becomes of the
// conversation; who shared it and what the model thought only when that was asked for.
func TestALinkShowsABranchAsItWas(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("Ada")
	c := r.talk(v, "boats")
	shown := r.make(v, share.Make{ConversationID: c.id})
	other := r.make(v, share.Make{ConversationID: c.id, LeafID: c.first, Reasoning: true, Named: true})
	all := r.make(v, share.Make{ConversationID: c.id, Reasoning: true, Named: true, Days: 7})

	title := "another title"
	if _, err := r.chat.UpdateConversation(t.Context(), v, chat.Update{ConversationID: c.id, Title: &title, LeafID: &c.first}); err != nil {
		t.Fatal(err)
	}
	r.tx(func(tx *gorm.DB) error {
		return tx.Exec(`DELETE FROM messages WHERE id IN (?, ?)`, c.second, c.more).Error
	})
	for what, want := range map[*models.Share][]string{
		shown: {"question of boats", "second of boats", "more of boats"},
		other: {"question of boats", "first of boats"},
	} {
		if got := r.texts(what.Link); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	bare, err := r.Read(t.Context(), shown.Link)
	if err != nil || bare.Title != "boats" || bare.By != "" || bare.ExpiresAt != nil || !bare.SharedAt.Equal(r.Now()) || bare.Messages[1].ModelID != "a-model" {
		t.Errorf("%+v %v", bare, err)
	}
	if m := bare.Messages[1]; m.Reasoning != "" || m.ReasoningMs != 0 {
		t.Errorf("it shows what the model thought: %+v", m)
	}
	full, err := r.Read(t.Context(), all.Link)
	if err != nil || full.By != "Ada" || !full.ExpiresAt.Equal(r.Now().AddDate(0, 0, 7)) || full.Messages[1].Reasoning != "thoughts of boats" || full.Messages[1].ReasoningMs != 1500 {
		t.Errorf("%+v %v", full, err)
	}
}

// P96, P100, P102, P130: a link that was taken back, whose time is over, whose consent was
// withdrawn, or whose conversation or account is deleted opens nothing from that moment on,
// on another instance too, and of what it showed nothing is left.
func TestWhatEndsALink(t *testing.T) {
	for name, end := range map[string]func(r *room, v viewer.Viewer, s *models.Share) error{
		"revoked": func(r *room, v viewer.Viewer, s *models.Share) error { return r.Revoke(t.Context(), v, s.ID) },
		"all revoked": func(r *room, v viewer.Viewer, _ *models.Share) error {
			_, err := r.RevokeAll(t.Context(), v)
			return err
		},
		"conversation deleted": func(r *room, v viewer.Viewer, s *models.Share) error {
			return r.chat.DeleteConversation(t.Context(), v, s.ConversationID)
		},
		"all conversations deleted": func(r *room, v viewer.Viewer, _ *models.Share) error {
			_, err := r.chat.DeleteAllConversations(t.Context(), v, models.EraseWord)
			return err
		},
		"account shut": func(r *room, v viewer.Viewer, _ *models.Share) error {
			return r.db.Tx(t.Context(), func(tx *gorm.DB) error { _, _, err := r.ShutTx(tx, v.OwnerID); return err })
		},
		"account deleted": func(r *room, v viewer.Viewer, _ *models.Share) error {
			_, err := r.db.Pool().Exec(t.Context(), `DELETE FROM owners WHERE id = $1`, v.OwnerID)
			return err
		},
		"time over": func(r *room, _ viewer.Viewer, _ *models.Share) error { r.pass(24 * time.Hour); return nil },
		"consent withdrawn": func(r *room, v viewer.Viewer, _ *models.Share) error {
			r.consent(v, false)
			r.consent(v, true)
			r.pass(time.Second)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			here, there := h.open(nil), h.open(nil)
			v := here.sharer("Ada")
			s := here.make(v, share.Make{ConversationID: here.talk(v, "boats").id, Days: 1})
			kept := here.sharer("Bob")
			other := here.make(kept, share.Make{ConversationID: here.talk(kept, "trains").id})
			if err := there.Look(t.Context(), s.Link); err != nil {
				t.Fatal(err)
			}
			if err := end(here, v, s); err != nil {
				t.Fatal(err)
			}
			_, err := there.Read(t.Context(), s.Link)
			refused(t, "read", err, fault.Gone)
			refused(t, "look", there.Look(t.Context(), s.Link), fault.Gone)
			_, _, err = there.Copy(t.Context(), kept, s.Link)
			refused(t, "copy", err, fault.Gone)
			if list, _, err := there.List(t.Context(), v, page.Args{Size: 10}); err != nil || len(list) != 0 {
				t.Errorf("%d are listed, %v", len(list), err)
			}
			if got := there.texts(other.Link); len(got) != 3 {
				t.Errorf("somebody else's shows %q", got)
			}
			var left int
			if err := h.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM shares WHERE id = $1`, s.ID).Scan(&left); err != nil || left != 0 && name != "time over" {
				t.Errorf("%d rows are left, %v", left, err)
			}
		})
	}
}

// P41, P95, P96: only an account shares, only its own, and only after it has agreed to that.
func TestWhoMayShare(t *testing.T) {
	r := newRoom(t)
	ada, bob := r.sharer("Ada"), r.member("Bob")
	c, his := r.talk(ada, "boats"), r.talk(bob, "trains")
	guest, key := ada, ada
	guest.Kind, key.Kind = viewer.Guest, viewer.APIKey
	for what, try := range map[string]struct {
		v    viewer.Viewer
		in   share.Make
		code fault.Code
	}{
		"a guest":             {guest, share.Make{ConversationID: c.id}, fault.Unauthenticated},
		"a program":           {key, share.Make{ConversationID: c.id}, fault.Unauthenticated},
		"a visitor":           {r.passed(), share.Make{ConversationID: c.id}, fault.Unauthenticated},
		"nobody":              {viewer.Viewer{}, share.Make{ConversationID: c.id}, fault.Unauthenticated},
		"without consent":     {bob, share.Make{ConversationID: his.id}, fault.ConsentRequired},
		"somebody else's":     {ada, share.Make{ConversationID: his.id}, fault.NotFound},
		"another branch's":    {ada, share.Make{ConversationID: c.id, LeafID: his.first}, fault.NotFound},
		"no conversation":     {ada, share.Make{ConversationID: "con_1"}, fault.NotFound},
		"a time that is none": {ada, share.Make{ConversationID: c.id, Days: -1}, fault.Invalid},
		"a very long time":    {ada, share.Make{ConversationID: c.id, Days: 366}, fault.Invalid},
	} {
		made, err := r.Make(t.Context(), try.v, try.in)
		refused(t, what, err, try.code)
		if made != nil {
			t.Errorf("%s: a share was made", what)
		}
	}
	refused(t, "somebody else revokes", r.Revoke(t.Context(), bob, r.make(ada, share.Make{ConversationID: c.id}).ID), fault.NotFound)
	refused(t, "no id", r.Revoke(t.Context(), ada, "x"), fault.NotFound)
}

// P96: what is being written is not frozen in the middle of a word, and what is empty or very
// long is not shared.
func TestWhatCannotBeShared(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("Ada")
	try := func(c talk) error {
		_, err := r.Make(t.Context(), v, share.Make{ConversationID: c.id})
		return err
	}
	live, empty, long := r.talk(v, "boats"), r.talk(v, "trains"), r.talk(v, strings.Repeat("x", 200))
	for sql, arg := range map[string]string{
		`UPDATE messages SET status = 'STREAMING' WHERE id = ?`:    live.second,
		`UPDATE conversations SET leaf_id = NULL WHERE id = ?`:     empty.id,
		`UPDATE messages SET reasoning_sealed = NULL WHERE id = ?`: long.second,
	} {
		r.tx(func(tx *gorm.DB) error { return tx.Exec(sql, arg).Error })
	}
	refused(t, "a live one", try(live), fault.Conflict)
	refused(t, "an empty one", try(empty), fault.Invalid)
	r.tx(func(tx *gorm.DB) error {
		text := v.Key.SealString(messageText(v.OwnerID, long.more), strings.Repeat("long ", 1<<20))
		return tx.Exec(`UPDATE messages SET text_sealed = ? WHERE id = ?`, text, long.more).Error
	})
	refused(t, "a long one", try(long), fault.Invalid)
}

// An operator who switches sharing off lets nobody share, and no link opens.
func TestSharingCanBeSwitchedOff(t *testing.T) {
	h := newHouse(t)
	on, off := h.open(nil), h.open(func(c *share.Config) { c.Off = true })
	v := on.sharer("Ada")
	c := on.talk(v, "boats")
	s := on.make(v, share.Make{ConversationID: c.id})
	_, err := off.Make(t.Context(), v, share.Make{ConversationID: c.id})
	refused(t, "made", err, fault.SharingOff)
	refused(t, "read", off.Look(t.Context(), s.Link), fault.Gone)
	if !on.On() || off.On() || on.Look(t.Context(), s.Link) != nil {
		t.Error("it is off where it is on")
	}
}

// P96, T31: links can't be guessed or bent. What wasn't made here is refused without asking
// the database, which here there is none of.
func TestHostileLinks(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("Ada")
	good := r.make(v, share.Make{ConversationID: r.talk(v, "boats").id}).Link
	if len(good) != 32 {
		t.Fatalf("a link of %d characters", len(good))
	}
	hostile := []string{"", "/", ".", "..", "../" + good, good + "/", good + "=", good + "A", good[:31], good[1:], strings.ToUpper(good), strings.ToLower(good) + "x", " " + good, good + "\n",
		good + "\x00", "%00", "' OR 1=1 --", "shr_00000000000000000000000000000000", strings.Repeat("A", 32), strings.Repeat("_", 32), strings.Repeat("-", 32), strings.Repeat("=", 32),
		strings.Repeat("A", 1<<20), "あああああああああああ", "\xff\xfe", good[:16] + "%2e" + good[16:], hex.EncodeToString(make([]byte, 16)), base64.StdEncoding.EncodeToString(make([]byte, 24))}
	for i := range good { // one character bent
		bent := []byte(good)
		bent[i] = "AB"[map[bool]int{true: 1}[bent[i] == 'A']]
		hostile = append(hostile, string(bent))
	}
	for range 10 {
		b := make([]byte, 24)
		_, _ = rand.Read(b)
		hostile = append(hostile, base64.RawURLEncoding.EncodeToString(b))
	}
	if len(hostile) < 50 {
		t.Fatalf("only %d", len(hostile))
	}
	nowhere := share.New(share.Config{Clock: r.house, Secret: []byte(strings.Repeat("\x09", 32))})
	for _, link := range hostile {
		if link == good {
			continue
		}
		refused(t, link[:min(len(link), 40)], nowhere.Look(t.Context(), link), fault.NotFound)
		_, _, err := nowhere.Copy(t.Context(), v, link)
		refused(t, "copy "+link[:min(len(link), 40)], err, fault.NotFound)
	}
	another := share.New(share.Config{Clock: r.house, Secret: []byte("another installation, and 32 byt")})
	refused(t, "another installation", another.Look(context.Background(), good), fault.NotFound)
}

// P80, P96, T31: the database holds neither what was shared nor the link.
func TestADumpHoldsNothingOfAShare(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("CANARY-name")
	s := r.make(v, share.Make{ConversationID: r.talk(v, "CANARY-title").id, Reasoning: true, Named: true})
	dump := dbtest.Dump(t, r.db)
	if !strings.Contains(dump, s.ID) {
		t.Fatal("the dump does not hold the share")
	}
	for _, canary := range []string{"CANARY", s.Link, s.Link[:20]} {
		for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))} {
			if strings.Contains(dump, form) {
				t.Errorf("the dump holds %s", canary)
			}
		}
	}
	// Nor does a row that is moved to somebody else open there.
	bob := r.sharer("Bob")
	r.tx(func(tx *gorm.DB) error {
		return tx.Exec(`UPDATE shares SET owner_id = ?, conversation_id = ? WHERE id = ?`, bob.OwnerID, r.talk(bob, "trains").id, s.ID).Error
	})
	if _, err := r.Read(t.Context(), s.Link); err == nil {
		t.Error("it opens under somebody else's key")
	}
}

// P107: a copy that a reader made is the reader's own and stays, with all texts, when the
// link, the conversation and its owner are gone.
func TestACopyStaysTheReaders(t *testing.T) {
	r := newRoom(t)
	ada, bob := r.sharer("Ada"), r.member("Bob")
	c := r.talk(ada, "boats")
	s := r.make(ada, share.Make{ConversationID: c.id})
	as, copied, err := r.Copy(t.Context(), bob, s.Link)
	if err != nil || as.OwnerID != bob.OwnerID {
		t.Fatal(as, err)
	}
	if _, err := r.db.Pool().Exec(t.Context(), `DELETE FROM owners WHERE id = $1`, ada.OwnerID); err != nil {
		t.Fatal(err)
	}
	mine, err := r.chat.FindConversation(t.Context(), bob, copied)
	if err != nil || mine.Title != "boats" || mine.LeafID == nil {
		t.Fatalf("%+v %v", mine, err)
	}
	branch, _, err := r.chat.Branch(t.Context(), bob, mine, "", page.Args{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range slices.Backward(branch) {
		texts = append(texts, m.Text)
		if m.ID == c.question || m.CostMicro != 0 || m.Reasoning != "" {
			t.Errorf("%+v", m)
		}
	}
	if want := []string{"question of boats", "second of boats", "more of boats"}; !slices.Equal(texts, want) {
		t.Errorf("%q, want %q", texts, want)
	}
	_, err = r.chat.FindConversation(t.Context(), ada, copied)
	refused(t, "its former owner", err, fault.NotFound)
}

// P41, P96: a visitor reads without being asked anything, and becomes a guest only by taking
// a copy, after age and policy.
func TestAVisitorsCopyMakesAGuest(t *testing.T) {
	r := newRoom(t)
	ada := r.sharer("Ada")
	s := r.make(ada, share.Make{ConversationID: r.talk(ada, "boats").id})
	owners := func() (n int) {
		if err := r.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM owners`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := owners()
	_, _, err := r.Copy(t.Context(), r.visitor(), s.Link)
	refused(t, "not passed", err, fault.AgeRequired)
	if owners() != before {
		t.Error("it became a guest before the gate")
	}
	as, copied, err := r.Copy(t.Context(), r.passed(), s.Link)
	if err != nil || as.Kind != viewer.Guest || as.OwnerID == "" || owners() != before+1 {
		t.Fatal(as, err)
	}
	if _, err := r.chat.FindConversation(t.Context(), as, copied); err != nil {
		t.Error(err)
	}
	var settled int
	err = r.db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM age_confirmations WHERE owner_id = $1) + (SELECT count(*) FROM policy_acceptances WHERE owner_id = $1)`, as.OwnerID).Scan(&settled)
	if err != nil || settled != 2 {
		t.Errorf("%d of what it confirmed and accepted is stored, %v", settled, err)
	}
}

// P84, P96: its owner lists what is shared, page by page, and opens it; making and revoking
// is written down.
func TestSharesAreListedAndWrittenDown(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("Ada")
	c := r.talk(v, "boats")
	var made []string
	for range 3 {
		made = append(made, r.make(v, share.Make{ConversationID: c.id}).ID)
	}
	slices.Reverse(made)
	first, more, err := r.List(t.Context(), v, page.Args{Size: 2})
	if err != nil || !more || len(first) != 2 || first[0].ID != made[0] || first[0].Title != "boats" || first[0].Messages != 3 {
		t.Fatalf("%+v %v %v", first, more, err)
	}
	if got := r.texts(strings.TrimPrefix(first[1].URL(), "/s/")); len(got) != 3 {
		t.Errorf("its address shows %q", got)
	}
	rest, more, err := r.List(t.Context(), v, page.Args{Size: 2, After: first[1].ID})
	if err != nil || more || len(rest) != 1 || rest[0].ID != made[2] {
		t.Errorf("%+v %v %v", rest, more, err)
	}
	if list, _, err := r.List(t.Context(), r.sharer("Bob"), page.Args{Size: 2}); err != nil || len(list) != 0 {
		t.Errorf("somebody else sees %d, %v", len(list), err)
	}
	if err := r.Revoke(t.Context(), v, made[0]); err != nil {
		t.Fatal(err)
	}
	refused(t, "twice", r.Revoke(t.Context(), v, made[0]), fault.NotFound)
	for _, want := range []int64{2, 0} {
		if n, err := r.RevokeAll(t.Context(), v); err != nil || n != want {
			t.Errorf("%d revoked, %v", n, err)
		}
	}
	var acts string
	err = r.db.Pool().QueryRow(t.Context(), `SELECT string_agg(act, ' ' ORDER BY id) FROM audit_entries WHERE act LIKE '%SHARE%'`).Scan(&acts)
	if want := "CONVERSATION_SHARED CONVERSATION_SHARED CONVERSATION_SHARED SHARE_REVOKED SHARE_REVOKED"; err != nil || acts != want {
		t.Errorf("%s, want %s; %v", acts, want, err)
	}
}

// Nobody fills the database with links.
func TestLinksOfOneAreBounded(t *testing.T) {
	r := newRoom(t)
	v := r.sharer("Ada")
	c := r.talk(v, "boats")
	s := r.make(v, share.Make{ConversationID: c.id})
	r.tx(func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO shares SELECT owner_id, 'shr_' || n, conversation_id, sha256(n::text::bytea), link_sealed, title_sealed, snapshot_sealed, messages, reasoning, named, created_at, NULL
			FROM shares, generate_series(1, 199) n WHERE id = ?`, s.ID).Error
	})
	_, err := r.Make(t.Context(), v, share.Make{ConversationID: c.id})
	refused(t, "one more", err, fault.Invalid)
	if err := r.Revoke(t.Context(), v, s.ID); err != nil {
		t.Fatal(err)
	}
	r.make(v, share.Make{ConversationID: c.id})
}

// P95, P96: an instance that still believes in a consent makes no link once it is withdrawn,
// and where links can't be taken back the consent stays, so that it can be withdrawn again.
func TestAWithdrawnConsentIsNoneAnywhere(t *testing.T) {
	h := newHouse(t)
	here, there := h.open(nil), h.open(nil)
	v := here.sharer("Ada")
	c := here.talk(v, "boats")
	s := there.make(v, share.Make{ConversationID: c.id})
	if granted, err := there.policy.Granted(t.Context(), v, models.ConsentShare); err != nil || !granted {
		t.Fatal(granted, err)
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := h.db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stuck'; END $$`)
	exec(`CREATE TRIGGER stuck BEFORE DELETE ON shares FOR EACH ROW EXECUTE FUNCTION stuck()`)
	if _, _, err := here.policy.SetConsent(t.Context(), v, models.ConsentShare, false, models.ConsentDialog); err == nil {
		t.Error("a consent is withdrawn whose links stay")
	}
	if err := here.Look(t.Context(), s.Link); err != nil {
		t.Error(err)
	}
	exec(`DROP TRIGGER stuck ON shares`)
	here.consent(v, false)
	_, err := there.Make(t.Context(), v, share.Make{ConversationID: c.id})
	refused(t, "made where the consent is still believed in", err, fault.ConsentRequired)
	here.consent(v, true)
	h.pass(time.Second)
	refused(t, "read", there.Look(t.Context(), s.Link), fault.Gone)
}

// P107: copies make nobody keep more than an import may bring, however often and at once they
// are taken; deleting makes room.
func TestCopiesAreBounded(t *testing.T) {
	r := newHouse(t).open(func(c *share.Config) { c.PerGuest, c.PerAccount = 8<<10, 16<<10 })
	ada := r.sharer("Ada")
	s := r.make(ada, share.Make{ConversationID: r.talk(ada, "boats").id})
	guest, first, err := r.Copy(t.Context(), r.passed(), s.Link)
	if err != nil {
		t.Fatal(err)
	}
	for v, most := range map[*viewer.Viewer]int64{&guest: 8 << 10, new(r.member("Bob")): 16 << 10} {
		var all sync.WaitGroup
		var refusals atomic.Int64
		for range 12 {
			all.Go(func() {
				_, _, err := r.Copy(t.Context(), *v, s.Link)
				var f *fault.Fault
				switch {
				case err == nil:
				case errors.As(err, &f) && f.Code == fault.Invalid && f.Reason == "too_much_text":
					refusals.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		r.tx(func(tx *gorm.DB) error {
			kept, err := r.chat.KeptTx(tx, *v)
			if kept > most || kept < most/2 || refusals.Load() == 0 {
				t.Errorf("a %s keeps %d of %d bytes, %d copies were refused", v.Kind, kept, most, refusals.Load())
			}
			return err
		})
	}
	if err := r.chat.DeleteConversation(t.Context(), guest, first); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Copy(t.Context(), guest, s.Link); err != nil {
		t.Error(err)
	}
}
