package chat

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxTitle is the longest title in characters.
const maxTitle = 200

// List says which of the viewer's conversations to list.
type List struct {
	Page     page.Args
	Text     string // "" lists all
	Pinned   *bool
	Archived bool
	Last     Last // of each one's newest message, load this too
}

// Last is how much of the newest messages a list brings.
type Last int

// Nothing of them; what a list shows, without reasoning, tokens and origin; all.
const (
	LastNone Last = iota
	LastShown
	LastWhole
)

// Conversations is a page of the viewer's conversations: pinned first, then by last
// activity. More says that others follow after the last one's Position.
func (s *Service) Conversations(ctx context.Context, v viewer.Viewer, l List) (cs []*models.Conversation, more bool, err error) {
	if !v.IsOwner() {
		return nil, false, nil
	}
	rows, err := s.listRows(ctx, v, l)
	if err != nil {
		return nil, false, fmt.Errorf("list conversations: %w", database.Translate(err))
	}
	cs, err = pgx.CollectRows(rows, listScan(v, l.Last))
	if err != nil {
		return nil, false, fmt.Errorf("list conversations: %w", database.Translate(err))
	}
	if more = len(cs) > l.Page.Size; more {
		cs = cs[:l.Page.Size]
	}
	for _, c := range cs {
		if err := openConversation(v.Key, c); err != nil {
			return nil, false, fmt.Errorf("open conversation: %w", err)
		}
		if c.LastMessage != nil {
			if err := s.open(ctx, v, []*models.Message{c.LastMessage}); err != nil {
				return nil, false, err
			}
		}
	}
	return cs, more, nil
}

// Position is the place of a conversation in the list, for cursors.
func Position(c *models.Conversation) string {
	pin := "0"
	if c.Pinned {
		pin = "1"
	}
	return pin + page.TimePosition(c.UpdatedAt, c.ID)
}

func parsePosition(s string) (pinned bool, at time.Time, id string, err error) {
	if s == "" || (s[0] != '0' && s[0] != '1') {
		return false, at, "", fault.On("after", fault.Invalid, "this cursor belongs to another list: leave it out for the first page")
	}
	at, id, err = page.ParseTimePosition(s[1:])
	return s[0] == '1', at, id, err
}

const conversationColumns = `c.id, c.title_sealed, c.title_source, c.pinned, c.archived, c.leaf_id, c.created_at, c.updated_at`

// lastColumns are those of the newest message; the first are what LastShown brings.
const (
	shownColumns = `m.id, m.role, m.status, m.text_sealed, m.last_seq, m.created_at`
	lastColumns  = shownColumns + `, m.parent_id, m.reasoning_sealed, m.error_sealed, m.error_code, m.retry_after_ms, m.model_id, m.engine_name,
    m.finish_reason, m.reasoning_ms, m.dropped_messages, m.prompt_tokens, m.cached_tokens, m.output_tokens, m.reasoning_tokens, m.usage_estimated, m.cost_micro, m.finished_at`
)

// listRows is the list's one statement: with the newest messages it joins them by a
// lateral index look-up each.
//
// The limit stands in the statement and is no argument: for an unknown limit the planner
// expects a tenth of the owner's rows, finds the plan for that too dear to keep, and plans
// each execution anew, which costs more than the execution.
func (s *Service) listRows(ctx context.Context, v viewer.Viewer, l List) (pgx.Rows, error) {
	var where strings.Builder
	args := []any{v.OwnerID, l.Archived}
	where.WriteString("owner_id = $1 AND archived = $2")
	if l.Pinned != nil {
		args = append(args, *l.Pinned)
		fmt.Fprintf(&where, " AND pinned = $%d", len(args))
	}
	if l.Page.After != "" {
		pinned, at, id, err := parsePosition(l.Page.After)
		if err != nil {
			return nil, err
		}
		args = append(args, pinned, at, id)
		n := len(args)
		fmt.Fprintf(&where, " AND (pinned, updated_at, id) < ($%d, $%d, $%d)", n-2, n-1, n)
	}
	newest := `SELECT * FROM conversations WHERE ` + where.String() + ` ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT ` + strconv.Itoa(l.Page.Size+1)
	const order = ` ORDER BY c.pinned DESC, c.updated_at DESC, c.id DESC`
	if l.Last == LastNone {
		return s.DB.Pool().Query(ctx, `SELECT `+conversationColumns+` FROM (`+newest+`) c`+order, args...)
	}
	columns := lastColumns
	if l.Last == LastShown {
		columns = shownColumns
	}
	return s.DB.Pool().Query(ctx, `SELECT `+conversationColumns+`, `+columns+` FROM (`+newest+`) c
LEFT JOIN LATERAL (SELECT * FROM messages WHERE owner_id = $1 AND conversation_id = c.id ORDER BY id DESC LIMIT 1) m ON true`+order, args...)
}

// listScan reads the rows of a list, with one set of targets for all of them.
func listScan(v viewer.Viewer, last Last) pgx.RowToFunc[*models.Conversation] {
	var into []any
	return func(row pgx.CollectableRow) (*models.Conversation, error) {
		c := &models.Conversation{OwnerID: v.OwnerID}
		into = append(into[:0], &c.ID, &c.TitleSealed, &c.TitleSource, &c.Pinned, &c.Archived, &c.LeafID, &c.CreatedAt, &c.UpdatedAt)
		if last == LastNone {
			return c, row.Scan(into...)
		}
		if values := row.RawValues(); values[len(into)] == nil { // no message yet
			into = append(into, make([]any, len(values)-len(into))...)
			return c, row.Scan(into...)
		}
		m := &models.Message{OwnerID: v.OwnerID}
		into = append(into, &m.ID, &m.Role, &m.Status, &m.TextSealed, &m.LastSeq, &m.CreatedAt)
		if last == LastWhole {
			into = append(into, &m.ParentID, &m.ReasoningSealed, &m.ErrorSealed, &m.ErrorCode, &m.RetryAfterMs, &m.ModelID, &m.EngineName,
				&m.FinishReason, &m.ReasoningMs, &m.DroppedMessages, &m.PromptTokens, &m.CachedTokens, &m.OutputTokens, &m.ReasoningTokens, &m.UsageEstimated, &m.CostMicro, &m.FinishedAt)
		}
		err := row.Scan(into...)
		m.ConversationID = c.ID
		c.LastMessage = m
		return c, err
	}
}

// FindConversation is one of the viewer's conversations, opened, with its newest
// message. It refuses with NOT_FOUND.
func (s *Service) FindConversation(ctx context.Context, v viewer.Viewer, conversationID string) (*models.Conversation, error) {
	c, err := conversationTx(s.DB.Gorm(ctx), v, conversationID)
	if err != nil {
		return nil, err
	}
	if c.LastMessage, err = s.newest(ctx, v, c.ID); err != nil {
		return nil, err
	}
	return c, openConversation(v.Key, c)
}

// newest is the newest message of a conversation, nil when it has none.
func (s *Service) newest(ctx context.Context, v viewer.Viewer, conversationID string) (*models.Message, error) {
	var ms []*models.Message
	err := s.DB.Gorm(ctx).Where("owner_id = ? AND conversation_id = ?", v.OwnerID, conversationID).Order("id DESC").Limit(1).Find(&ms).Error
	if err != nil {
		return nil, fmt.Errorf("find message: %w", err)
	}
	if len(ms) == 0 {
		return nil, nil
	}
	return ms[0], s.open(ctx, v, ms)
}

// Update is what to change of a conversation; nil fields stay.
type Update struct {
	ConversationID string
	Title          *string
	Pinned         *bool
	Archived       *bool
	LeafID         *string
}

// UpdateConversation renames, pins or archives a conversation, or shows the branch
// through a message. It refuses blank and overlong titles, and foreign ids.
func (s *Service) UpdateConversation(ctx context.Context, v viewer.Viewer, u Update) (*models.Conversation, error) {
	if !v.IsOwner() {
		return nil, onField("conversationId", nil, "conversation")
	}
	set := map[string]any{}
	if u.Title != nil {
		title := strings.Join(strings.Fields(*u.Title), " ")
		if n := utf8.RuneCountInString(title); strings.IndexFunc(title, visible) < 0 || n > maxTitle || !utf8.ValidString(title) {
			return nil, fault.On("title", fault.Invalid, "a title has 1 to %d characters", maxTitle)
		}
		set["title_sealed"] = v.Key.SealString(titlePlace(v.OwnerID, u.ConversationID), title)
		set["title_source"] = models.TitleOwner
	}
	if u.Pinned != nil {
		set["pinned"] = *u.Pinned
	}
	if u.Archived != nil {
		set["archived"] = *u.Archived
	}
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		c, err := conversationTx(tx, v, u.ConversationID)
		if err != nil {
			return onField("conversationId", err, "conversation")
		}
		if u.LeafID != nil {
			leaf, err := newestLeaf(tx, v.OwnerID, c.ID, *u.LeafID)
			if err != nil {
				return onField("leafId", err, "message in this conversation")
			}
			set["leaf_id"] = leaf
		}
		if len(set) == 0 {
			return nil
		}
		return tx.Model(&models.Conversation{}).Where("owner_id = ? AND id = ?", v.OwnerID, c.ID).Updates(set).Error
	})
	if err != nil {
		return nil, fmt.Errorf("update conversation: %w", err)
	}
	s.announce(v.OwnerID, event{Kind: eventChanged, Conversation: u.ConversationID})
	return s.FindConversation(ctx, v, u.ConversationID)
}

// newestLeaf goes from a message down to a leaf, always to the newest child.
func newestLeaf(tx *gorm.DB, ownerID, conversationID, messageID string) (string, error) {
	if _, err := messageIn(tx, ownerID, conversationID, messageID); err != nil {
		return "", err
	}
	var leaf string
	err := tx.Raw(`
WITH RECURSIVE down AS (
    SELECT CAST(@message AS text) AS id, 1 AS depth
    UNION ALL
    SELECT (SELECT max(m.id) FROM messages m WHERE m.owner_id = @owner AND m.conversation_id = @conversation AND m.parent_id = down.id), depth + 1
    FROM down WHERE down.id IS NOT NULL
)
SELECT id FROM down WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1`,
		map[string]any{"owner": ownerID, "conversation": conversationID, "message": messageID}).Scan(&leaf).Error
	if err != nil {
		return "", fmt.Errorf("find leaf: %w", err)
	}
	return leaf, nil
}

// deleteTimeout bounds how long a deletion waits for a running reply to stop.
const deleteTimeout = 5 * time.Second

// DeleteConversation deletes a conversation with all its messages at once and for
// good. A running reply is stopped and stored first.
func (s *Service) DeleteConversation(ctx context.Context, v viewer.Viewer, conversationID string) error {
	c, err := conversationTx(s.DB.Gorm(ctx), v, conversationID)
	if err != nil {
		return onField("conversationId", err, "conversation")
	}
	if err := s.stopConversation(ctx, v, c.ID); err != nil && ctx.Err() == nil {
		s.log.Info("delete a conversation whose run does not answer", "err", err)
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := database.AllowTx(tx, clearTimeout); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		return tx.Where("owner_id = ? AND id = ?", v.OwnerID, c.ID).Delete(&models.Conversation{}).Error
	})
	if err != nil {
		return fmt.Errorf("delete conversation: %w", err)
	}
	s.announce(v.OwnerID, event{Kind: eventDeleted, Conversation: c.ID})
	return nil
}

// stopConversation stops what runs in a conversation. A run that doesn't answer in
// time loses its row with the conversation, and ends at its next checkpoint.
func (s *Service) stopConversation(ctx context.Context, v viewer.Viewer, conversationID string) error {
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	var replies []string
	err := s.DB.Gorm(ctx).Model(&models.Run{}).Where("owner_id = ? AND conversation_id = ? AND status = 'RUNNING'", v.OwnerID, conversationID).Pluck("reply_id", &replies).Error
	for i := 0; err == nil && i < len(replies); i++ {
		err = s.stopRun(ctx, v.OwnerID, replies[i])
	}
	return err
}
