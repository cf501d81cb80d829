package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// LinkJob is the name under which Link gets its turns.
const LinkJob = "audit.link"

const (
	linkBatch = 1000
	// lookPage is how many entries one transaction looks at, linked or not.
	lookPage = 10_000
	// looksBack is how far before now the linker looks for entries: a transaction that
	// commits later than that after its act is found by the look at all, once in as long.
	looksBack = time.Hour
	// linkLock is the advisory lock of whoever chains.
	linkLock = 0x6b322d6175646974
)

// ErrShortened means that the chain lacks links that were there before.
var ErrShortened = errors.New("links of the audit chain are gone")

// head is the last link of a chain; the zero head is before the first.
type head struct {
	place int64
	hash  []byte
}

// Link gives every committed entry that has none its place at the end of the chain, and
// says how many those were. One instance of all does it at a time; the others do nothing.
// Entries are linked in the order in which they are found, so one that commits late comes
// later in the chain: nothing ever comes before a link that exists. Entries with a wrong mac
// are not linked. When links are missing that were there before, it refuses with
// ErrShortened and links nothing.
//
// What is new comes first: a look at all that fails keeps nothing of it from its place, and
// the next turn goes on with it where it ended.
func (s *Service) Link(ctx context.Context) (total int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	recent := position{at: now.Add(-looksBack)}
	total, over, err := s.look(ctx, &recent, false)
	if err != nil || !over || now.Sub(s.swept) < looksBack {
		return total, err
	}
	late, over, err := s.look(ctx, &s.looked, true)
	if over {
		s.swept, s.looked = now, position{}
	}
	return total + late, err
}

// look links what it finds after a position, page by page, and moves that on. It is over
// when there is nothing more; not where another instance has the turn.
func (s *Service) look(ctx context.Context, after *position, whole bool) (linked int, over bool, err error) {
	for !over {
		b := batch{s: s, after: *after, whole: whole}
		if err := s.DB.Tx(ctx, func(tx *gorm.DB) error { return b.runTx(tx) }); err != nil {
			return linked, false, fmt.Errorf("chain what was done: %w", err)
		}
		b.tell(ctx)
		if !b.mine {
			return linked, false, nil
		}
		linked, over, *after, s.head = linked+b.linked, b.over, b.after, b.head
	}
	return linked, true, nil
}

// position is an entry's place in the order by time and id.
type position struct {
	at time.Time
	id string
}

// batch is one transaction of the linker.
type batch struct {
	s          *Service
	after      position
	whole      bool // of the look at all, which no timeout of statements ends
	mine, over bool
	linked     int
	head       head
	forged     []string
	checkpoint *models.AuditCheckpoint
}

func (b *batch) runTx(tx *gorm.DB) error {
	*b = batch{s: b.s, after: b.after, whole: b.whole}
	if err := tx.Raw(`SELECT pg_try_advisory_xact_lock(?)`, int64(linkLock)).Scan(&b.mine).Error; err != nil || !b.mine {
		return err
	}
	if b.whole {
		if err := tx.Exec(`SET LOCAL statement_timeout = 0`).Error; err != nil {
			return fmt.Errorf("lift the timeout: %w", err)
		}
	}
	if err := b.headTx(tx); err != nil {
		return err
	}
	entries, err := b.pageTx(tx)
	if err != nil {
		return err
	}
	if err := b.linkTx(tx, entries); err != nil {
		return err
	}
	return b.checkpointTx(tx)
}

// pageTx finds what has no link among the next entries, and moves the position past what it
// looked at.
func (b *batch) pageTx(tx *gorm.DB) (entries []models.AuditEntry, err error) {
	var end []models.AuditEntry
	if err := tx.Select("at", "id").Where("(at, id) > (?, ?)", b.after.at, b.after.id).Order("at, id").Offset(lookPage - 1).Limit(1).Find(&end).Error; err != nil {
		return nil, fmt.Errorf("find the end of a page: %w", err)
	}
	waiting := tx.Where(`(at, id) > (?, ?) AND NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = audit_entries.id)`, b.after.at, b.after.id)
	if len(end) > 0 {
		waiting = waiting.Where("(at, id) <= (?, ?)", end[0].At, end[0].ID)
	}
	if err := waiting.Order("at, id").Limit(linkBatch).Find(&entries).Error; err != nil {
		return nil, fmt.Errorf("find what is not chained: %w", err)
	}
	switch {
	case len(entries) == linkBatch:
		b.after = position{entries[linkBatch-1].At, entries[linkBatch-1].ID}
	case len(end) > 0:
		b.after = position{end[0].At, end[0].ID}
	default:
		b.over = true
	}
	return entries, nil
}

// headTx reads the end of the chain, and compares it with what was there before.
func (b *batch) headTx(tx *gorm.DB) error {
	var last []models.AuditLink
	if err := tx.Order("place DESC").Limit(1).Find(&last).Error; err != nil {
		return fmt.Errorf("find the end of the chain: %w", err)
	}
	if len(last) > 0 {
		b.head = head{last[0].Place, last[0].Hash}
	}
	var before []head
	if b.s.head.place > 0 {
		before = append(before, b.s.head)
	}
	var signed []models.AuditCheckpoint
	if err := tx.Order("number DESC").Limit(1).Find(&signed).Error; err != nil {
		return fmt.Errorf("find the last checkpoint: %w", err)
	}
	for _, c := range signed {
		before = append(before, head{c.Place, c.Hash})
	}
	for _, h := range before {
		var there []models.AuditLink
		if err := tx.Where("place = ?", h.place).Limit(1).Find(&there).Error; err != nil {
			return fmt.Errorf("find a link: %w", err)
		}
		if len(there) == 0 || !bytes.Equal(there[0].Hash, h.hash) {
			return fmt.Errorf("%w: place %d is not what it was; run `kimi-k2 verify`", ErrShortened, h.place)
		}
	}
	return nil
}

func (b *batch) linkTx(tx *gorm.DB, entries []models.AuditEntry) error {
	now := b.s.Clock.Now()
	var links []models.AuditLink
	for i := range entries {
		e := &entries[i]
		if !hmac.Equal(e.MAC, b.s.mac(e)) {
			b.forged = append(b.forged, e.ID)
			continue
		}
		b.head = head{b.head.place + 1, linkHash(b.head.place+1, now, b.head.hash, e)}
		links = append(links, models.AuditLink{Place: b.head.place, EntryID: e.ID, LinkedAt: now, Hash: b.head.hash})
	}
	if b.linked = len(links); b.linked == 0 {
		return nil
	}
	if err := tx.Create(&links).Error; err != nil {
		return fmt.Errorf("write links: %w", err)
	}
	return nil
}

// tell says what came of it, once it is committed.
func (b *batch) tell(ctx context.Context) {
	if len(b.forged) > 0 {
		b.s.Log.ErrorContext(ctx, "the audit log holds entries that this installation did not write, or not so; they are not chained: run `kimi-k2 verify`", "entries", b.forged[:min(len(b.forged), maxFaults)])
	}
	if b.checkpoint != nil {
		b.s.logCheckpoint(ctx, b.checkpoint)
	}
}

// linkHash covers the link before, the entry with its mac, and when it was linked.
func linkHash(place int64, at time.Time, before []byte, e *models.AuditEntry) []byte {
	h := sha256.New()
	h.Write([]byte("kimi-k2 audit link v1\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(place))) //nolint:gosec // positive
	h.Write(moment(at))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(before)))) //nolint:gosec // 0 or 32
	h.Write(before)
	h.Write(canonical(e))
	h.Write(e.MAC)
	return h.Sum(nil)
}
