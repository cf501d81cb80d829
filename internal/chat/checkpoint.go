package chat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// batchSize is how many runs one checkpoint statement carries.
const batchSize = 256

// storeTimeout bounds one checkpoint statement. It is long: under load a late checkpoint
// is better than none.
const storeTimeout = 10 * time.Second

// turns is into how many turns a checkpoint interval is cut: the runs take them one after
// the other, so that a thousand checkpoints do not make every stream wait at once.
const turns = 8

// checkpointing stores what the runs of this instance have produced until the room
// closes. The runs of a turn share one statement per batch.
func (s *Service) checkpointing() {
	t := time.NewTicker(s.Checkpoint / turns)
	defer t.Stop()
	for turn := 0; ; turn = (turn + 1) % turns {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
			runs := s.hub.some(turn, turns)
			s.checkpointOnce(runs)
			s.extendOnce(runs)
		}
	}
}

// draft is a piece of a run to be stored.
type draft struct {
	r    *activeRun
	of   *holder // whom it is sealed for
	pos  int
	body []byte
}

// checkpointOnce stores one piece of every run that has more than is stored.
func (s *Service) checkpointOnce(runs []*activeRun) {
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
		ctx, cancel := s.patiently(storeTimeout)
		err := s.storeChunks(ctx, batch)
		cancel()
		for _, d := range batch {
			d.r.ckpt.Unlock()
		}
		if err != nil {
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
	if d = s.sealed(r); d.body == nil {
		r.stored = s.clock.Now()
		r.ckpt.Unlock()
		return d, false
	}
	if s.clock.Now().Sub(r.stored) > s.Patience {
		r.cancel(fault.New(fault.StorageUnavailable, "the database can't be reached; the reply was cut short"))
	}
	return d, true
}

// sealed is the draft of what is not stored yet; the caller holds the checkpoint lock.
func (s *Service) sealed(r *activeRun) draft {
	parts, end := r.log.since(r.storedPos)
	d := draft{r: r, of: r.holder(), pos: end}
	if len(parts) > 0 {
		d.body = d.of.key.Seal(chunkPlace(d.of.ownerID, r.row.ID, seqOf(r.row.Epoch, end)), encodeParts(parts))
	}
	return d
}

// storeChunks writes the batch, each piece only where its run's epoch is still ours; the
// lock on the run keeps a take-over or a move from reading before the piece is there. Each
// run is looked up by its key: a join read all that are running in a new database, whose
// statistics say that there are none.
// Runs that are no longer ours end; those that moved store it with the next checkpoint.
func (s *Service) storeChunks(ctx context.Context, batch []draft) error {
	slices.SortFunc(batch, func(a, b draft) int { return strings.Compare(a.r.row.ID, b.r.row.ID) }) // whoever locks several, locks in this order
	n := len(batch)
	owners, runs, epochs, seqs, bodies := make([]string, n), make([]string, n), make([]int32, n), make([]int32, n), make([][]byte, n)
	for i, d := range batch {
		owners[i], runs[i], epochs[i], seqs[i], bodies[i] = d.of.ownerID, d.r.row.ID, int32(d.r.row.Epoch), int32(seqOf(d.r.row.Epoch, d.pos)), d.body
	}
	rows, err := s.DB.Pool().Query(ctx, `
WITH mine AS (
    SELECT r.owner_id, r.id, u.seq, u.body FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bytea[]) AS u(owner_id, run_id, epoch, seq, body)
    CROSS JOIN LATERAL (SELECT owner_id, id FROM runs WHERE owner_id = u.owner_id AND id = u.run_id AND epoch = u.epoch AND status = 'RUNNING' FOR SHARE) r
), stored AS (
    INSERT INTO run_chunks (owner_id, run_id, seq, body_sealed) SELECT owner_id, id, seq, body FROM mine WHERE body IS NOT NULL
)
SELECT id FROM mine`, owners, runs, epochs, seqs, bodies)
	if err != nil {
		return fmt.Errorf("store checkpoint: %w", database.Translate(err))
	}
	held, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("store checkpoint: %w", database.Translate(err))
	}
	ours := make(map[string]bool, len(held))
	for _, id := range held {
		ours[id] = true
	}
	var missing []*activeRun
	for _, d := range batch {
		if !ours[d.r.row.ID] {
			missing = append(missing, d.r)
			continue
		}
		d.r.storedPos, d.r.stored = d.pos, s.clock.Now()
	}
	return s.fence(ctx, missing)
}

// renewing renews the leases of this instance's runs until the room closes. It is a
// statement of its own, short and apart from the checkpoints, so that an instance that
// is busy storing text is not taken for dead. The runs take turns as with checkpoints.
func (s *Service) renewing() {
	t := time.NewTicker(s.Lease / 4 / turns)
	defer t.Stop()
	for turn := 0; ; turn = (turn + 1) % turns {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
			if err := s.renewOnce(s.hub.some(turn, turns)); err != nil {
				s.log.Warn("renew leases, trying again", "err", err)
			}
		}
	}
}

// idsOf are the ids of runs.
func idsOf(runs []*activeRun) []string {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.row.ID
	}
	return ids
}

// renewOnce renews the leases of runs that are at work here, ends those that are no
// longer ours, lets those that moved write for their new owner, and stops those whose
// stop was asked for.
func (s *Service) renewOnce(runs []*activeRun) error {
	s.renewal.Lock()
	defer s.renewal.Unlock()
	runs = slices.DeleteFunc(runs, func(r *activeRun) bool { return r.leaves })
	if len(runs) == 0 {
		return nil
	}
	ctx, cancel := s.patiently(s.Lease / 2)
	defer cancel()
	rows, err := s.DB.Pool().Query(ctx, `UPDATE runs SET lease_expires_at = now() + $2::bigint * interval '1 millisecond'
WHERE instance_id = $1 AND status = 'RUNNING' AND id = ANY($3) RETURNING id, epoch, stop_requested, owner_id`, s.instance, s.Lease.Milliseconds(), idsOf(runs))
	if err != nil {
		return fmt.Errorf("renew leases: %w", database.Translate(err))
	}
	held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lease])
	if err != nil {
		return fmt.Errorf("renew leases: %w", database.Translate(err))
	}
	byRun := leases(held)
	var strays []*activeRun
	for _, r := range runs {
		l, ours := byRun[r.row.ID]
		if !ours || l.Epoch != r.row.Epoch || l.OwnerID != r.holder().ownerID {
			strays = append(strays, r)
		}
		if ours && l.Epoch == r.row.Epoch && l.Stop {
			r.stop()
		}
	}
	return s.fence(ctx, strays)
}

// lease is what is stored of a run of this instance.
type lease struct {
	ID      string
	Epoch   int
	Stop    bool
	OwnerID string
}

// leases are the leases by run.
func leases(ls []lease) map[string]lease {
	by := make(map[string]lease, len(ls))
	for _, l := range ls {
		by[l.ID] = l
	}
	return by
}

// handOver stores what there is and gives the lease back. A run that has just moved is
// stored in a second try.
func (s *Service) handOver(r *activeRun) {
	r.log.freeze()
	r.permit.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r.ckpt.Lock()
	var err error
	for of := (*holder)(nil); err == nil && of != r.holder(); {
		d := s.sealed(r)
		of, err = d.of, s.storeChunks(ctx, []draft{d})
	}
	r.ckpt.Unlock()
	s.renewal.Lock() // or a renewal that is under way would bring the lease back
	r.leaves = true
	s.renewal.Unlock()
	if err == nil {
		err = s.DB.Gorm(ctx).Exec("UPDATE runs SET lease_expires_at = now() - interval '1 second' WHERE owner_id = ? AND id = ? AND epoch = ?",
			r.holder().ownerID, r.row.ID, r.row.Epoch).Error
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

// kept is what is stored of a run that has not ended.
type kept struct {
	text, reasoning string
	seq             int
}

// checkpointed reads what a run's chunks hold.
func (s *Service) checkpointed(ctx context.Context, key *seal.Key, run models.Run) (k kept, err error) {
	var chunks []models.RunChunk
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND run_id = ?", run.OwnerID, run.ID).Order("seq").Find(&chunks).Error; err != nil {
		return k, fmt.Errorf("read checkpoint: %w", err)
	}
	for _, c := range chunks {
		b, err := key.Open(chunkPlace(c.OwnerID, c.RunID, c.Seq), c.BodySealed)
		if err != nil {
			return k, fmt.Errorf("read checkpoint: %w", err)
		}
		parts, err := decodeParts(b)
		if err != nil {
			return k, err
		}
		k.add(c.Seq, parts)
	}
	return k, nil
}

// add joins the piece that ends at seq. A piece whose storing was not answered may be
// stored again as the beginning of a longer one: what is there already is left out.
func (k *kept) add(seq int, parts []part) {
	start := posOf(seq)
	for _, p := range parts {
		start -= len(p.text)
	}
	have := len(k.text) + len(k.reasoning) - start
	for _, p := range parts {
		skip := min(max(have, 0), len(p.text))
		have -= skip
		if p.kind == kindText {
			k.text += p.text[skip:]
		} else {
			k.reasoning += p.text[skip:]
		}
	}
	k.seq = seq
}
