package chat

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// readsAll reports whether the viewer may read all conversations of its owner.
func readsAll(v viewer.Viewer) bool {
	return v.Kind != viewer.APIKey || slices.Contains(v.Scopes, string(models.ScopeConversationsRead))
}

// ownConversation lets a key without conversations:read go on only where all replies are its
// own: whatever else stands there, the model could tell it. Else it refuses with SCOPE_MISSING.
func ownConversation(tx *gorm.DB, v viewer.Viewer, conversationID string) error {
	if readsAll(v) {
		return nil
	}
	return onlyOwn(tx, v, "m.conversation_id = ?", conversationID)
}

// ownReply lets a key without conversations:read follow, stop and be told again only what it
// asked for itself. Else it refuses with SCOPE_MISSING.
func ownReply(tx *gorm.DB, v viewer.Viewer, replyID string) error {
	if readsAll(v) {
		return nil
	}
	return onlyOwn(tx, v, "m.id = ?", replyID)
}

// onlyOwn refuses unless there are replies of which where speaks, all of them asked for by
// the viewer's key.
func onlyOwn(tx *gorm.DB, v viewer.Viewer, where, id string) error {
	var own bool
	err := tx.Raw(`SELECT coalesce(bool_and(coalesce(r.key_id = ? AND r.key_id <> '', false)), false) FROM messages m
LEFT JOIN runs r ON r.owner_id = m.owner_id AND r.reply_id = m.id WHERE m.owner_id = ? AND m.role = 'ASSISTANT' AND `+where, v.KeyID, v.OwnerID, id).Scan(&own).Error
	if err != nil {
		return fmt.Errorf("look who asked for replies: %w", err)
	}
	if !own {
		return fault.New(fault.ScopeMissing, "this API key goes on only where it alone has asked, and reads only what it asked for: for the rest it needs the scope conversations:read")
	}
	return nil
}
