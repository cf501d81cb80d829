package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/models"
)

// tamper changes the tables as somebody with the whole database at hand would: the guards
// are off meanwhile.
func (r *room) tamper(statements ...string) {
	r.t.Helper()
	var off, on []string
	if !strings.Contains(statements[0], "TRIGGER") {
		for _, table := range []string{"audit_entries", "audit_links", "audit_checkpoints"} {
			off, on = append(off, "ALTER TABLE "+table+" DISABLE TRIGGER USER"), append(on, "ALTER TABLE "+table+" ENABLE TRIGGER USER")
		}
	}
	r.must(pgx.BeginFunc(r.t.Context(), r.db.Pool(), func(tx pgx.Tx) error {
		for _, s := range slices.Concat(off, statements, on) {
			if _, err := tx.Exec(r.t.Context(), s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	}))
}

// filled is a log with six acts, which were signed after three and after five.
func filled(t *testing.T) *room {
	t.Helper()
	r := newRoom(t)
	v, operator := r.person(), r.person()
	for i, act := range []models.AuditAct{models.AuditSessionBegun, models.AuditKeyCreated, models.AuditCreditsAdjusted, models.AuditKeyRevoked, models.AuditSessionEnded, models.AuditKeyUpdated} {
		e := did(v, act)
		if act == models.AuditCreditsAdjusted {
			e = audit.Entry{Act: act, Subject: v.OwnerID, By: audit.Operator(operator), Facts: models.AuditFacts{Micro: 5, Ref: "trf_1"}}
		}
		r.write(e)
		r.hand.move(audit.CheckpointEvery / 4)
		if i == 2 || i >= 4 {
			if i == 4 {
				r.hand.move(audit.CheckpointEvery)
			}
			r.link()
		}
	}
	if places, signed := r.count(`SELECT count(*) FROM audit_links`), r.count(`SELECT string_agg(place::text, '' ORDER BY number)::int FROM audit_checkpoints`); places != 6 || signed != 35 {
		t.Fatalf("%d places, signed at %d", places, signed)
	}
	r.sound()
	return r
}

// at is the id of the entry at a place, in SQL.
func at(place string) string { return `(SELECT entry_id FROM audit_links WHERE place = ` + place + `)` }

// P84, R-AUDIT: whatever is changed, removed, inserted or put in another order, with the
// triggers switched off, is found, by a process that has just begun too.
func TestTamperingIsFound(t *testing.T) {
	second := ` WHERE id = ` + at("2")
	for name, c := range map[string]struct {
		says       string // the invariants that are broken, to a process that has just begun
		statements []string
	}{
		"a changed time":                {"A1 A2 ", []string{`UPDATE audit_entries SET at = at - interval '1 microsecond'` + second}},
		"a changed act":                 {"A1 A2 ", []string{`UPDATE audit_entries SET act = 'KEY_UPDATED'` + second}},
		"a changed kind of actor":       {"A1 A2 ", []string{`UPDATE audit_entries SET actor_kind = 'SYSTEM'` + second}},
		"another actor":                 {"A1 A2 ", []string{`UPDATE audit_entries SET actor = (SELECT actor FROM audit_entries WHERE id = ` + at("3") + `)` + second}},
		"no actor":                      {"A1 A2 ", []string{`UPDATE audit_entries SET actor = NULL` + second}},
		"another key":                   {"A1 A2 ", []string{`UPDATE audit_entries SET key_id = 'key_1'` + second}},
		"another session":               {"A1 A2 ", []string{`UPDATE audit_entries SET session_id = ''` + second}},
		"somebody else":                 {"A1 A2 ", []string{`UPDATE audit_entries SET subject = (SELECT actor FROM audit_entries WHERE id = ` + at("3") + `)` + second}},
		"other facts":                   {"A1 A2 ", []string{`UPDATE audit_entries SET facts = replace(facts, '5', '6') WHERE id = ` + at("3")}},
		"another mac":                   {"A1 A2 ", []string{`UPDATE audit_entries SET mac = sha256(mac)` + second}},
		"another id":                    {"A1 A2 ", []string{`UPDATE audit_entries SET id = 'aud_other' WHERE id = ` + at("2"), `UPDATE audit_links SET entry_id = 'aud_other' WHERE place = 2`}},
		"an entry renamed":              {"A1 A2 A3 ", []string{`UPDATE audit_entries SET id = 'aud_other'` + second}},
		"texts moved between parts":     {"A1 A2 ", []string{`UPDATE audit_entries SET key_id = session_id, session_id = key_id` + second}},
		"a removed entry":               {"A2 ", []string{`DELETE FROM audit_entries` + second}},
		"a removed link":                {"A2 A3 ", []string{`DELETE FROM audit_links WHERE place = 2`}},
		"an entry and its link removed": {"A2 ", []string{`DELETE FROM audit_entries` + second, `DELETE FROM audit_links WHERE place = 2`}},
		"the first removed, and the rest moved up": {"A2 A4 ", []string{`DELETE FROM audit_entries WHERE id = ` + at("1"), `DELETE FROM audit_links WHERE place = 1`,
			`UPDATE audit_links SET place = place + 100`, `UPDATE audit_links SET place = place - 101`}},
		"the end removed":   {"A4 ", []string{`DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_links WHERE place > 4)`, `DELETE FROM audit_links WHERE place > 4`}},
		"all removed":       {"A4 ", []string{`DELETE FROM audit_entries`, `DELETE FROM audit_links`}},
		"an inserted entry": {"A1 A3 ", []string{`INSERT INTO audit_entries SELECT 'aud_forged', at, act, actor_kind, actor, key_id, session_id, subject, facts, mac FROM audit_entries` + second}},
		"an inserted entry with its link": {"A1 A2 ", []string{`INSERT INTO audit_entries SELECT 'aud_forged', at, act, actor_kind, actor, key_id, session_id, subject, facts, mac FROM audit_entries` + second,
			`INSERT INTO audit_links SELECT 7, 'aud_forged', linked_at, hash FROM audit_links WHERE place = 6`}},
		"an inserted link": {"A2 ", []string{`INSERT INTO audit_links SELECT 7, 'aud_none', linked_at, hash FROM audit_links WHERE place = 6`}},
		"two exchanged":    {"A2 ", []string{`UPDATE audit_links SET place = place + 100 WHERE place IN (1, 2)`, `UPDATE audit_links SET place = CASE place WHEN 101 THEN 2 ELSE 1 END WHERE place > 100`}},
		"two entries exchanged": {"A2 ", []string{`UPDATE audit_links SET entry_id = 'x' || place WHERE place IN (1, 2)`,
			`UPDATE audit_links SET entry_id = (SELECT min(id) FROM audit_entries WHERE act = CASE place WHEN 1 THEN 'KEY_CREATED' ELSE 'SESSION_BEGUN' END) WHERE place IN (1, 2)`}},
		"another time of a link":           {"A2 ", []string{`UPDATE audit_links SET linked_at = linked_at + interval '1 second' WHERE place = 2`}},
		"another hash":                     {"A2 ", []string{`UPDATE audit_links SET hash = sha256(hash) WHERE place = 2`}},
		"another hash at the end":          {"A2 ", []string{`UPDATE audit_links SET hash = sha256(hash) WHERE place = 6`}},
		"another hash where it was signed": {"A2 A4 ", []string{`UPDATE audit_links SET hash = sha256(hash) WHERE place = 5`}},
		"a checkpoint's place":             {"A4 ", []string{`UPDATE audit_checkpoints SET place = 2 WHERE number = 1`}},
		"a checkpoint's hash":              {"A4 ", []string{`UPDATE audit_checkpoints SET hash = sha256(hash) WHERE number = 2`}},
		"a checkpoint's time":              {"A4 ", []string{`UPDATE audit_checkpoints SET made_at = made_at + interval '1 second' WHERE number = 2`}},
		"a checkpoint's signature":         {"A4 ", []string{`UPDATE audit_checkpoints SET signature = set_byte(signature, 3, (get_byte(signature, 3) + 1) % 256) WHERE number = 2`}},
		"a removed checkpoint":             {"A4 ", []string{`DELETE FROM audit_checkpoints WHERE number = 1`}},
		"a guard switched off":             {"A5 ", []string{`ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_frozen`}},
		"a guard dropped":                  {"A5 ", []string{`DROP TRIGGER audit_links_frozen ON audit_links`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := filled(t)
			r.tamper(c.statements...)
			if says, faults := r.broken(r.again()); says != c.says {
				t.Errorf("broken is %sand not %s: %v", says, c.says, faults)
			}
		})
	}
}

// The end of the chain, cut off since its last checkpoint, is missed by the process that has
// seen it; that chains nothing any more.
func TestACutEndIsMissedByWhoHasSeenIt(t *testing.T) {
	r := filled(t)
	r.tamper(`DELETE FROM audit_entries WHERE id = `+at("6"), `DELETE FROM audit_links WHERE place = 6`)
	if says, faults := r.broken(r.Service); says != "A2 " {
		t.Errorf("broken is %s: %v", says, faults)
	}
	r.write(did(r.person(), models.AuditKeyCreated))
	if _, err := r.Link(t.Context()); !errors.Is(err, audit.ErrShortened) || r.count(`SELECT count(*) FROM audit_links`) != 5 {
		t.Errorf("it goes on all the same: %v", err)
	}
}

// A forged entry is not chained, and what comes after it is.
func TestAForgedEntryIsNotChained(t *testing.T) {
	r := filled(t)
	r.tamper(`INSERT INTO audit_entries SELECT 'aud_forged', at + interval '1 hour', act, actor_kind, actor, key_id, session_id, subject, facts, mac FROM audit_entries WHERE id = ` + at("6"))
	r.hand.move(audit.CheckpointEvery)
	r.write(did(r.person(), models.AuditKeyCreated))
	if n := r.link(); n != 1 {
		t.Errorf("%d are chained", n)
	}
	if !strings.Contains(r.log.String(), "aud_forged") {
		t.Error("nobody is told")
	}
	if says, _ := r.broken(r.Service); says != "A1 A3 " {
		t.Errorf("broken is %s", says)
	}
}

// P84: the hourly turn chains, verifies, and tells the log of what is wrong.
func TestTheHourlyCheckTellsTheLog(t *testing.T) {
	r := filled(t)
	r.write(did(r.person(), models.AuditKeyCreated))
	r.must(r.Check(t.Context()))
	if r.count(`SELECT count(*) FROM audit_links`) != 7 || strings.Contains(r.log.String(), "level=ERROR") {
		t.Errorf("the log says %s", r.log)
	}
	r.tamper(`UPDATE audit_entries SET act = 'KEY_UPDATED' WHERE id = ` + at("2"))
	r.must(r.Check(t.Context()))
	if !strings.Contains(r.log.String(), "level=ERROR") || !strings.Contains(r.log.String(), "invariant=A1") {
		t.Errorf("the log says %s", r.log)
	}
}

// Under another secret nothing verifies.
func TestAnotherSecretVerifiesNothing(t *testing.T) {
	r := filled(t)
	other := audit.New(audit.Config{DB: r.db, Clock: r.hand, Secret: []byte(strings.Repeat("x", 32))})
	if says, _ := r.broken(other); says != "A1 A4 " {
		t.Errorf("broken is %s", says)
	}
}
