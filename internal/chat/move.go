package chat

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// moveBatch is how many rows are opened and sealed anew at a time: it bounds memory,
// since a row may hold megabytes.
const moveBatch = 50

// MoveTx makes all that the guest from has here the account to's: conversations,
// branches, replies and running runs keep their ids and are sealed under the account's
// key. A guest that has nothing, or is gone, is no error: moving again does nothing.
//
// It locks the guest's owner row, the account's, and then the runs, so that a
// checkpoint in flight is either stored and moved with the rest, or finds its run gone
// and looks for it under its new owner (see rehold). The keys of the guest's requests
// stay good for repeating them; one that the account has used itself is replaced.
//
// Moved must follow the commit.
func (s *Service) MoveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if !from.IsOwner() || !to.IsOwner() {
		return fault.New(fault.Unauthenticated, "only stored conversations can be moved, and only to an account")
	}
	if from.OwnerID == to.OwnerID {
		return nil
	}
	if err := s.Owners.LockTx(tx, from); err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			return nil
		}
		return err
	}
	if err := s.Owners.LockTx(tx, to); err != nil {
		return err
	}
	m := move{tx: tx, from: from, to: to, note: moveNote{at: s.clock.Now()}}
	for _, step := range []func() error{m.lock, m.conversations, m.messages, m.runs, m.chunks, m.leave} {
		if err := step(); err != nil {
			return fmt.Errorf("move conversations: %w", err)
		}
	}
	s.moves.put(from.OwnerID, m.note)
	return nil
}

// move is one guest's move, in one transaction.
type move struct {
	tx       *gorm.DB
	from, to viewer.Viewer
	note     moveNote
}

// theirs selects the guest's rows.
func (m *move) theirs() *gorm.DB { return m.tx.Where("owner_id = ?", m.from.OwnerID) }

// lock waits for what is being stored of the guest's runs, and then for changes of its
// conversations: in the order in which the end of a run takes them.
func (m *move) lock() error {
	err := m.tx.Raw("SELECT reply_id FROM runs WHERE owner_id = ? AND status = 'RUNNING' ORDER BY id FOR UPDATE", m.from.OwnerID).Scan(&m.note.running).Error
	if err != nil {
		return fmt.Errorf("lock runs: %w", err)
	}
	err = m.tx.Raw("SELECT id FROM conversations WHERE owner_id = ? ORDER BY id FOR UPDATE", m.from.OwnerID).Scan(&m.note.conversations).Error
	if err != nil {
		return fmt.Errorf("lock conversations: %w", err)
	}
	return nil
}

func (m *move) conversations() error {
	return inBatches(m.note.conversations, func(ids []string) error {
		var rows []*models.Conversation
		if err := m.theirs().Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		for _, c := range rows {
			if err := openConversation(m.from.Key, c); err != nil {
				return err
			}
			c.OwnerID = m.to.OwnerID
			c.TitleSealed = m.to.Key.SealString(titlePlace(c.OwnerID, c.ID), c.Title)
		}
		return write(m.tx, rows)
	})
}

// messages writes parents before their children, or with them: the tree is checked at the
// end of every statement.
func (m *move) messages() error {
	var tree []models.Message
	if err := m.theirs().Select("id", "parent_id").Order("id").Find(&tree).Error; err != nil {
		return fmt.Errorf("read tree: %w", err)
	}
	return inBatches(parentsFirst(tree), m.moveMessages)
}

func (m *move) moveMessages(ids []string) error {
	var rows []*models.Message
	if err := m.theirs().Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	for _, row := range rows {
		if err := openMessage(m.from.Key, row); err != nil {
			return err
		}
		row.OwnerID = m.to.OwnerID
		sealMessage(m.to.Key, row)
	}
	return write(m.tx, rows)
}

// runs keeps the keys of the requests, so that one that is repeated after the move is
// still known. A key that the account has used for another request stays the
// account's.
func (m *move) runs() error {
	var rows []*models.Run
	if err := m.theirs().Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	var taken []string
	err := m.tx.Model(&models.Run{}).Where("owner_id = ? AND client_id IN (SELECT client_id FROM runs WHERE owner_id = ?)", m.to.OwnerID, m.from.OwnerID).
		Pluck("client_id", &taken).Error
	if err != nil {
		return fmt.Errorf("compare requests: %w", err)
	}
	used := make(map[string]bool, len(taken))
	for _, key := range taken {
		used[key] = true
	}
	for _, r := range rows {
		r.OwnerID = m.to.OwnerID
		if used[r.ClientID] {
			r.ClientID = "moved " + r.ID
		}
	}
	return inBatches(rows, func(rows []*models.Run) error { return write(m.tx, rows) })
}

func (m *move) chunks() error {
	var last models.RunChunk
	for {
		var rows []*models.RunChunk
		err := m.theirs().Where("(run_id, seq) > (?, ?)", last.RunID, last.Seq).Order("run_id, seq").Limit(moveBatch).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("read checkpoints: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		last = *rows[len(rows)-1]
		for _, c := range rows {
			body, err := m.from.Key.Open(chunkPlace(c.OwnerID, c.RunID, c.Seq), c.BodySealed)
			if err != nil {
				return fmt.Errorf("read checkpoint: %w", err)
			}
			c.OwnerID = m.to.OwnerID
			c.BodySealed = m.to.Key.Seal(chunkPlace(c.OwnerID, c.RunID, c.Seq), body)
		}
		if err := write(m.tx, rows); err != nil {
			return err
		}
	}
}

// leave deletes the guest's rows; all of them hang on its conversations.
func (m *move) leave() error {
	if err := database.AllowTx(m.tx, clearTimeout); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if err := m.theirs().Delete(&models.Conversation{}).Error; err != nil {
		return fmt.Errorf("delete the guest's rows: %w", err)
	}
	return nil
}

// write inserts rows as they are.
func write[T any](tx *gorm.DB, rows []*T) error {
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Create(rows).Error; err != nil {
		return fmt.Errorf("write %T: %w", *rows[0], err)
	}
	return nil
}

// inBatches does a deed for at most moveBatch items at a time.
func inBatches[T any](items []T, do func([]T) error) error {
	for len(items) > 0 {
		n := min(moveBatch, len(items))
		if err := do(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// parentsFirst are the ids of trees of messages: roots, their children, and so on. Ids
// alone would not do: the clocks of instances differ.
func parentsFirst(tree []models.Message) []string {
	children := make(map[string][]string, len(tree))
	for _, m := range tree {
		children[deref(m.ParentID)] = append(children[deref(m.ParentID)], m.ID)
	}
	out := slices.Clone(children[""])
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}
