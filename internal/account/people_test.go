package account_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// people is a service with the rooms it works with.
type people struct {
	*account.Service
	t      testing.TB
	db     *database.DB
	hand   *hand
	rooms  *rooms
	mails  *mails
	serial int
}

func newPeople(t testing.TB, change ...func(*account.Config)) *people {
	t.Helper()
	return peopleOn(t, dbtest.New(t), newHand(), change...)
}

func peopleOn(t testing.TB, db *database.DB, h *hand, change ...func(*account.Config)) *people {
	t.Helper()
	p := &people{t: t, db: db, hand: h, rooms: &rooms{}, mails: &mails{seen: map[string]bool{}}}
	p.Service = service(t, db, p.hand, func(c *account.Config) {
		c.PublicURL = "https://kimi.example"
		c.Admission, c.Movers, c.Mailer = p.rooms, []account.Mover{p.rooms}, p.mails
		for _, f := range change {
			f(c)
		}
	})
	if err := p.VerifyKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// rooms stands for the other rooms: it admits and moves, and notes for whom.
type rooms struct {
	mu       sync.Mutex
	refuse   error // of admission
	fail     error // of moving
	admitted []viewer.Viewer
	moves    []string
	told     []string
}

func (r *rooms) AdmitTx(_ *gorm.DB, _, from viewer.Viewer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.admitted = append(r.admitted, from)
	return r.refuse
}

func (r *rooms) MoveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n int
	if err := tx.Raw("SELECT count(*) FROM owners WHERE id IN (?, ?)", from.OwnerID, to.OwnerID).Scan(&n).Error; err != nil {
		return err
	}
	if n != 2 || from.Key == nil || to.Key == nil {
		return errors.New("moving without both owners")
	}
	r.moves = append(r.moves, from.OwnerID+" "+to.OwnerID)
	return r.fail
}

func (r *rooms) Moved(_ context.Context, fromOwnerID string, to viewer.Viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, fromOwnerID+" "+to.OwnerID)
}

// mails is a mailbox that keeps the promise of one mail per key.
type mails struct {
	mu      sync.Mutex
	letters []models.Letter
	seen    map[string]bool
}

func (m *mails) EnqueueTx(_ *gorm.DB, v viewer.Viewer, l models.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !v.IsOwner() || len(l.DedupeKey) == 0 || len(l.DedupeKey) > 200 {
		return fmt.Errorf("%v can't be written to under the key %q", v, l.DedupeKey)
	}
	if key := v.OwnerID + l.DedupeKey; !m.seen[key] {
		m.seen[key] = true
		l.Facts = maps.Clone(l.Facts)
		m.letters = append(m.letters, l)
	}
	return nil
}

// take returns what has been written and empties the box.
func (m *mails) take() []models.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.letters
	m.letters = nil
	return all
}

// google is a proof of Google's.
func google(subject, email string) account.Proof {
	return account.Proof{Provider: models.ProviderGoogle, Subject: subject, Name: "Ada", Email: email, Verified: true}
}

// signIn signs in and must succeed.
func (p *people) signIn(proof account.Proof, from ...viewer.Viewer) account.Entry {
	p.t.Helper()
	in := account.SignIn{Proof: proof, Device: account.Device{Type: "desktop", OS: "Linux", Browser: "Firefox", Version: 140}}
	if len(from) > 0 {
		in.From = from[0]
	}
	e, err := p.SignIn(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// somebody is a new account.
func (p *people) somebody() account.Entry {
	p.t.Helper()
	p.serial++
	return p.signIn(google(fmt.Sprintf("somebody-%d", p.serial), fmt.Sprintf("somebody-%d@example.com", p.serial)))
}

// guest is a new guest and its cookie.
func (p *people) guest() (viewer.Viewer, string) {
	p.t.Helper()
	cookie := p.NewTicket()
	guest := begin(p.t, p.Service, p.db, cookie)
	if v, err := p.Viewer(p.t.Context(), cookie); err != nil || v.OwnerID != guest.OwnerID { // remembered from now on
		p.t.Fatal(v, err)
	}
	return guest, cookie
}

// who is the owner that a session's cookie leads to, empty for nobody.
func (p *people) who(cookie string) string {
	p.t.Helper()
	v, err := p.SessionViewer(p.t.Context(), cookie)
	if err != nil {
		p.t.Fatal(err)
	}
	return v.OwnerID
}

// account is the viewer's account.
func (p *people) account(v viewer.Viewer) *models.Account {
	p.t.Helper()
	a, err := p.Account(p.t.Context(), v)
	if err != nil || a == nil {
		p.t.Fatal(a, err)
	}
	return a
}

// counts are the rows of the tables of people.
func (p *people) counts() string {
	p.t.Helper()
	var out []string
	for _, table := range []string{"owners", "accounts", "identities", "sessions"} {
		out = append(out, fmt.Sprint(count(p.t, p.db, table)))
	}
	return strings.Join(out, " ")
}

// refused wants a fault with the code whose message says something.
func refused(t testing.TB, err error, code fault.Code) {
	t.Helper()
	list, ok := fault.Of(err)
	if !ok || !fault.Is(err, code) || len(list[0].Message) < 20 {
		t.Errorf("want %s, got %v", code, err)
	}
}

func kinds(letters []models.Letter) (out []string) {
	for _, l := range letters {
		out = append(out, string(l.Kind)+" to "+l.To)
	}
	slices.Sort(out)
	return out
}
