package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// movedSubject tells all instances whose guest has become whose account.
const movedSubject = "moved"

// movedNotice is what goes over it.
type movedNotice struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Moved is called after the commit of MoveTx: the instances that write and follow the
// guest's replies go on for the account at once, the account's tabs learn of its new
// conversations, and the guest's feeds end. What is lost of this is found again: runs
// at their next checkpoint, followers when they look for the reply.
func (s *Service) Moved(_ context.Context, fromOwnerID string, to viewer.Viewer) {
	note := s.moves.take(fromOwnerID)
	s.inherit(fromOwnerID, to)
	b, err := json.Marshal(movedNotice{From: fromOwnerID, To: to.OwnerID})
	if err == nil {
		err = s.bus.Publish(movedSubject, b)
	}
	if err != nil {
		s.log.Warn("tell the other instances of a move", "err", err)
	}
	s.announce(fromOwnerID, event{Kind: eventMoved})
	for _, id := range note.conversations {
		s.announce(to.OwnerID, event{Kind: eventChanged, Conversation: id})
	}
	for _, id := range note.running {
		if m, err := s.FindMessage(context.WithoutCancel(s.ctx), to, id); err == nil {
			s.announce(to.OwnerID, event{Kind: eventStarted, Conversation: m.ConversationID, Reply: id})
		}
	}
}

// hearMoved is Moved of another instance.
func (s *Service) hearMoved(data []byte, _ func([]byte) error) {
	var n movedNotice
	if json.Unmarshal(data, &n) != nil || len(s.hub.of(n.From)) == 0 {
		return
	}
	s.workers.start(func() {
		ctx, cancel := s.patiently(queryTimeout)
		defer cancel()
		to, err := s.heir(ctx, n.To)
		if err != nil {
			s.log.Warn("open the key of who takes replies over", "err", err)
			return
		}
		s.inherit(n.From, to)
	})
}

// heir is who replies have moved to, as far as writing and following them needs it.
func (s *Service) heir(ctx context.Context, ownerID string) (viewer.Viewer, error) {
	key, err := s.Owners.Key(ctx, ownerID)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner's key: %w", err)
	}
	return viewer.Viewer{Kind: viewer.Account, OwnerID: ownerID, Key: key}, nil
}

// inherit makes the logs and runs that this instance has of one owner another's.
func (s *Service) inherit(fromOwnerID string, to viewer.Viewer) {
	for replyID, l := range s.hub.of(fromOwnerID) {
		s.bequeath(replyID, l, to)
	}
}

// bequeath makes a log, and the run that writes it if that is here, the heir's.
func (s *Service) bequeath(replyID string, l *replyLog, to viewer.Viewer) {
	if r := s.hub.run(replyID); r != nil && r.log == l {
		r.writeFor(to)
		return
	}
	l.belong(to)
}

// holder is whom a run writes for, and the key that seals what it writes.
type holder struct {
	ownerID string
	key     *seal.Key
}

// holder is whom the run writes for now. A statement takes it once: what is sealed
// for one owner must not be stored for another.
func (r *activeRun) holder() *holder { return r.whose.Load() }

// writeFor lets the run go on for another owner: its row is that one's by now.
func (r *activeRun) writeFor(v viewer.Viewer) {
	r.whose.Store(&holder{ownerID: v.OwnerID, key: v.Key})
	r.log.belong(v)
}

// rehold looks for runs of this instance that a statement did not find where they
// were. A run that still is ours under the same epoch has moved to another owner: it
// writes for that one from now on. The others are returned: they are lost.
func (s *Service) rehold(ctx context.Context, runs []*activeRun) (lost []*activeRun, err error) {
	if len(runs) == 0 {
		return nil, nil
	}
	rows, err := s.DB.Pool().Query(ctx, `SELECT id, epoch, stop_requested, owner_id FROM runs
WHERE instance_id = $1 AND status = 'RUNNING' AND id = ANY($2)`, s.instance, idsOf(runs))
	if err != nil {
		return nil, fmt.Errorf("look for moved runs: %w", database.Translate(err))
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lease])
	if err != nil {
		return nil, fmt.Errorf("look for moved runs: %w", database.Translate(err))
	}
	byRun := leases(found)
	for _, r := range runs {
		l, ours := byRun[r.row.ID]
		if !ours || l.Epoch != r.row.Epoch {
			lost = append(lost, r)
			continue
		}
		if l.OwnerID == r.holder().ownerID {
			continue
		}
		to, err := s.heir(ctx, l.OwnerID)
		switch {
		case isNotFound(err):
			lost = append(lost, r)
		case err != nil:
			return nil, err
		default:
			r.writeFor(to)
		}
	}
	return lost, nil
}

// fence ends those of the runs that are no longer ours.
func (s *Service) fence(ctx context.Context, runs []*activeRun) error {
	lost, err := s.rehold(ctx, runs)
	for _, r := range lost {
		r.cancel(errFenced) // or it has just stored its end: then this does nothing
	}
	return err
}

// movedRun finds the running run of a reply that is no longer where its replica knew
// it. It refuses with NOT_FOUND when the reply runs no more.
func (s *Service) movedRun(ctx context.Context, replyID string, l *replyLog) (models.Run, error) {
	var runs []models.Run
	if err := s.DB.Gorm(ctx).Where("reply_id = ? AND status = 'RUNNING'", replyID).Limit(1).Find(&runs).Error; err != nil {
		return models.Run{}, fmt.Errorf("find moved run: %w", err)
	}
	if len(runs) == 0 {
		return models.Run{}, notFound("reply")
	}
	to, err := s.heir(ctx, runs[0].OwnerID)
	if err != nil {
		return models.Run{}, err
	}
	l.belong(to)
	return runs[0], nil
}

// owner is whose reply the log is of.
func (l *replyLog) owner() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ownerID
}

// belong makes the log the heir's. Who follows it stays.
func (l *replyLog) belong(v viewer.Viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ownerID != v.OwnerID {
		l.ownerID, l.heir = v.OwnerID, viewer.Viewer{Kind: v.Kind, OwnerID: v.OwnerID, Key: v.Key}
	}
}

// follower is as whom somebody who follows the log goes on following the reply: as
// its new owner when it has moved.
func (l *replyLog) follower(v viewer.Viewer) viewer.Viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heir.OwnerID != "" && v.OwnerID != l.ownerID {
		return l.heir
	}
	return v
}

// of are the logs of an owner's replies on this instance.
func (h *hub) of(ownerID string) map[string]*replyLog {
	h.mu.Lock()
	logs := maps.Clone(h.logs)
	h.mu.Unlock()
	maps.DeleteFunc(logs, func(_ string, l *replyLog) bool { return l.owner() != ownerID })
	return logs
}

// moveNote is what Moved tells of, from MoveTx.
type moveNote struct {
	conversations []string
	running       []string // replies
	at            time.Time
}

// moveNotes keeps notes between a transaction and its commit.
type moveNotes struct {
	mu sync.Mutex
	by map[string]moveNote // the guest's owner id
}

// noteTTL is when a note is given up whose transaction was not committed.
const noteTTL = time.Minute

func (n *moveNotes) put(fromOwnerID string, note moveNote) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.by, func(_ string, old moveNote) bool { return note.at.Sub(old.at) > noteTTL })
	if n.by == nil {
		n.by = map[string]moveNote{}
	}
	n.by[fromOwnerID] = note
}

func (n *moveNotes) take(fromOwnerID string) moveNote {
	n.mu.Lock()
	defer n.mu.Unlock()
	note := n.by[fromOwnerID]
	delete(n.by, fromOwnerID)
	return note
}
