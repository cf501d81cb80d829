package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// FindMessage is one of the viewer's messages, opened; a running reply comes with
// what it has so far. It refuses with NOT_FOUND.
func (s *Service) FindMessage(ctx context.Context, v viewer.Viewer, messageID string) (*models.Message, error) {
	ms, err := s.FindMessages(ctx, v, []string{messageID})
	if err != nil {
		return nil, err
	}
	if ms[0] == nil {
		return nil, notFound("message")
	}
	return ms[0], nil
}

// FindMessages are messages in the order of their ids, nil where there is none of the
// viewer's.
func (s *Service) FindMessages(ctx context.Context, v viewer.Viewer, ids []string) ([]*models.Message, error) {
	out := make([]*models.Message, len(ids))
	if !v.IsOwner() {
		return out, nil
	}
	var known []string
	for _, i := range ids {
		if id.Is(id.Message, i) {
			known = append(known, i)
		}
	}
	var rows []*models.Message
	if len(known) > 0 {
		if err := s.DB.Gorm(ctx).Where("owner_id = ? AND id IN ?", v.OwnerID, known).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find messages: %w", err)
		}
	}
	if err := s.open(ctx, v, rows); err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Message, len(rows))
	for _, m := range rows {
		byID[m.ID] = m
	}
	for i, want := range ids {
		out[i] = byID[want]
	}
	return out, nil
}

// Branch is a page of a conversation's branch from its leaf towards the root, newest
// first; leafID empty is the branch on show. More says that older messages follow; the
// cursor of a message is its id. A page has fewer messages than asked for when those are
// long: it ends with the one that makes it longer than pageBytes.
func (s *Service) Branch(ctx context.Context, v viewer.Viewer, c *models.Conversation, leafID string, p page.Args) (ms []*models.Message, more bool, err error) {
	from, skip := leafID, 0
	switch {
	case p.After != "":
		from, skip = p.After, 1 // the cursor's message was the last of the page before
	case from == "" && c.LeafID == nil:
		return nil, false, nil
	case from == "":
		from = *c.LeafID
	}
	if !id.Is(id.Message, from) {
		return nil, false, notFound("message")
	}
	err = s.DB.Gorm(ctx).Raw(`
WITH RECURSIVE up AS (
    SELECT m.*, 1 AS depth, CASE WHEN @skip > 0 THEN 0 ELSE `+sizeOfMessage+` END AS bytes FROM messages m WHERE owner_id = @owner AND conversation_id = @conversation AND id = @from
    UNION ALL
    SELECT m.*, up.depth + 1, up.bytes + `+sizeOfMessage+` FROM messages m JOIN up ON m.owner_id = up.owner_id AND m.id = up.parent_id
    WHERE up.depth < @limit AND up.bytes < @most
)
SELECT * FROM up WHERE depth > @skip ORDER BY depth`, map[string]any{"owner": v.OwnerID, "conversation": c.ID, "from": from, "limit": p.Size + skip, "skip": skip, "most": pageBytes}).Scan(&ms).Error
	if err != nil {
		return nil, false, fmt.Errorf("read branch: %w", err)
	}
	if len(ms) == 0 && skip == 0 {
		return nil, false, notFound("message")
	}
	more = len(ms) > 0 && ms[len(ms)-1].ParentID != nil
	return ms, more, s.open(ctx, v, ms)
}

// pageBytes is how many bytes of messages make a page of a branch full.
const pageBytes = 8 << 20

// sizeOfMessage is how many bytes a message m brings.
const sizeOfMessage = `(coalesce(octet_length(m.text_sealed), 0) + coalesce(octet_length(m.reasoning_sealed), 0) + coalesce(octet_length(m.error_sealed), 0))::bigint`

// MaxChildren is how many messages after one parent are told: the newest.
const MaxChildren = 100

// Children are the messages after each of the parents, the newest MaxChildren of each, oldest
// first, in the order of the parents. A parent "" with its conversation stands for the roots.
// The parents share pageBytes: of long messages after one, those that exceed its part are left
// out, the oldest first, but for the newest.
func (s *Service) Children(ctx context.Context, v viewer.Viewer, parents []Parent) ([][]*models.Message, error) {
	out := make([][]*models.Message, len(parents))
	bare, err := s.childrenOf(ctx, v, parents, pageBytes/max(1, len(parents)))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range slices.Concat(bare...) {
		ids = append(ids, m.ID)
	}
	ms, err := s.FindMessages(ctx, v, ids)
	if err != nil {
		return nil, err
	}
	for i := range bare {
		for _, m := range ms[:len(bare[i])] {
			if m != nil { // else it went this moment
				out[i] = append(out[i], m)
			}
		}
		ms = ms[len(bare[i]):]
	}
	return out, nil
}

// ChildIDs are Children with their ids and nothing else.
func (s *Service) ChildIDs(ctx context.Context, v viewer.Viewer, parents []Parent) ([][]*models.Message, error) {
	return s.childrenOf(ctx, v, parents, 0)
}

// childrenOf are ids of the newest messages after each parent, of at most so many bytes and
// the newest in any case; 0: however long they are.
func (s *Service) childrenOf(ctx context.Context, v viewer.Viewer, parents []Parent, most int) ([][]*models.Message, error) {
	out := make([][]*models.Message, len(parents))
	if !v.IsOwner() || len(parents) == 0 {
		return out, nil
	}
	var conversations, messages []string
	for _, p := range parents {
		conversations, messages = append(conversations, p.ConversationID), append(messages, p.MessageID)
	}
	bytes := "0"
	if most > 0 {
		bytes = sizeOfMessage
	}
	rows, err := s.DB.Pool().Query(ctx, `
SELECT at - 1, id FROM (
    SELECT p.at, child.id, sum(child.bytes) OVER newest AS bytes, row_number() OVER newest AS place
    FROM unnest($2::text[], $3::text[]) WITH ORDINALITY p (conversation, message, at), LATERAL (
        (SELECT id, `+bytes+` AS bytes FROM messages m WHERE owner_id = $1 AND conversation_id = p.conversation AND parent_id = p.message ORDER BY id DESC LIMIT $4)
        UNION ALL
        (SELECT id, `+bytes+` AS bytes FROM messages m WHERE owner_id = $1 AND conversation_id = p.conversation AND p.message = '' AND parent_id IS NULL ORDER BY id DESC LIMIT $4)
    ) child WINDOW newest AS (PARTITION BY p.at ORDER BY child.id DESC)
) c WHERE bytes <= $5 OR place = 1 ORDER BY id`, v.OwnerID, conversations, messages, MaxChildren, most)
	var at int
	var child string
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&at, &child}, func() error {
			out[at] = append(out[at], &models.Message{OwnerID: v.OwnerID, ID: child, ConversationID: parents[at].ConversationID})
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("find the messages after others: %w", database.Translate(err))
	}
	return out, nil
}

// Parent names what messages follow: a message, or the root of a conversation when
// MessageID is empty.
type Parent struct{ ConversationID, MessageID string }

// ActiveReply is the reply of the conversation that is being written, nil if none is.
func (s *Service) ActiveReply(ctx context.Context, v viewer.Viewer, conversationID string) (*models.Message, error) {
	var runs []models.Run
	err := s.DB.Gorm(ctx).Where("owner_id = ? AND conversation_id = ? AND status = 'RUNNING'", v.OwnerID, conversationID).Order("id DESC").Limit(1).Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("find running reply: %w", err)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	return s.FindMessage(ctx, v, runs[0].ReplyID)
}

// open opens messages and gives running replies what they have so far.
func (s *Service) open(ctx context.Context, v viewer.Viewer, ms []*models.Message) error {
	for _, m := range ms {
		if err := openMessage(v.Key, m); err != nil {
			return fmt.Errorf("open message: %w", err)
		}
		if m.Status.Live() {
			if err := s.fillLive(ctx, v, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillLive takes a running reply's text from its log on this instance, else from what
// its owner has stored.
func (s *Service) fillLive(ctx context.Context, v viewer.Viewer, m *models.Message) error {
	if r := s.hub.run(m.ID); r != nil {
		var status models.MessageStatus
		if m.LastSeq, m.Text, m.Reasoning, status = r.log.content(); status.Live() {
			m.Status = status
			return nil
		}
		return s.again(ctx, v, m) // it has ended since the row was read
	}
	run, err := s.findRun(ctx, m.OwnerID, m.ID)
	if err != nil {
		return err
	}
	if run.Status != models.RunRunning {
		return s.again(ctx, v, m)
	}
	kept, err := s.checkpointed(ctx, v.Key, run)
	if err != nil {
		return err
	}
	m.Text += kept.text
	m.Reasoning += kept.reasoning
	if m.Text+m.Reasoning != "" {
		m.Status = models.MessageStreaming
	}
	m.LastSeq = max(m.LastSeq, kept.seq)
	return nil
}

// again reads a message that has changed since.
func (s *Service) again(ctx context.Context, v viewer.Viewer, m *models.Message) error {
	var now models.Message
	err := s.DB.Gorm(ctx).Where("owner_id = ? AND id = ?", m.OwnerID, m.ID).Take(&now).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return notFound("message")
	}
	if err != nil {
		return fmt.Errorf("find message: %w", err)
	}
	*m = now
	return openMessage(v.Key, m)
}

// messageIn is a message of a conversation, not opened.
func messageIn(tx *gorm.DB, ownerID, conversationID, messageID string) (*models.Message, error) {
	var ms []models.Message
	if !id.Is(id.Message, messageID) {
		return nil, notFound("message")
	}
	if err := tx.Where("owner_id = ? AND conversation_id = ? AND id = ?", ownerID, conversationID, messageID).Limit(1).Find(&ms).Error; err != nil {
		return nil, fmt.Errorf("find message: %w", err)
	}
	if len(ms) == 0 {
		return nil, notFound("message")
	}
	return &ms[0], nil
}

// conversationTx is one of the viewer's conversations within a transaction, not opened.
func conversationTx(tx *gorm.DB, v viewer.Viewer, conversationID string) (*models.Conversation, error) {
	if !v.IsOwner() || !id.Is(id.Conversation, conversationID) {
		return nil, notFound("conversation")
	}
	var cs []models.Conversation
	if err := tx.Where("owner_id = ? AND id = ?", v.OwnerID, conversationID).Limit(1).Find(&cs).Error; err != nil {
		return nil, fmt.Errorf("find conversation: %w", err)
	}
	if len(cs) == 0 {
		return nil, fault.New(fault.NotFound, "there is no such conversation")
	}
	return &cs[0], nil
}
