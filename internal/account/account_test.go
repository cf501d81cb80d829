package account_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"gorm.io/gorm"
)

// secret is a key of the installation made of one byte.
func secret(fill byte) []byte { return bytes.Repeat([]byte{fill}, seal.KeySize) }

// hand is a clock that tests move.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func newHand() *hand { return &hand{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func service(t testing.TB, db *database.DB, c clock.Clock, change func(*account.Config)) *account.Service {
	t.Helper()
	keeper, err := seal.NewKeeper(secret(1))
	if err != nil {
		t.Fatal(err)
	}
	cfg := account.Config{DB: db, Audit: audittest.New(db), Keeper: keeper, Clock: c, GuestLimit: 10, CookieKey: secret(1)}
	if change != nil {
		change(&cfg)
	}
	return account.New(cfg)
}

// begin makes a guest of the cookie, as its first message does.
func begin(t testing.TB, s *account.Service, db *database.DB, cookie string) viewer.Viewer {
	t.Helper()
	var guest viewer.Viewer
	err := db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
		guest, err = s.EnsureGuestTx(tx, s.Visitor(cookie))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return guest
}

func count(t testing.TB, db *database.DB, table string) (n int) {
	t.Helper()
	if err := db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// P37: a visit stores nothing, the first message makes the guest.
func TestFirstMessageMakesTheGuest(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	cookie := s.NewTicket()
	v, err := s.Viewer(t.Context(), cookie)
	if err != nil || v.Kind != viewer.Visitor || v.IsOwner() || len(v.Ticket) != sha256.Size {
		t.Fatal(v, err)
	}
	if count(t, db, "owners")+count(t, db, "sessions") != 0 {
		t.Fatal("a visit stored rows")
	}
	guest := begin(t, s, db, cookie)
	again, err := s.Viewer(t.Context(), cookie)
	if err != nil || again.Kind != viewer.Guest || !again.IsOwner() || again.OwnerID != guest.OwnerID || !id.Is(id.Owner, guest.OwnerID) {
		t.Fatal(guest, again, err)
	}
	place := seal.Place{Table: "messages", Column: "text_sealed", Row: "msg_1", Owner: guest.OwnerID}
	if text, err := again.Key.OpenString(place, guest.Key.SealString(place, "hello")); err != nil || text != "hello" {
		t.Fatal(text, err)
	}
	key, err := s.Key(t.Context(), guest.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := key.OpenString(place, guest.Key.SealString(place, "hello")); err != nil || text != "hello" {
		t.Fatal(text, err)
	}
	if same := begin(t, s, db, cookie); same.OwnerID != guest.OwnerID {
		t.Fatal("the second message made another guest")
	}
}

func TestVisitorsSocketLearnsOfItsGuest(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	cookie := s.NewTicket()
	early := s.Visitor(cookie)
	early.Network = netip.MustParseAddr("192.0.2.1")
	if v, err := s.Refresh(t.Context(), early); err != nil || v.Kind != viewer.Visitor {
		t.Fatal(v, err)
	}
	guest := begin(t, s, db, cookie)
	for range 2 { // from the database, then remembered
		if v, err := s.Refresh(t.Context(), early); err != nil || v.OwnerID != guest.OwnerID || v.Network != early.Network {
			t.Fatal(v, err)
		}
	}
	if v, err := s.Refresh(t.Context(), viewer.Viewer{}); err != nil || v.Kind != "" {
		t.Fatal(v, err)
	}
}

func TestForgedTicketsAreNobody(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	good := s.NewTicket()
	begin(t, s, db, good)
	other := service(t, db, clock.System{}, func(c *account.Config) { c.CookieKey = secret(2) })
	bad := []string{"", " ", "x", good[1:], good + "A", good + "=", strings.ToUpper(good), " " + good, strings.Repeat("A", len(good)), strings.Repeat("A", 1<<20), other.NewTicket(),
		base64.RawURLEncoding.EncodeToString(secret(0)), "\x00", good[:len(good)-1] + "\n"}
	for i := range good {
		replacement := byte('A')
		if good[i] == 'A' {
			replacement = 'B'
		}
		bad = append(bad, good[:i]+string(replacement)+good[i+1:])
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, good[len(good)-1])
	bad = append(bad, good[:len(good)-1]+letters[last+1:last+2]) // the same bytes, written differently
	for _, cookie := range bad {
		v, err := s.Viewer(t.Context(), cookie)
		if err != nil || v.Kind != "" || v.Ticket != nil {
			t.Errorf("%.100q is %v %v", cookie, v, err)
		}
		if _, due := s.Renew(cookie); due {
			t.Errorf("%.100q was renewed", cookie)
		}
	}
	if another := s.NewTicket(); another == good {
		t.Error("two tickets are the same")
	}
}

func TestTicketEndsThirtyDaysAfterItsLastRenewal(t *testing.T) {
	h := newHand()
	s := service(t, nil, h, nil)
	first := s.NewTicket()
	if _, due := s.Renew(first); due {
		t.Error("a fresh ticket needs no renewal")
	}
	h.move(29 * 24 * time.Hour)
	renewed, due := s.Renew(first)
	if !due || !bytes.Equal(s.Visitor(renewed).Ticket, s.Visitor(first).Ticket) {
		t.Fatal("renewing made another visitor")
	}
	h.move(2 * 24 * time.Hour)
	if s.Visitor(first).Kind != "" || s.Visitor(renewed).Kind != viewer.Visitor {
		t.Error("the old ticket lives or the renewed one does not")
	}
	h.move(-40 * 24 * time.Hour)
	if s.Visitor(renewed).Kind != "" {
		t.Error("a ticket of the far future is good")
	}
}

// P32: only a hash of the cookie is stored.
func TestDumpHoldsNoCookie(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	if err := s.VerifyKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	cookie := s.NewTicket()
	guest := begin(t, s, db, cookie)
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		t.Fatal(err)
	}
	dump := dbtest.Dump(t, db)
	if !strings.Contains(dump, guest.OwnerID) {
		t.Fatal("the dump does not hold the guest")
	}
	for _, canary := range []string{cookie, string(raw[:32]), hex.EncodeToString(raw[:32]), string(raw[36:]), hex.EncodeToString(raw[36:]),
		base64.StdEncoding.EncodeToString(raw[:32]), string(secret(1)), hex.EncodeToString(secret(1))} {
		if strings.Contains(dump, canary) {
			t.Errorf("the dump holds %q", canary)
		}
	}
}

func TestParallelFirstMessagesMakeOneGuest(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	for range 5 {
		cookie := s.NewTicket()
		var wg sync.WaitGroup
		ids := make([]string, 10)
		start := make(chan struct{})
		for i := range ids {
			wg.Go(func() {
				<-start
				ids[i] = begin(t, s, db, cookie).OwnerID
			})
		}
		close(start)
		wg.Wait()
		for _, got := range ids {
			if got != ids[0] {
				t.Fatal(ids)
			}
		}
	}
	if owners, sessions := count(t, db, "owners"), count(t, db, "sessions"); owners != 5 || sessions != 5 {
		t.Errorf("%d owners, %d sessions", owners, sessions)
	}
}

func TestFirstMessageWithoutTicketIsRefused(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	for _, v := range []viewer.Viewer{{}, {Kind: viewer.Visitor}, {Kind: viewer.Visitor, Ticket: []byte("short")}, {Kind: viewer.Guest}, {Kind: viewer.System}} {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			_, err := s.EnsureGuestTx(tx, v)
			return err
		})
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%v: %v", v, err)
		}
	}
	if count(t, db, "owners") != 0 {
		t.Error("something was stored")
	}
}

// P39: parallel sends on several instances spend exactly the limit.
func TestParallelSendsSpendExactlyTheLimit(t *testing.T) {
	url := dbtest.URL(t)
	var instances []*account.Service
	var dbs []*database.DB
	for range 3 {
		db := dbtest.Open(t, url)
		dbs, instances = append(dbs, db), append(instances, service(t, db, clock.System{}, nil))
	}
	guest := begin(t, instances[0], dbs[0], instances[0].NewTicket())
	var wg sync.WaitGroup
	errs := make([]error, 50)
	start := make(chan struct{})
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = dbs[i%3].Tx(t.Context(), func(tx *gorm.DB) error { return instances[i%3].SpendMessageTx(tx, guest) })
		})
	}
	close(start)
	wg.Wait()
	spent := 0
	for _, err := range errs {
		switch {
		case err == nil:
			spent++
		case !fault.Is(err, fault.GuestLimitReached) || !strings.Contains(err.Error(), "10"):
			t.Error(err)
		}
	}
	if left, limit, err := instances[1].Allowance(t.Context(), guest); spent != 10 || left != 0 || limit != 10 || err != nil {
		t.Errorf("%d spent, %d of %d left, %v", spent, left, limit, err)
	}
}

func TestMessageThatIsRolledBackIsNotSpent(t *testing.T) {
	db := dbtest.New(t)
	h := newHand()
	s := service(t, db, h, nil)
	guest := begin(t, s, db, s.NewTicket())
	failed := errors.New("later")
	for _, fail := range []error{failed, nil} {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := s.SpendMessageTx(tx, guest); err != nil {
				return err
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	if left, _, err := s.Allowance(t.Context(), guest); left != 9 || err != nil {
		t.Error(left, err)
	}
	if left, limit, err := s.Allowance(t.Context(), s.Visitor(s.NewTicket())); left != 10 || limit != 10 || err != nil || s.GuestLimit() != 10 {
		t.Error(left, limit, err)
	}
}

func TestDeletedOwnerIsGoneEverywhere(t *testing.T) {
	db := dbtest.New(t)
	h := newHand()
	s := service(t, db, h, nil)
	cookie := s.NewTicket()
	guest := begin(t, s, db, cookie)
	if _, err := s.Viewer(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool().Exec(t.Context(), "DELETE FROM owners"); err != nil {
		t.Fatal(err)
	}
	h.move(time.Second) // as long as a viewer is remembered
	if v, err := s.Viewer(t.Context(), cookie); err != nil || v.Kind != viewer.Visitor {
		t.Error(v, err)
	}
	if _, err := s.Key(t.Context(), guest.OwnerID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, _, err := s.Allowance(t.Context(), guest); !fault.Is(err, fault.Unauthenticated) {
		t.Error(err)
	}
	for name, spend := range map[string]func(*gorm.DB, viewer.Viewer) error{"spend": s.SpendMessageTx, "lock": s.LockTx} {
		for _, v := range []viewer.Viewer{guest, {}} {
			if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return spend(tx, v) }); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s as %v: %v", name, v, err)
			}
		}
	}
	if _, _, err := s.Allowance(t.Context(), viewer.Viewer{}); !fault.Is(err, fault.Unauthenticated) {
		t.Error(err)
	}
}

func TestKnownViewerIsRememberedForASecondAtMost(t *testing.T) {
	db := dbtest.New(t)
	h := newHand()
	s := service(t, db, h, func(c *account.Config) { c.CacheTTL = time.Hour })
	cookie := s.NewTicket()
	guest := begin(t, s, db, cookie)
	who := func() string {
		v, err := s.Viewer(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		return v.OwnerID
	}
	if who() != guest.OwnerID {
		t.Fatal("not found")
	}
	if _, err := db.Pool().Exec(t.Context(), "DELETE FROM owners"); err != nil {
		t.Fatal(err)
	}
	h.move(999 * time.Millisecond)
	if who() != guest.OwnerID {
		t.Error("the database is asked for every request")
	}
	h.move(time.Millisecond)
	if who() != "" {
		t.Error("remembered for too long")
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	guest := begin(t, s, db, s.NewTicket())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := db.Tx(t.Context(), func(tx *gorm.DB) error {
				if err := s.LockTx(tx, guest); err != nil {
					return err
				}
				var before int
				if err := tx.Raw("SELECT messages_used FROM owners WHERE id = ?", guest.OwnerID).Scan(&before).Error; err != nil {
					return err
				}
				return tx.Exec("UPDATE owners SET messages_used = ? WHERE id = ?", before+1, guest.OwnerID).Error
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.Pool().QueryRow(t.Context(), "SELECT messages_used FROM owners").Scan(&n); err != nil || n != 8 {
		t.Error(n, err)
	}
}

func TestWrongKeyIsRefusedAndChangesNothing(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, clock.System{}, nil)
	for range 2 {
		if err := s.VerifyKey(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	guest := begin(t, s, db, s.NewTicket())
	before := dbtest.Dump(t, db)
	keeper, err := seal.NewKeeper(secret(2))
	if err != nil {
		t.Fatal(err)
	}
	wrong := service(t, db, clock.System{}, func(c *account.Config) { c.Keeper = keeper })
	err = wrong.VerifyKey(t.Context())
	if !errors.Is(err, account.ErrWrongKey) || !strings.Contains(err.Error(), "SECRET_KEY") || !strings.Contains(err.Error(), "nothing was changed") {
		t.Error(err)
	}
	if dbtest.Dump(t, db) != before {
		t.Error("the refusal changed the database")
	}
	if _, err := wrong.Key(t.Context(), guest.OwnerID); !errors.Is(err, seal.ErrOpen) {
		t.Error(err)
	}
	if _, err := db.Pool().Exec(t.Context(), "DELETE FROM installation"); err != nil {
		t.Fatal(err)
	}
	if err := wrong.VerifyKey(t.Context()); err == nil || count(t, db, "installation") != 0 {
		t.Error("a wrong key was taken over for the data of another:", err)
	}
	short := service(t, db, clock.System{}, func(c *account.Config) { c.CookieKey = nil })
	if err := short.VerifyKey(t.Context()); err == nil {
		t.Error("cookies may be signed with nothing")
	}
}

func TestParallelStartsOnAnEmptyDatabaseAgree(t *testing.T) {
	db := dbtest.New(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := service(t, db, clock.System{}, nil).VerifyKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// P40: clearing the cookie does not give unlimited use.
func TestNetworkMakesOnlySoManyGuestsADay(t *testing.T) {
	db := dbtest.New(t)
	h := newHand()
	s := service(t, db, h, func(c *account.Config) { c.GuestsPerNetwork = 2 })
	first := func(addr, cookie string) error {
		v := s.Visitor(cookie)
		v.Network = netip.MustParseAddr(addr)
		return db.Tx(t.Context(), func(tx *gorm.DB) error {
			_, err := s.EnsureGuestTx(tx, v)
			return err
		})
	}
	cookie := s.NewTicket()
	for _, c := range []struct {
		addr, cookie string
		ok           bool
	}{
		{"192.0.2.1", cookie, true}, {"192.0.2.77", s.NewTicket(), true}, {"192.0.2.1", s.NewTicket(), false}, {"::ffff:192.0.2.9", s.NewTicket(), false},
		{"192.0.2.1", cookie, true}, // a guest already
		{"192.0.3.1", s.NewTicket(), true},
		{"2001:db8:1:1::1", s.NewTicket(), true}, {"2001:db8:1:2::1", s.NewTicket(), true}, {"2001:db8:1:3::1", s.NewTicket(), false}, {"2001:db8:2::1", s.NewTicket(), true},
		{"127.0.0.1", s.NewTicket(), true}, {"127.0.0.1", s.NewTicket(), true}, {"127.0.0.1", s.NewTicket(), true}, {"::1", s.NewTicket(), true},
	} {
		if err := first(c.addr, c.cookie); (err == nil) != c.ok || (err != nil && !fault.Is(err, fault.RateLimited)) {
			t.Errorf("%s: %v", c.addr, err)
		}
	}
	var refused *fault.Fault
	if err := first("192.0.2.1", s.NewTicket()); !errors.As(err, &refused) || refused.RetryAfter != 12*time.Hour {
		t.Errorf("%v, again in %v", err, refused.RetryAfter)
	}
	h.move(12 * time.Hour)
	if err := first("192.0.2.1", s.NewTicket()); err != nil {
		t.Error(err)
	}
	if dump := dbtest.Dump(t, db); strings.Contains(dump, "192.0.2") {
		t.Error("an address was stored")
	}
}

func TestMessageThatIsTriedAgainCountsOnceForItsNetwork(t *testing.T) {
	db := dbtest.New(t)
	s := service(t, db, newHand(), func(c *account.Config) { c.GuestsPerNetwork = 1 })
	v := s.Visitor(s.NewTicket())
	v.Network = netip.MustParseAddr("192.0.2.1")
	for i := range 3 {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if _, err := s.EnsureGuestTx(tx, v); err != nil {
				return err
			}
			return fmt.Errorf("try %d fails", i)
		})
		if fault.Is(err, fault.RateLimited) {
			t.Fatal("the storage's failures were counted as guests")
		}
	}
}

func BenchmarkViewer(b *testing.B) {
	db := dbtest.New(b)
	h := newHand()
	s := service(b, db, h, nil)
	cookie := s.NewTicket()
	begin(b, s, db, cookie)
	for _, c := range []struct {
		name string
		step time.Duration
	}{{"remembered", 0}, {"read", time.Second}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.move(c.step)
				if _, err := s.Viewer(b.Context(), cookie); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
