package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// VerifyJob is the name under which Check gets its turns.
const VerifyJob = "audit.verify"

// maxFaults is how many faults of one kind are named.
const maxFaults = 20

// lateAfter is how long an entry may be without a link while others after it get theirs.
const lateAfter = 2 * looksBack

// Finding is what came of checking one thing.
type Finding struct {
	Invariant string   // A1 to A5
	Title     string   // what it says
	Checked   int64    // how many rows were looked at
	Faults    []string // what breaks it, at most 20; none when it holds
}

func (f *Finding) fault(format string, args ...any) {
	if len(f.Faults) < maxFaults {
		f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
	}
}

// proof reads everything as it is at one moment.
type proof struct {
	s                                        *Service
	tx                                       pgx.Tx
	entries, chain, waiting, signed, guarded Finding
	last                                     time.Time      // when the newest link was made
	wanted                                   map[int64]head // links that must be there, by place
	until                                    head           // the end of the chain
}

// Verify recomputes the mac of every entry, the whole chain and every signature. It changes
// nothing: it names what was changed, removed, inserted or put in another order.
func (s *Service) Verify(ctx context.Context) ([]Finding, error) {
	p := proof{
		s: s, wanted: map[int64]head{},
		entries: Finding{Invariant: "A1", Title: "every act is as this installation wrote it"},
		chain:   Finding{Invariant: "A2", Title: "the chain of acts is whole and in its order"},
		waiting: Finding{Invariant: "A3", Title: "no act waits for its place in the chain"},
		signed:  Finding{Invariant: "A4", Title: "checkpoints are signed and lie on the chain"},
		guarded: Finding{Invariant: "A5", Title: "what was done can only be added to, and the database guards it"},
	}
	s.mu.Lock()
	seen := s.head
	s.mu.Unlock()
	err := pgx.BeginTxFunc(ctx, s.DB.Pool(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`); err != nil {
			return err
		}
		p.tx = tx
		for _, step := range []func(context.Context) error{p.checkpoints, p.links, p.unlinked, p.guards} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, database.Translate(fmt.Errorf("check what was done: %w", err))
	}
	if seen.place > p.until.place {
		p.chain.fault("place %d was there and is gone: the chain ends at %d", seen.place, p.until.place)
	}
	s.remember(p.until)
	return []Finding{p.entries, p.chain, p.waiting, p.signed, p.guarded}, nil
}

func (s *Service) remember(h head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.place > s.head.place {
		s.head = h
	}
}

// checkpoints verifies the signatures, and has the chain asked for what was signed.
func (p *proof) checkpoints(ctx context.Context) error {
	rows, err := p.tx.Query(ctx, `SELECT number, place, hash, made_at, signature FROM audit_checkpoints ORDER BY number`)
	if err != nil {
		return err
	}
	var c models.AuditCheckpoint
	var place int64
	_, err = pgx.ForEachRow(rows, []any{&c.Number, &c.Place, &c.Hash, &c.MadeAt, &c.Signature}, func() error {
		p.signed.Checked++
		switch {
		case c.Number != p.signed.Checked:
			p.signed.fault("checkpoint %d is where %d should be", c.Number, p.signed.Checked)
			p.signed.Checked = c.Number
		case !ed25519.Verify(p.s.PublicKey(), signed(&c), c.Signature):
			p.signed.fault("checkpoint %d was not signed so by this installation", c.Number)
		case c.Place < place:
			p.signed.fault("checkpoint %d goes back", c.Number)
		}
		place = c.Place
		p.wanted[c.Place] = head{c.Number, bytes.Clone(c.Hash)}
		return nil
	})
	return err
}

const entryColumns = `e.id, e.at, e.act, e.actor_kind, e.actor, e.key_id, e.session_id, e.subject, e.facts, e.mac`

// links walks along the chain.
func (p *proof) links(ctx context.Context) error {
	rows, err := p.tx.Query(ctx, `SELECT l.place, l.entry_id, l.linked_at, l.hash, e.id IS NOT NULL, coalesce(e.id, ''), coalesce(e.at, l.linked_at), coalesce(e.act, ''),
			coalesce(e.actor_kind, ''), e.actor, coalesce(e.key_id, ''), coalesce(e.session_id, ''), e.subject, coalesce(e.facts, ''), e.mac
		FROM audit_links l LEFT JOIN audit_entries e ON e.id = l.entry_id ORDER BY l.place`)
	if err != nil {
		return err
	}
	var l models.AuditLink
	var e models.AuditEntry
	var there bool
	_, err = pgx.ForEachRow(rows, []any{&l.Place, &l.EntryID, &l.LinkedAt, &l.Hash, &there, &e.ID, &e.At, &e.Act, &e.ActorKind, &e.Actor, &e.KeyID, &e.SessionID, &e.Subject, &e.Facts, &e.MAC},
		func() error {
			p.link(&l, &e, there)
			return nil
		})
	for place, c := range p.wanted {
		p.signed.fault("checkpoint %d names place %d, which is gone", c.place, place)
	}
	return err
}

// link checks one link. After a fault it goes on from what is stored, so that only what is
// wrong is named.
func (p *proof) link(l *models.AuditLink, e *models.AuditEntry, there bool) {
	p.chain.Checked++
	switch next := p.until.place + 1; {
	case l.Place != next:
		p.chain.fault("places %d to %d are missing", next, l.Place-1)
	case !there:
		p.chain.fault("the entry %s at place %d is gone", l.EntryID, l.Place)
	default:
		p.entry(e)
		if !bytes.Equal(l.Hash, linkHash(l.Place, l.LinkedAt, p.until.hash, e)) {
			p.chain.fault("place %d does not follow from the one before it and its entry %s", l.Place, l.EntryID)
		}
	}
	if c, ok := p.wanted[l.Place]; ok {
		if !bytes.Equal(c.hash, l.Hash) {
			p.signed.fault("checkpoint %d signed another link than place %d", c.place, l.Place)
		}
		delete(p.wanted, l.Place)
	}
	if seen := p.s.seen(); seen.place == l.Place && !bytes.Equal(seen.hash, l.Hash) {
		p.chain.fault("place %d is not what it was", l.Place)
	}
	p.last, p.until = l.LinkedAt, head{l.Place, bytes.Clone(l.Hash)}
}

func (s *Service) seen() head {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head
}

func (p *proof) entry(e *models.AuditEntry) {
	p.entries.Checked++
	if !hmac.Equal(e.MAC, p.s.mac(e)) {
		p.entries.fault("%s is not as it was written", e.ID)
	}
}

// unlinked looks at what has no link yet.
func (p *proof) unlinked(ctx context.Context) error {
	rows, err := p.tx.Query(ctx, `SELECT `+entryColumns+` FROM audit_entries e WHERE NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = e.id) ORDER BY e.at, e.id`)
	if err != nil {
		return err
	}
	var e models.AuditEntry
	_, err = pgx.ForEachRow(rows, []any{&e.ID, &e.At, &e.Act, &e.ActorKind, &e.Actor, &e.KeyID, &e.SessionID, &e.Subject, &e.Facts, &e.MAC}, func() error {
		p.waiting.Checked++
		p.entry(&e)
		if p.last.Sub(e.At) > lateAfter {
			p.waiting.fault("%s of %s has no place although later ones have", e.ID, e.At.UTC().Format(time.RFC3339))
		}
		return nil
	})
	return err
}

// guards looks whether the database still refuses changes.
func (p *proof) guards(ctx context.Context) error {
	tables := []string{"audit_entries", "audit_links", "audit_checkpoints"}
	p.guarded.Checked = int64(len(tables))
	rows, err := p.tx.Query(ctx, `SELECT w.name FROM unnest($1::text[]) w(name) WHERE NOT EXISTS (SELECT FROM pg_trigger t
		WHERE t.tgrelid = w.name::regclass AND t.tgname = w.name || '_frozen' AND t.tgenabled IN ('O', 'A'))`, tables)
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, table := range missing {
		p.guarded.fault("the guard of %s is missing or switched off", table)
	}
	return err
}

// Check is the hourly turn: it chains what waits and verifies everything. What is wrong is
// an error in the log.
func (s *Service) Check(ctx context.Context) error {
	_, err := s.Link(ctx)
	found, bad := s.Verify(ctx)
	if bad != nil {
		return bad
	}
	for _, f := range found {
		if len(f.Faults) > 0 {
			s.Log.ErrorContext(ctx, "the audit log was tampered with, or is damaged", "invariant", f.Invariant, "says", f.Title, "faults", strings.Join(f.Faults, "; "))
		}
	}
	return err
}
