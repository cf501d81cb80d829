package chat

import (
	"context"
	"encoding/json"
	"fmt"
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
// that lags too far behind is closed; it subscribes again and reads anew.
func (s *Service) Events(ctx context.Context, v viewer.Viewer) (<-chan models.ViewerEvent, error) {
	if !v.IsOwner() {
		return nil, fault.New(fault.Unauthenticated, "there is nothing to follow before the first message")
	}
	in := make(chan event, pendingEvents)
	ctx, cancel := context.WithCancel(ctx)
	stop, err := s.bus.Subscribe(ownerSubject(v.OwnerID), func(data []byte, _ func([]byte) error) {
		var e event
		if json.Unmarshal(data, &e) != nil {
			return
		}
		select {
		case in <- e:
		default:
			cancel()
		}
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("follow viewer: %w", err)
	}
	out := make(chan models.ViewerEvent)
	if !s.workers.start(func() {
		defer close(out)
		defer cancel()
		defer stop()
		s.relayEvents(ctx, v, in, out)
	}) {
		cancel()
		stop()
		return nil, errShuttingDown()
	}
	return out, nil
}

func (s *Service) relayEvents(ctx context.Context, v viewer.Viewer, in <-chan event, out chan<- models.ViewerEvent) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		case e := <-in:
			if e.Kind == eventMoved {
				return
			}
			full, err := s.load(ctx, v, e)
			if err != nil {
				if !isNotFound(err) && ctx.Err() == nil {
					s.log.Warn("load event", "kind", e.Kind, "err", err)
				}
				continue
			}
			select {
			case out <- full:
			case <-ctx.Done():
				return
			case <-s.ctx.Done():
				return
			}
		}
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
