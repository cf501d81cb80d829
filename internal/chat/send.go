package chat

import (
	"context"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Limits of what a message may be.
const (
	MaxTextBytes = 1 << 20
	maxClientID  = 100
)

// Send is a message to be sent. ConversationID nil starts a conversation; ParentID
// nil follows the branch on show; ModelID empty keeps the model of the last reply.
type Send struct {
	ClientID       string
	ConversationID *string
	ParentID       *string
	Text           string
	ModelID        string
}

// Edit is another version of one of the viewer's messages.
type Edit struct {
	ClientID  string
	MessageID string
	Text      string
	ModelID   string
}

// Regenerate asks for another reply. ModelID empty keeps the reply's model.
type Regenerate struct {
	ClientID string
	ReplyID  string
	ModelID  string
}

// Sent is what a send wrote, or had written before under the same client id. Viewer
// is who sent it: a visitor has become a guest.
type Sent struct {
	Viewer       viewer.Viewer
	Conversation *models.Conversation
	Message      *models.Message
	Reply        *models.Message
}

// turn is one request for a reply, whichever way it was asked for.
type turn struct {
	clientID     string
	hash         []byte
	conversation *string
	modelID      string
	text         string // of a new message; empty for another reply
	// place finds, in the transaction, what the reply follows: the parent of a new
	// message, or the message that gets another reply.
	place   func(tx *gorm.DB, v viewer.Viewer, c *models.Conversation) (parent *string, err error)
	reply   string // the reply that gets a sibling
	feature models.Feature
}

// Send writes the viewer's message, the empty reply and the run in one transaction
// and starts the run. It is idempotent by ClientID; the same id with another body is
// a CONFLICT. It refuses blank or overlong text, foreign ids, unknown models, guests
// at their limit, and a branch whose last reply is still being written.
func (s *Service) Send(ctx context.Context, v viewer.Viewer, in Send) (*Sent, error) {
	var faults fault.List
	faults = checkClientID(faults, in.ClientID)
	faults = checkText(faults, in.Text)
	if in.ConversationID == nil && in.ParentID != nil {
		faults = append(faults, fault.On("parentId", fault.Invalid, "a parent needs its conversation: pass conversationId too"))
	}
	if err := faults.OrNil(); err != nil {
		return nil, err
	}
	t := turn{clientID: in.ClientID, conversation: in.ConversationID, modelID: in.ModelID, text: in.Text, feature: models.FeatureChat,
		hash: hashOf("send", deref(in.ConversationID), deref(in.ParentID), in.ModelID, in.Text)}
	t.place = func(tx *gorm.DB, v viewer.Viewer, c *models.Conversation) (*string, error) {
		if in.ParentID == nil {
			return c.LeafID, nil
		}
		p, err := messageIn(tx, v.OwnerID, c.ID, *in.ParentID)
		if err != nil {
			return nil, fault.On("parentId", fault.NotFound, "there is no such message in this conversation")
		}
		return &p.ID, nil
	}
	return s.turn(ctx, v, t)
}

// Edit is Send beside one of the viewer's messages: it gets the same parent.
func (s *Service) Edit(ctx context.Context, v viewer.Viewer, in Edit) (*Sent, error) {
	var faults fault.List
	faults = checkClientID(faults, in.ClientID)
	faults = checkText(faults, in.Text)
	if err := faults.OrNil(); err != nil {
		return nil, err
	}
	m, err := s.FindMessage(ctx, v, in.MessageID)
	if err != nil || m.Role != models.RoleUser {
		return nil, onField("messageId", err, "message of yours")
	}
	t := turn{clientID: in.ClientID, conversation: &m.ConversationID, modelID: in.ModelID, text: in.Text, feature: models.FeatureEdit,
		hash: hashOf("edit", in.MessageID, in.ModelID, in.Text)}
	t.place = func(*gorm.DB, viewer.Viewer, *models.Conversation) (*string, error) { return m.ParentID, nil }
	return s.turn(ctx, v, t)
}

// Regenerate starts another reply beside one. Sent.Message is what both reply to.
func (s *Service) Regenerate(ctx context.Context, v viewer.Viewer, in Regenerate) (*Sent, error) {
	if err := checkClientID(nil, in.ClientID).OrNil(); err != nil {
		return nil, err
	}
	m, err := s.FindMessage(ctx, v, in.ReplyID)
	if err != nil || m.Role != models.RoleAssistant {
		return nil, onField("replyId", err, "reply")
	}
	t := turn{clientID: in.ClientID, conversation: &m.ConversationID, modelID: in.ModelID, reply: m.ID, feature: models.FeatureRegenerate,
		hash: hashOf("regenerate", in.ReplyID, in.ModelID)}
	if t.modelID == "" {
		t.modelID = m.ModelID
	}
	t.place = func(*gorm.DB, viewer.Viewer, *models.Conversation) (*string, error) { return m.ParentID, nil }
	return s.turn(ctx, v, t)
}
