package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// ClearJob is the name of the job that goes on with deletions of all conversations.
	ClearJob = "conversations.clear"
	// eraseBatch is how many conversations one transaction deletes.
	eraseBatch = 50
	// eraseMessages is how many messages one transaction deletes, unless a single conversation
	// has more.
	eraseMessages = 5000
	// clearTimeout bounds what one request or one turn deletes; the rest has another turn.
	clearTimeout = time.Minute
	// clearRetry is how long a deletion is left to who began it, or tried it last.
	clearRetry = clearTimeout + 30*time.Second
)

// EraseTx deletes some of an owner's conversations with all that is in them, the newest
// first, says how many rows that were by table, and whether there are more.
func (s *Service) EraseTx(tx *gorm.DB, ownerID string) (rows map[string]int64, more bool, err error) {
	return eraseTx(tx, ownerID, time.Time{})
}

// eraseTx deletes a batch of those that were begun until the cutoff, zero for all.
func eraseTx(tx *gorm.DB, ownerID string, cutoff time.Time) (rows map[string]int64, more bool, err error) {
	// One conversation alone may be very long.
	if err := database.AllowTx(tx, clearTimeout); err != nil {
		return nil, false, err //nolint:wrapcheck // says what failed
	}
	q := tx.Model(&models.Conversation{}).Where("owner_id = ?", ownerID)
	if !cutoff.IsZero() {
		q = q.Where("created_at <= ?", cutoff)
	}
	var ids []string
	if err := q.Order("updated_at DESC, id DESC").Limit(eraseBatch).Clauses(clause.Locking{Strength: "UPDATE"}).Pluck("id", &ids).Error; err != nil {
		return nil, false, fmt.Errorf("find conversations: %w", err)
	}
	if len(ids) == 0 {
		return nil, false, nil
	}
	found := len(ids)
	if ids, err = fewTx(tx, ownerID, ids); err != nil {
		return nil, false, err
	}
	rows = map[string]int64{}
	for table, count := range map[string]string{
		"messages":   `SELECT count(*) FROM messages WHERE owner_id = ? AND conversation_id IN ?`,
		"runs":       `SELECT count(*) FROM runs WHERE owner_id = ? AND conversation_id IN ?`,
		"run_chunks": `SELECT count(*) FROM (SELECT FROM run_chunks k JOIN runs r ON r.owner_id = k.owner_id AND r.id = k.run_id WHERE r.owner_id = ? AND r.conversation_id IN ? FOR UPDATE) AS mine`, // who ends a run deletes them too
	} {
		var n int64
		if err := tx.Raw(count, ownerID, ids).Scan(&n).Error; err != nil {
			return nil, false, fmt.Errorf("count %s: %w", table, err)
		}
		rows[table] = n
	}
	gone := tx.Where("owner_id = ? AND id IN ?", ownerID, ids).Delete(&models.Conversation{})
	if gone.Error != nil {
		return nil, false, fmt.Errorf("delete conversations: %w", gone.Error)
	}
	rows["conversations"] = gone.RowsAffected
	return rows, found == eraseBatch || len(ids) < found, nil
}

// fewTx are the first of the conversations whose messages are not too many for one
// transaction, at least one.
func fewTx(tx *gorm.DB, ownerID string, ids []string) ([]string, error) {
	var counts []struct {
		ConversationID string
		N              int
	}
	err := tx.Raw(`SELECT conversation_id, count(*) AS n FROM messages WHERE owner_id = ? AND conversation_id IN ? GROUP BY 1`, ownerID, ids).Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("weigh conversations: %w", err)
	}
	messages := map[string]int{}
	for _, c := range counts {
		messages[c.ConversationID] = c.N
	}
	sum := 0
	for i, one := range ids {
		if sum += messages[one]; sum > eraseMessages && i > 0 {
			return ids[:i], nil
		}
	}
	return ids, nil
}

// DeleteAllConversations deletes all conversations that the viewer has, for good, and says
// how many those were. Replies that run are stopped and settled first; everything else of
// the viewer stays, and so do conversations that are begun meanwhile. What a crash leaves,
// a job deletes. Two deletions at once are one. It refuses with INVALID a confirmation that
// is not models.EraseWord.
func (s *Service) DeleteAllConversations(ctx context.Context, v viewer.Viewer, confirmation string) (*models.Clearing, error) {
	if !v.IsOwner() {
		return nil, fault.New(fault.Unauthenticated, "there is nothing to delete before the first message")
	}
	if !strings.EqualFold(strings.TrimSpace(confirmation), models.EraseWord) {
		return nil, fault.On("confirmation", fault.Invalid, "type %s to delete all conversations", models.EraseWord)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearTimeout)
	defer cancel()
	c, err := s.beginClearing(ctx, v)
	if err != nil {
		return nil, fmt.Errorf("delete all conversations: %w", err)
	}
	stopping, stopped := context.WithTimeout(ctx, deleteTimeout)
	defer stopped()
	if err := s.StopAll(stopping, v); err != nil {
		s.log.Info("delete conversations whose runs don't answer", "err", err)
	}
	if err := s.clear(ctx, v.OwnerID, &c); err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("delete all conversations: %w", err)
	}
	return s.findClearing(context.WithoutCancel(ctx), c)
}

// beginClearing writes down what is to be deleted; one that isn't over is gone on with.
func (s *Service) beginClearing(ctx context.Context, v viewer.Viewer) (c models.Clearing, err error) {
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		c = models.Clearing{}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		var old []models.Clearing
		if err := tx.Where("owner_id = ? AND finished_at IS NULL", v.OwnerID).Find(&old).Error; err != nil {
			return fmt.Errorf("read a clearing: %w", err)
		}
		now := s.Clock.Now()
		// What is there is meant, whatever the clock of whoever dated it said.
		if err := tx.Exec(`UPDATE conversations SET created_at = ? WHERE owner_id = ? AND created_at > ?`, now, v.OwnerID, now).Error; err != nil {
			return fmt.Errorf("date conversations that are ahead: %w", err)
		}
		if len(old) == 1 {
			c = old[0]
			return tx.Exec(`UPDATE clearings SET cutoff = ?, attempted_at = ? WHERE owner_id = ?`, now, now, v.OwnerID).Error
		}
		c = models.Clearing{OwnerID: v.OwnerID, ID: id.New(id.Clearing), Cutoff: now, AttemptedAt: now, StartedAt: now}
		return tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "owner_id"}}, UpdateAll: true}).Create(&c).Error
	})
	return c, err
}

// errCut is how tests cut a deletion off.
var errCut = errors.New("cut off")

// clear does what is left of an owner's clearing, and tells its tabs at the end. What it
// deletes it adds to c.
func (s *Service) clear(ctx context.Context, ownerID string, c *models.Clearing) error {
	var cutoff time.Time
	for more := true; more; {
		var rows map[string]int64
		err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
			more, rows = false, nil
			var open []models.Clearing
			err := tx.Where("owner_id = ? AND finished_at IS NULL", ownerID).Clauses(clause.Locking{Strength: "UPDATE"}).Find(&open).Error
			if err != nil || len(open) == 0 { // somebody else was faster, or the owner is gone
				return err
			}
			cutoff = open[0].Cutoff
			if rows, more, err = eraseTx(tx, ownerID, cutoff); err != nil {
				return err
			}
			return s.noteClearingTx(tx, ownerID, rows, more)
		})
		if err != nil {
			return err
		}
		c.Conversations, c.Messages = c.Conversations+rows["conversations"], c.Messages+rows["messages"]
		if s.cutClearing != nil && s.cutClearing() {
			return errCut
		}
	}
	if !cutoff.IsZero() {
		s.announce(ownerID, event{Kind: eventCleared, Before: cutoff})
	}
	return nil
}

func (s *Service) noteClearingTx(tx *gorm.DB, ownerID string, rows map[string]int64, more bool) error {
	var finished *time.Time
	if now := s.Clock.Now(); !more {
		finished = &now
	}
	return tx.Exec(`UPDATE clearings SET conversations = conversations + ?, messages = messages + ?, finished_at = ? WHERE owner_id = ?`,
		rows["conversations"], rows["messages"], finished, ownerID).Error
}

// findClearing is a deletion of all conversations, as it stands. One that was over, so that
// a later one has taken its row, is what its caller knows of it.
func (s *Service) findClearing(ctx context.Context, c models.Clearing) (*models.Clearing, error) {
	var rows []*models.Clearing
	if err := s.DB.Gorm(ctx).Where("owner_id = ?", c.OwnerID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read a clearing: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.New(fault.NotFound, "what was being deleted has gone with its owner")
	}
	if rows[0].ID != c.ID {
		now := s.Clock.Now()
		c.FinishedAt = &now
		return &c, nil
	}
	return rows[0], nil
}

// ResumeClearings goes on with deletions of all conversations whose instance died, and
// says how many.
func (s *Service) ResumeClearings(ctx context.Context) (int, error) {
	now := s.Clock.Now()
	var owners []string
	err := s.DB.Gorm(ctx).Raw(`UPDATE clearings SET attempted_at = ? WHERE finished_at IS NULL AND attempted_at <= ? RETURNING owner_id`, now, now.Add(-clearRetry)).Scan(&owners).Error
	if err != nil {
		return 0, fmt.Errorf("find clearings: %w", err)
	}
	var failed error
	for _, ownerID := range owners {
		failed = errors.Join(failed, s.clear(ctx, ownerID, new(models.Clearing)))
	}
	return len(owners), failed
}
