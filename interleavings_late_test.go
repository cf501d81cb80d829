package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/models"
)

// tooLate does what somebody may still be about to do who knew the owner before: with its key
// in memory, past every question of who is there. Nothing of it may get in.
func (i *interleaving) tooLate() {
	s, ctx := i.c.all[i.n%len(i.c.all)].server, i.c.t.Context()
	for what, try := range map[string]func() error{
		"a message": func() error {
			_, err := s.chat.Send(ctx, i.was, chat.Send{ClientID: i.words("late"), Text: i.words("comes late")})
			return err
		},
		"a link": func() error {
			_, err := s.shares.Make(ctx, i.was, share.Make{ConversationID: i.first})
			return err
		},
		"an export": func() error { _, err := s.exports.Start(ctx, i.was); return err },
		"an import": func() error {
			_, err := s.imports().Import(ctx, i.was, strings.NewReader(`[{"title":"kanari","mapping":{"a":{"id":"a","message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["kanari"]}}}}}]`))
			return err
		},
		"all conversations deleted": func() error { _, err := s.chat.DeleteAllConversations(ctx, i.was, models.EraseWord); return err },
		"a mail": func() error {
			return s.db.Tx(ctx, func(tx *gorm.DB) error {
				return s.mails.EnqueueTx(tx, i.was, models.Letter{Kind: models.LetterLowBalance, To: i.name() + "@example.org", DedupeKey: "late", Facts: map[string]string{"name": i.name()}})
			})
		},
		"a row": func() error {
			return s.db.Gorm(ctx).Create(&models.Conversation{OwnerID: i.was.OwnerID, ID: "con_late", TitleSealed: []byte{1}, TitleSource: models.TitleOwner, CreatedAt: s.clock.Now(), UpdatedAt: s.clock.Now()}).Error
		},
		"a checkout": func() error {
			_, err := s.billing.Checkout(ctx, i.was, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "late"})
			return err
		},
	} {
		if try() == nil {
			i.fault("%s came after the deletion and got in", what)
		}
	}
	s.requests.Record(requestlog.Entry{ID: id.New(id.Request), At: time.Now(), OwnerID: i.was.OwnerID, KeyID: id.New(id.APIKey), Route: "query viewer", Status: http.StatusOK})
	for _, p := range i.bought {
		if p.paid {
			p.late = p.late || !p.carried
			p.carried = true
			i.c.carry(p.id)
		}
	}
}

// ownersOf are those of whom something was stored.
func ownersOf(all []*interleaving) (ids []string) {
	for _, i := range all {
		ids = slices.AppendSeq(ids, maps.Keys(i.owners))
	}
	return ids
}

// limitsRunOut lets time pass for limits: what a request that was under way noted of who was
// gone counts for nothing after some minutes, and is swept.
func (c *crossing) limitsRunOut() {
	c.t.Helper()
	for _, sql := range []string{`UPDATE rate_buckets SET tat = 0`, `UPDATE rate_places SET until = 0`} {
		if err := c.all[0].server.db.Gorm(c.t.Context()).Exec(sql).Error; err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.all[0].server.limits.Sweep(c.t.Context()); err != nil {
		c.t.Error(err)
	}
}
