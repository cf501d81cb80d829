package chat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// batchSize is how many runs one checkpoint statement carries.
const batchSize = 256

// checkpointing stores what the runs of this instance have produced, and renews their
// leases, until the room closes. All runs share one statement per batch.
func (s *Service) checkpointing() {
	t := time.NewTicker(s.Checkpoint)
	defer t.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
			s.checkpointOnce(s.ctx, s.hub.all())
		}
	}
}

// piece of a run to be stored.
type draft struct {
	r    *activeRun
	pos  int
	body []byte
}

// checkpointOnce stores one piece of every run that has more than is stored, and
// renews leases that have lived a third of their time.
func (s *Service) checkpointOnce(ctx context.Context, runs []*activeRun) {
	for len(runs) > 0 {
		n := min(batchSize, len(runs))
		var batch []draft
		for _, r := range runs[:n] {
			if d, due := s.draft(r); due {
				batch = append(batch, d)
			}
		}
		runs = runs[n:]
		if len(batch) == 0 {
			continue
		}
		err := s.storeChunks(ctx, batch)
		for _, d := range batch {
			d.r.ckpt.Unlock()
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("checkpoint failed, trying again", "runs", len(batch), "err", err)
		}
	}
}

// draft seals what the run has produced since its last checkpoint; due is false when
// there is nothing to store. A due draft holds the run's checkpoint lock.
func (s *Service) draft(r *activeRun) (d draft, due bool) {
	if !r.ckpt.TryLock() {
		return d, false
	}
	parts, end := r.log.since(r.storedPos)
	idle := s.clock.Now().Sub(r.stored)
	if len(parts) == 0 && idle < s.Lease/3 {
		r.ckpt.Unlock()
		return d, false
	}
	if idle > s.Lease+s.Patience {
		r.cancel(fault.New(fault.StorageUnavailable, "the database can't be reached; the reply was cut short"))
	}
	d = draft{r: r, pos: end}
	if len(parts) > 0 {
		d.body = r.key.Seal(chunkPlace(r.row.OwnerID, r.row.ID, seqOf(r.row.Epoch, end)), encodeParts(parts))
	}
	return d, true
}

// storeChunks writes the batch, each piece only where its run's epoch is still ours.
// Runs that are no longer ours end here; those whose stop was asked for, stop.
func (s *Service) storeChunks(ctx context.Context, batch []draft) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.Checkpoint*4, 2*time.Second))
	defer cancel()
	n := len(batch)
	owners, runs, epochs, seqs, bodies := make([]string, n), make([]string, n), make([]int32, n), make([]int32, n), make([][]byte, n)
	for i, d := range batch {
		owners[i], runs[i], epochs[i], seqs[i], bodies[i] = d.r.row.OwnerID, d.r.row.ID, int32(d.r.row.Epoch), int32(seqOf(d.r.row.Epoch, d.pos)), d.body
	}
	rows, err := s.DB.Pool().Query(ctx, `
WITH u AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bytea[]) AS u(owner_id, run_id, epoch, seq, body)
), mine AS (
    SELECT r.owner_id, r.id FROM runs r JOIN u ON r.owner_id = u.owner_id AND r.id = u.run_id AND r.epoch = u.epoch
    WHERE r.status = 'RUNNING' ORDER BY r.owner_id, r.id FOR UPDATE OF r
), held AS (
    UPDATE runs r SET lease_expires_at = now() + $6::bigint * interval '1 millisecond', checkpoint_seq = greatest(r.checkpoint_seq, u.seq)
    FROM u, mine WHERE r.owner_id = mine.owner_id AND r.id = mine.id AND u.owner_id = r.owner_id AND u.run_id = r.id
    RETURNING r.owner_id, r.id, r.stop_requested, u.seq, u.body
), stored AS (
    INSERT INTO run_chunks (owner_id, run_id, seq, body_sealed) SELECT owner_id, id, seq, body FROM held WHERE body IS NOT NULL
)
SELECT id, stop_requested FROM held`, owners, runs, epochs, seqs, bodies, s.Lease.Milliseconds())
	if err != nil {
		return fmt.Errorf("store checkpoint: %w", err)
	}
	defer rows.Close()
	held := make(map[string]bool, n) // run id → stop asked for
	for rows.Next() {
		var run string
		var stop bool
		if err := rows.Scan(&run, &stop); err != nil {
			return fmt.Errorf("store checkpoint: %w", err)
		}
		held[run] = stop
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store checkpoint: %w", err)
	}
	for _, d := range batch {
		switch stop, ours := held[d.r.row.ID]; {
		case !ours:
			d.r.lost()
		case stop:
			d.r.stop()
			fallthrough
		default:
			d.r.storedPos, d.r.stored = d.pos, s.clock.Now()
		}
	}
	return nil
}

// lost ends a run that another instance has taken over or whose reply is gone. A run
// that has just stored its end is none.
func (r *activeRun) lost() {
	r.cancel(errFenced)
}

// handOver stores what there is and gives the lease back.
func (s *Service) handOver(r *activeRun) {
	r.log.freeze()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r.ckpt.Lock()
	parts, end := r.log.since(r.storedPos)
	d := draft{r: r, pos: end}
	if len(parts) > 0 {
		d.body = r.key.Seal(chunkPlace(r.row.OwnerID, r.row.ID, seqOf(r.row.Epoch, end)), encodeParts(parts))
	}
	err := s.storeChunks(ctx, []draft{d})
	r.ckpt.Unlock()
	if err == nil {
		err = s.DB.Gorm(ctx).Exec("UPDATE runs SET lease_expires_at = now() - interval '1 second' WHERE owner_id = ? AND id = ? AND epoch = ?",
			r.row.OwnerID, r.row.ID, r.row.Epoch).Error
	}
	if err != nil {
		s.log.Warn("hand a run over", "run", r.row.ID, "err", err)
	}
	r.log.replace()
}

// encodeParts is the plain form of a chunk: per part a kind byte, the length as a
// varint, and the text.
func encodeParts(parts []part) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, byte(p.kind))
		b = binary.AppendUvarint(b, uint64(len(p.text)))
		b = append(b, p.text...)
	}
	return b
}

var errChunk = errors.New("stored piece of a reply is damaged")

func decodeParts(b []byte) (parts []part, err error) {
	for len(b) > 0 {
		k := kind(b[0])
		n, w := binary.Uvarint(b[1:])
		if w <= 0 || k > kindReasoning || n > uint64(len(b)-1-w) {
			return nil, errChunk
		}
		parts = append(parts, part{k, string(b[1+w : 1+w+int(n)])})
		b = b[1+w+int(n):]
	}
	return parts, nil
}

// checkpointed reads what a run's chunks hold.
func (s *Service) checkpointed(ctx context.Context, run *models.Run, open func(c models.RunChunk) ([]byte, error)) (text, reasoning string, err error) {
	var chunks []models.RunChunk
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND run_id = ?", run.OwnerID, run.ID).Order("seq").Find(&chunks).Error; err != nil {
		return "", "", fmt.Errorf("read checkpoint: %w", err)
	}
	for _, c := range chunks {
		b, err := open(c)
		if err != nil {
			return "", "", fmt.Errorf("read checkpoint: %w", err)
		}
		parts, err := decodeParts(b)
		if err != nil {
			return "", "", err
		}
		for _, p := range parts {
			if p.kind == kindText {
				text += p.text
			} else {
				reasoning += p.text
			}
		}
	}
	return text, reasoning, nil
}
