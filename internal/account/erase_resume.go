package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// EraseJob is the name of the job that goes on with deletions whose instance died.
const EraseJob = "accounts.erase"

// eraseRetry is how long a deletion is left to who began it, or tried it last.
const eraseRetry = removeTimeout + 30*time.Second

// Journal keeps the tombstones of who was deleted outside of the database, so that a
// backup of it brings nobody back.
type Journal interface {
	// Add keeps tombstones; those that are there already are not kept twice.
	Add(tombstones ...[]byte) error
	// All are the tombstones.
	All() ([][]byte, error)
}

// Shutter ends a way in, or something on its way out, when an owner's deletion begins.
type Shutter interface {
	// ShutTx does so in the first transaction of the deletion, and says how many rows it
	// deleted by table; told is called after the commit.
	ShutTx(tx *gorm.DB, ownerID string) (rows map[string]int64, told func(), err error)
}

// Eraser has rows of owners that may be very many.
type Eraser interface {
	// EraseTx deletes a bounded part of the owner's rows, says how many by table, and
	// whether there are more.
	EraseTx(tx *gorm.DB, ownerID string) (rows map[string]int64, more bool, err error)
}

// EraseWith hands over what takes part in deletions. It is called once, before the first
// request.
func (s *Service) EraseWith(shutters []Shutter, erasers ...Eraser) {
	s.shutters, s.erasers = shutters, erasers
}

// tombstone knows an owner again, and tells nothing of it.
func (s *Service) tombstone(ownerID string) []byte { return seal.Derive(s.index.tomb, ownerID) }

// note keeps tombstones outside of the database. Nobody stays because that fails: it is tried
// again until it is done, and JournalBehind says so meanwhile.
func (s *Service) note(tombstones ...[]byte) error {
	if s.journal == nil || len(tombstones) == 0 {
		return nil
	}
	err := s.journal.Add(tombstones...)
	if err != nil {
		s.behind.Store(true)
		return fmt.Errorf("note a deletion outside of the database: %w", err)
	}
	return nil
}

// JournalBehind reports whether the journal lacks a tombstone because it couldn't be written:
// a backup that is brought back now may bring somebody back.
func (s *Service) JournalBehind() bool { return s.behind.Load() }

// KeepJournal brings the journal of this process up to date every so often, until Close:
// each instance has one of its own.
func (s *Service) KeepJournal(every time.Duration) {
	s.background(context.Background(), func(ctx context.Context) {
		turns := time.NewTicker(every)
		defer turns.Stop()
		for {
			if err := s.syncJournal(ctx); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "the journal of deletions is behind", "err", err)
			}
			select {
			case <-turns.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Resume goes on with the deletions whose instance died or failed, and says how many it
// finished. The journal gets what it lacks; nobody waits for that.
func (s *Service) Resume(ctx context.Context) (finished int, err error) {
	failed := []error{s.syncJournal(ctx)}
	var owners []string
	if err := s.db.Gorm(ctx).Raw(`SELECT id FROM owners WHERE erasing_at IS NOT NULL ORDER BY erasing_at`).Scan(&owners).Error; err != nil {
		return 0, fmt.Errorf("find deletions: %w", database.Translate(err))
	}
	for _, ownerID := range owners {
		e, mine, err := s.claim(ctx, ownerID)
		if err == nil && mine {
			if _, err = s.finishErasure(ctx, ownerID, e); err == nil {
				finished++
			}
		}
		failed = append(failed, err)
	}
	return finished, errors.Join(failed...)
}

// claim takes a deletion over whose last try is long ago.
func (s *Service) claim(ctx context.Context, ownerID string) (e models.Erasure, mine bool, err error) {
	now := s.clock.Now()
	var rows []models.Erasure
	err = s.db.Gorm(ctx).Raw(`UPDATE erasures SET attempted_at = ? WHERE tombstone = ? AND state = ? AND attempted_at <= ? RETURNING *`,
		now, s.tombstone(ownerID), models.Erasing, now.Add(-eraseRetry)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return e, false, database.Translate(err)
	}
	return rows[0], true, nil
}

// replayBatch is how many owners are looked at at once.
const replayBatch = 5000

// Replay deletes again who is in the journal and here all the same: the database was
// brought back out of a backup. It comes before the first request, and looks at the owners
// only when the journal knows of deletions that the database doesn't. The last administrator
// goes too: the server starts without one, and `kimi-k2 admin` makes another.
func (s *Service) Replay(ctx context.Context) (erased int, err error) {
	missing, err := s.unknown(ctx)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	for last := ""; ; {
		var ids []string
		if err := s.db.Gorm(ctx).Raw(`SELECT id FROM owners WHERE id > ? ORDER BY id LIMIT ?`, last, replayBatch).Scan(&ids).Error; err != nil {
			return erased, fmt.Errorf("look for deleted owners: %w", database.Translate(err))
		}
		for _, ownerID := range ids {
			if !missing[string(s.tombstone(ownerID))] {
				continue
			}
			e, err := s.beginErasure(ctx, erasing{owner: ownerID, by: audit.System(), reason: models.RemovalRequested, may: everybodyTx})
			if err == nil {
				_, err = s.finishErasure(ctx, ownerID, e)
			}
			if err != nil {
				return erased, fmt.Errorf("delete an owner again: %w", err)
			}
			erased++
		}
		if len(ids) < replayBatch {
			return erased, nil
		}
		last = ids[len(ids)-1]
	}
}

// unknown are the tombstones of the journal that the database doesn't have.
func (s *Service) unknown(ctx context.Context) (map[string]bool, error) {
	if s.journal == nil {
		return nil, nil
	}
	noted, err := s.journal.All()
	if err != nil {
		return nil, fmt.Errorf("read the journal of deletions: %w", err)
	}
	missing := map[string]bool{}
	for _, t := range noted {
		missing[string(t)] = true
	}
	known, err := s.tombstones(ctx, time.Time{})
	for _, t := range known {
		delete(missing, string(t))
	}
	return missing, err
}

// tombstones are those of the deletions that began at a time or later.
func (s *Service) tombstones(ctx context.Context, since time.Time) ([][]byte, error) {
	var known [][]byte
	if err := s.db.Gorm(ctx).Model(&models.Erasure{}).Where("started_at >= ?", since).Pluck("tombstone", &known).Error; err != nil {
		return nil, fmt.Errorf("read the deletions: %w", database.Translate(err))
	}
	return known, nil
}

// syncOverlap is how far back each look for other instances' deletions begins again: their
// clocks differ, and transactions take their time.
const syncOverlap = time.Hour

// syncJournal notes what other instances deleted, and what could not be noted before.
func (s *Service) syncJournal(ctx context.Context) error {
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	since := s.synced
	s.mu.Unlock()
	now := s.clock.Now()
	known, err := s.tombstones(ctx, since)
	if err != nil {
		return err
	}
	if err := s.note(known...); err != nil {
		return err
	}
	s.behind.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.synced = now.Add(-syncOverlap)
	return nil
}

// FindErasure is the deletion of a ticket, for whoever holds it. It refuses with
// NOT_FOUND.
func (s *Service) FindErasure(ctx context.Context, ticket string) (Erasure, error) {
	erasureID, _, _ := strings.Cut(ticket, ".")
	if !id.Is(id.Erasure, erasureID) || !hmac.Equal([]byte(s.ticket(erasureID)), []byte(ticket)) {
		return Erasure{}, errNoErasure()
	}
	return s.findErasure(ctx, erasureID)
}

// ticket can't be guessed from the id, which tells when it was made.
func (s *Service) ticket(erasureID string) string {
	mac := seal.Derive(s.index.ticket, erasureID)
	return erasureID + "." + base64.RawURLEncoding.EncodeToString(mac[:sha256.Size/2])
}

func (s *Service) findErasure(ctx context.Context, erasureID string) (Erasure, error) {
	row, err := s.takeErasure(ctx, erasureID)
	if err != nil {
		return Erasure{}, err
	}
	return s.opened(row)
}

func (s *Service) opened(row models.Erasure) (Erasure, error) {
	e := Erasure{Erasure: row, Ticket: s.ticket(row.ID), Counts: map[string]int64{}}
	if err := json.Unmarshal(row.Rows, &e.Counts); err != nil {
		return Erasure{}, fmt.Errorf("read the counts of a deletion: %w", err)
	}
	var err error
	if row.State == models.Erased {
		e.Receipt, err = s.sign(e)
	}
	return e, err
}

func (s *Service) takeErasure(ctx context.Context, erasureID string) (models.Erasure, error) {
	var rows []models.Erasure
	if err := s.db.Gorm(ctx).Where("id = ?", erasureID).Find(&rows).Error; err != nil {
		return models.Erasure{}, fmt.Errorf("read a deletion: %w", database.Translate(err))
	}
	if len(rows) == 0 {
		return models.Erasure{}, errNoErasure()
	}
	return rows[0], nil
}

func errNoErasure() error {
	return fault.On("ticket", fault.NotFound, "there is no such deletion: take the whole address of the page that was shown at its begin")
}
