package chat

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxShared is how many messages a branch that is shared may have.
const maxShared = 2000

// SnapshotTx is one branch of a conversation of the viewer's as it is now, opened, from its
// root down to the leaf; an empty leaf stands for the branch on show. It refuses with
// NOT_FOUND what isn't the viewer's, with CONFLICT a branch that is still being written, and
// with INVALID one that is empty or very long.
func (s *Service) SnapshotTx(tx *gorm.DB, v viewer.Viewer, conversationID, leafID string) (*models.SharedConversation, error) {
	// Until tx ends nobody deletes it.
	c, err := conversationTx(tx.Clauses(clause.Locking{Strength: "KEY SHARE"}), v, conversationID)
	if err != nil {
		return nil, onField("conversationId", err, "conversation")
	}
	if err := openConversation(v.Key, c); err != nil {
		return nil, err
	}
	if leafID == "" {
		leafID = deref(c.LeafID)
	}
	if leafID == "" {
		return nil, fault.On("conversationId", fault.Invalid, "there is nothing in this conversation yet that could be shared")
	}
	if _, err := messageIn(tx, v.OwnerID, c.ID, leafID); err != nil {
		return nil, onField("leafId", err, "message in this conversation")
	}
	path, older, err := s.path(tx, v.OwnerID, leafID, v.Key)
	if err != nil {
		return nil, err
	}
	if len(path) > maxShared {
		return nil, fault.On("conversationId", fault.Invalid, "this branch has more than %d messages: it is too long to be shared", maxShared)
	}
	if older > 0 {
		return nil, fault.On("conversationId", fault.Invalid, "this branch has more than %d MB: it is too long to be shared", maxPathBytes>>20)
	}
	out := &models.SharedConversation{Title: c.Title}
	for _, m := range path {
		if m.Status.Live() {
			return nil, fault.On("conversationId", fault.Conflict, "an answer is still being written here: wait for it, or stop it")
		}
		out.Messages = append(out.Messages, &models.SharedMessage{Role: m.Role, Status: m.Status, Text: m.Text, Reasoning: m.Reasoning, ReasoningMs: m.ReasoningMs, ModelID: m.ModelID})
	}
	return out, nil
}
