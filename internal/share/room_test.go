package share_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// house is a database that instances share.
type house struct {
	t   testing.TB
	url string
	db  *database.DB

	keeper *seal.Keeper
	names  sync.Map // of accounts
	mu     sync.Mutex
	now    time.Time
}

// room is one instance.
type room struct {
	*share.Service
	*house
	accounts *account.Service
	chat     *chat.Service
	policy   *policy.Service
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, url: dbtest.URL(t), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h.db = dbtest.Open(t, h.url)
	var err error
	if h.keeper, err = seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize)); err != nil {
		t.Fatal(err)
	}
	return h
}

func newRoom(t testing.TB) *room {
	t.Helper()
	return newHouse(t).open(nil)
}

// Now is the house's time.
func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// open is another instance; change, if any, adapts its settings.
func (h *house) open(change func(*share.Config)) *room {
	h.t.Helper()
	log, now := audittest.New(h.db), clock.Func(h.Now)
	r := &room{house: h}
	r.accounts = account.New(account.Config{DB: h.db, Audit: log, Keeper: h.keeper, Clock: now, GuestLimit: 10, CookieKey: bytes.Repeat([]byte{8}, 32)})
	var err error
	r.policy, err = policy.New(policy.Config{DB: h.db, Audit: log, Clock: now, Files: policyfiles.Files(), CookieKey: bytes.Repeat([]byte{8}, 32),
		WithdrawnTx: func(tx *gorm.DB, v viewer.Viewer, _ models.ConsentKind) error {
			_, err := r.RevokeAllTx(tx, v)
			return err
		}})
	if err != nil {
		h.t.Fatal(err)
	}
	r.chat = chat.New(chat.Config{DB: h.db, Owners: r.accounts, Gate: r.policy, Clock: now, Bus: silent{}})
	c := share.Config{DB: h.db, Audit: log, Conversations: r.chat, Owners: people{r.accounts, &h.names}, Policy: r.policy, Clock: now, Secret: bytes.Repeat([]byte{9}, 32)}
	if change != nil {
		change(&c)
	}
	r.Service = share.New(c)
	return r
}

// silent is a bus that nobody listens to.
type silent struct{}

func (silent) Publish(string, []byte) error { return nil }
func (silent) Subscribe(string, func([]byte, func([]byte) error)) (func(), error) {
	return func() {}, nil
}
func (silent) Follow(string, func([]byte), func()) (func(), error) { return func() {}, nil }
func (silent) Request(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("nobody listens")
}

// visitor is somebody of whom nothing is stored.
func (r *room) visitor() viewer.Viewer {
	v := r.accounts.Visitor(r.accounts.NewTicket())
	v.CanSetCookie = true
	return v
}

// passed is a visitor who has confirmed and accepted.
func (r *room) passed() viewer.Viewer {
	r.t.Helper()
	v := r.visitor()
	var err error
	if v.Gate, err = r.policy.ConfirmAge(r.t.Context(), v, 1990, 5); err != nil {
		r.t.Fatal(err)
	}
	if v.Gate, err = r.policy.Accept(r.t.Context(), v, r.policy.Current().Version, "COMPOSER"); err != nil {
		r.t.Fatal(err)
	}
	return v
}

// member has an account.
func (r *room) member(name string) viewer.Viewer {
	r.t.Helper()
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner)}
	key, wrapped, err := r.keeper.NewKey(v.OwnerID)
	if err == nil {
		v.Key = key
		_, err = r.db.Pool().Exec(r.t.Context(), `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, now(), now())`, v.OwnerID, wrapped)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.names.Store(v.OwnerID, name)
	return v
}

// people are accounts with the names that tests gave them.
type people struct {
	*account.Service
	names *sync.Map
}

// Account implements share.Owners.
func (p people) Account(_ context.Context, v viewer.Viewer) (*models.Account, error) {
	name, _ := p.names.Load(v.OwnerID)
	text, _ := name.(string)
	return &models.Account{OwnerID: v.OwnerID, Name: text}, nil
}

// consent grants or withdraws the consent to sharing.
func (r *room) consent(v viewer.Viewer, granted bool) {
	r.t.Helper()
	if _, _, err := r.policy.SetConsent(r.t.Context(), v, models.ConsentShare, granted, models.ConsentDialog); err != nil {
		r.t.Fatal(err)
	}
}

// talk is a conversation of the viewer's: a question, two answers to it of which the second
// is on show, and what was written after that.
type talk struct{ id, question, first, second, more string }

func (r *room) talk(v viewer.Viewer, title string) talk {
	r.t.Helper()
	c := talk{id.New(id.Conversation), id.New(id.Message), id.New(id.Message), id.New(id.Message), id.New(id.Message)}
	said := func(own, parent string, role models.MessageRole, text string) models.RestoredMessage {
		return models.RestoredMessage{ID: own, ConversationID: c.id, ParentID: parent, RunID: id.New(id.Run), Role: role, Status: models.MessageComplete, Text: text + " of " + title,
			ModelID: map[models.MessageRole]string{models.RoleAssistant: "a-model"}[role], CreatedAt: r.Now()}
	}
	thoughtful := said(c.second, c.question, models.RoleAssistant, "second")
	thoughtful.Reasoning, thoughtful.ReasoningMs = "thoughts of "+title, 1500
	r.tx(func(tx *gorm.DB) error {
		err := r.chat.RestoreTx(tx, v, []models.RestoredConversation{{ID: c.id, Title: title, TitleSource: models.TitleOwner, CreatedAt: r.Now(), Updated: r.Now()}},
			[]models.RestoredMessage{said(c.question, "", models.RoleUser, "question"), said(c.first, c.question, models.RoleAssistant, "first"), thoughtful, said(c.more, c.second, models.RoleUser, "more")})
		return errors.Join(err, r.chat.ShowTx(tx, v, map[string]string{c.id: c.more}))
	})
	return c
}

func (r *room) tx(fn func(tx *gorm.DB) error) {
	r.t.Helper()
	if err := r.db.Tx(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

// sharer is a member who has agreed to sharing.
func (r *room) sharer(name string) viewer.Viewer {
	r.t.Helper()
	v := r.member(name)
	r.consent(v, true)
	return v
}

func (r *room) make(v viewer.Viewer, in share.Make) *models.Share {
	r.t.Helper()
	made, err := r.Make(r.t.Context(), v, in)
	if err != nil {
		r.t.Fatal(err)
	}
	return made
}

// texts are what a link shows, in order.
func (r *room) texts(link string) (out []string) {
	r.t.Helper()
	shown, err := r.Read(r.t.Context(), link)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range shown.Messages {
		out = append(out, m.Text)
	}
	return out
}

func refused(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// messageText is where the text of a message is sealed.
func messageText(ownerID, messageID string) seal.Place {
	return seal.Place{Table: "messages", Column: "text_sealed", Row: messageID, Owner: ownerID}
}
