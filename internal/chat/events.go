package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Kinds of events on an owner's subject.
const (
	eventChanged = "changed"
	eventDeleted = "deleted"
	eventCleared = "cleared"
	eventStarted = "started"
	eventEnded   = "ended"
	eventMoved   = "moved" // of a guest: its conversations are an account's, and its feeds end
	eventCredits = "credits"
	eventPayment = "payment"
)

// event goes to all of an owner's tabs; it carries ids and times only.
type event struct {
	Kind         string `json:"kind"`
	Conversation string `json:"conversation"`
	Reply        string `json:"reply,omitempty"`
	Purchase     string `json:"purchase,omitempty"`
	// Before is until when what is gone was begun.
	Before time.Time `json:"before,omitzero"`
}

// pendingEvents is how many events a tab may lag before it is told to look again.
const pendingEvents = 64

func ownerSubject(ownerID string) string { return "owner." + ownerID }

// announce tells the owner's tabs on all instances. It is called after the commit;
// a lost event costs nothing that a reload doesn't bring back.
func (s *Service) announce(ownerID string, e event) {
	b, err := json.Marshal(e)
	if err == nil {
		err = s.bus.Publish(ownerSubject(ownerID), b)
	}
	if err != nil {
		s.log.Warn("announce", "kind", e.Kind, "err", err)
	}
}

// Notify tells the owner's tabs on all instances of something that another room did:
// CreditsChanged or PurchaseChanged. A lost event costs nothing that a reload doesn't
// bring back.
func (s *Service) Notify(ownerID string, e models.ViewerEvent) {
	switch e := e.(type) {
	case *models.CreditsChanged:
		s.announce(ownerID, event{Kind: eventCredits})
	case *models.PurchaseChanged:
		s.announce(ownerID, event{Kind: eventPayment, Purchase: e.PurchaseID})
	}
}

// Events yields what happens to the viewer's conversations until ctx ends. A follower
// that lags too far behind, or that something else kept from an event, is closed; it
// subscribes again and reads anew. ring, which must
// not wait and may be nil, is called whenever something can be had from the channel without
// waiting: an event, or that there will be none.
func (s *Service) Events(ctx context.Context, v viewer.Viewer, ring func()) (<-chan models.ViewerEvent, error) {
	if !v.IsOwner() {
		return nil, fault.New(fault.Unauthenticated, "there is nothing to follow before the first message")
	}
	if ring == nil {
		ring = func() {}
	}
	f := &follower{s: s, viewer: v, ring: ring, out: make(chan models.ViewerEvent, 1)}
	f.ctx, f.cancel = context.WithCancel(ctx)
	stop, err := s.bus.Follow(ownerSubject(v.OwnerID), f.hear, f.cancel)
	if err != nil {
		f.cancel()
		return nil, fmt.Errorf("follow viewer: %w", err)
	}
	detach := context.AfterFunc(s.ctx, f.cancel)
	context.AfterFunc(f.ctx, func() {
		detach()
		stop()
		f.end()
	})
	return f.out, nil
}

// follower tells one subscription what happens to its owner. While nothing happens it has
// no goroutine.
type follower struct {
	s *Service
	//nolint:containedctx // the subscription's
	ctx    context.Context
	cancel context.CancelFunc
	viewer viewer.Viewer
	ring   func()
	out    chan models.ViewerEvent // holds one, so that who rings need not wait

	mu    sync.Mutex
	queue []event
	busy  bool // relay runs, and closes out when it is over
	over  bool
}

// hear queues an event without waiting for anything.
func (f *follower) hear(data []byte) {
	var e event
	if json.Unmarshal(data, &e) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.over:
	case len(f.queue) == pendingEvents:
		f.cancel()
	default:
		f.queue = append(f.queue, e)
		if !f.busy {
			f.busy = f.s.workers.start(f.relay)
		}
	}
}

// relay passes on what is queued.
func (f *follower) relay() {
	for e, more := f.next(); more; e, more = f.next() {
		if e.Kind == eventMoved {
			f.cancel()
		}
		if f.ctx.Err() != nil {
			continue // until it is over
		}
		full, err := f.s.load(f.ctx, f.viewer, e)
		if err != nil {
			if !isNotFound(err) && f.ctx.Err() == nil {
				f.s.log.Warn("load event; its follower reads anew", "kind", e.Kind, "err", err)
				f.cancel()
			}
			continue
		}
		select {
		case f.out <- full:
			f.ring()
		case <-f.ctx.Done():
		}
	}
}

// next is the first that is queued. Without one, relay is over; and with it the follower,
// when it ended meanwhile.
func (f *follower) next() (e event, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || len(f.queue) == 0 {
		f.queue, f.busy = nil, false
		f.close()
		return event{}, false
	}
	e, f.queue = f.queue[0], f.queue[1:]
	return e, true
}

// end closes the follower once nothing is passed on any more.
func (f *follower) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if !f.busy {
		f.close()
	}
}

// close tells the reader, once the follower is over; f is locked.
func (f *follower) close() {
	if f.over {
		close(f.out)
		f.ring()
	}
}

// load fills an event with what it speaks of, as it is now.
func (s *Service) load(ctx context.Context, v viewer.Viewer, e event) (models.ViewerEvent, error) {
	switch e.Kind {
	case eventCredits:
		return &models.CreditsChanged{}, nil
	case eventPayment:
		return &models.PurchaseChanged{PurchaseID: e.Purchase}, nil
	case eventCleared:
		return &models.ConversationsDeleted{Before: e.Before}, nil
	case eventDeleted:
		return &models.ConversationDeleted{ConversationID: e.Conversation}, nil
	case eventStarted, eventEnded:
		m, err := s.FindMessage(ctx, v, e.Reply)
		if err != nil {
			return nil, err
		}
		if e.Kind == eventStarted {
			return &models.ReplyStarted{ConversationID: e.Conversation, Reply: m}, nil
		}
		return &models.ReplyEnded{ConversationID: e.Conversation, Reply: m}, nil
	default:
		c, err := s.FindConversation(ctx, v, e.Conversation)
		if err != nil {
			return nil, err
		}
		return &models.ConversationChanged{Conversation: c}, nil
	}
}
