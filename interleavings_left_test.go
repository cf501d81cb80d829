package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
)

// The database notes by itself which transaction deletes whose rows, and which of them
// belong to which deletion.
const watchers = `CREATE SCHEMA seen;
CREATE TABLE seen.gone (tx xid8 NOT NULL, tab text NOT NULL, whose text NOT NULL);
CREATE TABLE seen.turns (tx xid8 NOT NULL, erasure text NOT NULL);
CREATE FUNCTION seen.go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO seen.gone VALUES (pg_current_xact_id(), TG_TABLE_NAME, CASE TG_TABLE_NAME WHEN 'owners' THEN to_jsonb(OLD) ->> 'id' ELSE to_jsonb(OLD) ->> 'owner_id' END); RETURN NULL; END $$;
CREATE FUNCTION seen.turn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO seen.turns VALUES (pg_current_xact_id(), NEW.id); RETURN NULL; END $$;
CREATE TRIGGER seen AFTER INSERT OR UPDATE ON erasures FOR EACH ROW EXECUTE FUNCTION seen.turn();
DO $$ DECLARE t text; BEGIN
	FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND (c.relname = 'owners' OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_id'))
	LOOP EXECUTE format('CREATE TRIGGER seen AFTER DELETE ON %I FOR EACH ROW EXECUTE FUNCTION seen.go()', t); END LOOP; END $$`

func (c *crossing) watch() {
	c.t.Helper()
	if _, err := c.all[0].server.db.Pool().Exec(c.t.Context(), watchers); err != nil {
		c.t.Fatal(err)
	}
}

// counted is what a receipt says, as far as it is looked at here.
type counted struct {
	Receipt struct {
		ID   string
		Rows map[string]int64
		Left int64
	}
}

// receipts wants every receipt to be genuine, and to count exactly what went in the
// transactions of its deletion.
func (c *crossing) receipts(all []*interleaving) {
	c.t.Helper()
	gone := map[string]map[string]int64{}
	found, err := c.all[0].server.db.Pool().Query(c.t.Context(), `SELECT t.erasure, g.tab, count(*) FROM seen.gone g
		JOIN (SELECT DISTINCT tx, erasure FROM seen.turns) t ON t.tx = g.tx GROUP BY 1, 2`)
	if err != nil {
		c.t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var erasure, table string
		var n int64
		if err := found.Scan(&erasure, &table, &n); err != nil {
			c.t.Fatal(err)
		}
		if gone[erasure] == nil {
			gone[erasure] = map[string]int64{}
		}
		gone[erasure][table] = n
	}
	if found.Err() != nil {
		c.t.Fatal(found.Err())
	}
	for _, i := range all {
		for _, receipt := range i.tickets {
			var r counted
			if _, err := c.all[1].server.accounts.CheckReceipt(receipt); err != nil || json.Unmarshal([]byte(receipt), &r) != nil || r.Receipt.Left != 0 {
				i.fault("the receipt: %v %s", err, receipt)
				continue
			}
			maps.DeleteFunc(r.Receipt.Rows, func(_ string, n int64) bool { return n == 0 })
			if went := gone[r.Receipt.ID]; !maps.Equal(went, r.Receipt.Rows) || went["owners"] != 1 {
				i.fault("the receipt counts %v, and %v were deleted", r.Receipt.Rows, went)
			}
		}
	}
}

var ownerID = regexp.MustCompile(`own_[0-9a-f]{32}`)

// nothingLeft looks for rows, ids and words of everybody in all tables, in the folders, among
// the exports and in the logs, after what runs by itself has had another turn.
func (c *crossing) nothingLeft(all []*interleaving) {
	c.t.Helper()
	ctx, s := c.t.Context(), c.all[0].server
	for _, p := range c.all {
		if err := p.server.exports.Resume(ctx); err != nil {
			c.t.Error(err)
		}
		if _, err := p.server.accounts.Resume(ctx); err != nil {
			c.t.Error(err)
		}
		if _, err := p.server.chat.ResumeClearings(ctx); err != nil {
			c.t.Error(err)
		}
	}
	c.noMails()
	c.limitsRunOut()
	if _, err := s.db.Pool().Exec(ctx, `DROP SCHEMA seen CASCADE`); err != nil {
		c.t.Fatal(err)
	}
	gone := ownersOf(all)
	reader := rows.Reader{DB: s.db, Register: s.register}
	for _, table := range s.register.Personal() {
		for _, id := range []string{gone[0], gone[len(gone)-1]} { // all of them by the column, these by the register's ways too
			if n, err := reader.Count(ctx, id, table.Name); err != nil || n != 0 {
				c.t.Errorf("%s: %d rows lead to %s, %v", table.Name, n, id, err)
			}
		}
	}
	var owners int
	if err := s.db.Gorm(ctx).Raw(`SELECT count(*) FROM owners`).Scan(&owners).Error; err != nil || owners != 0 {
		c.t.Errorf("%d owners are there, %v", owners, err)
	}
	places := map[string]string{"the database": dbtest.Dump(c.t, s.db), "a folder": everyFile(c.t, s.cfg.DataDir)} // the other one's holds the same exports
	for _, p := range c.all {
		places["the log of "+p.url] = p.logs.String()
	}
	for place, text := range places {
		for _, at := range regexp.MustCompile(mark).FindAllStringIndex(text, 5) {
			c.t.Errorf("%s holds words: …%s…", place, text[max(0, at[0]-200):min(len(text), at[1]+80)])
		}
		if strings.HasPrefix(place, "the log") {
			continue // ids may stand there
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ownerID.FindAllString(text, -1)))) {
			if slices.Contains(gone, id) {
				at := strings.Index(text, id)
				c.t.Errorf("%s names %s: …%s…", place, id, text[max(0, at-200):min(len(text), at+80)])
			}
		}
	}
	for _, p := range c.all {
		for _, line := range p.errors() {
			c.t.Errorf("the log: %s", line)
		}
	}
	if files, err := os.ReadDir(c.exports); err != nil || len(files) != 0 {
		c.t.Errorf("among the exports are %v, %v", files, err)
	}
}

// errors are the lines of the log that tell of something an operator should look at.
func (p *product) errors() (lines []string) {
	for line := range strings.Lines(p.logs.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// noMails wants no mail to be sent to anybody who is gone.
func (c *crossing) noMails() {
	before := len(c.letters.Mails())
	for _, p := range c.all {
		if _, err := p.server.mails.Deliver(c.t.Context()); err != nil {
			c.t.Error(err)
		}
	}
	if mails := c.letters.Mails(); len(mails) != before {
		c.t.Errorf("%d mails were sent to who is gone: %+v", len(mails)-before, mails[before:])
	}
}

// books proves the books, finds each payment in them once, and in suspense exactly what came
// for who was gone.
func (c *crossing) books(all []*interleaving) {
	c.t.Helper()
	ctx, s := c.t.Context(), c.all[0].server
	if _, err := s.billing.Reconcile(ctx); err != nil {
		c.t.Error(err)
	}
	// A reply whose conversation is deleted under it is charged to nobody: its hold ends with
	// its lease.
	if err := s.db.Gorm(ctx).Exec(`UPDATE ledger_holds SET expires_at = created_at WHERE status = 'PENDING'`).Error; err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := s.credit.Sweep(ctx); err != nil {
		c.t.Error(err)
	}
	for _, i := range all {
		for _, p := range i.bought {
			var transfers, suspense int64
			if err := s.db.Pool().QueryRow(ctx, `SELECT count(DISTINCT t.id), coalesce(sum(e.amount) FILTER (WHERE e.account_id = 'lac_suspense'), 0)
				FROM ledger_transfers t JOIN ledger_entries e ON e.transfer_id = t.id WHERE t.kind = 'PURCHASE' AND t.ref = $1`, p.id).Scan(&transfers, &suspense); err != nil {
				c.t.Fatal(err)
			}
			if p.paid != (transfers == 1) || transfers > 1 || p.late && suspense <= 0 {
				i.fault("the payment of %s (paid %t, told late %t) stands in the books %d times, %d in suspense", p.id, p.paid, p.late, transfers, suspense)
			}
		}
	}
	var held int
	if err := s.db.Gorm(ctx).Raw(`SELECT count(*) FROM ledger_holds WHERE status = 'PENDING'`).Scan(&held).Error; err != nil || held != 0 {
		c.t.Errorf("%d holds are pending, %v", held, err)
	}
	c.all[0].books()
	var out bytes.Buffer
	if err := runVerify(ctx, s.cfg, &out); err != nil {
		c.t.Error(err, out.String())
	}
}

// tally says what was tested.
func (c *crossing) tally(all []*interleaving) string {
	n := map[string]int{}
	for _, i := range all {
		n["owners"] += len(i.owners)
		n["deletions"] += len(i.tickets)
		for _, a := range i.acts {
			n[a.name]++
		}
		for _, p := range i.bought {
			if p.late {
				n["paid too late"]++
			}
		}
	}
	for _, p := range c.all {
		n["slow statements"] += strings.Count(p.logs.String(), "slow statement")
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprint(name, " ", n[name]))
	}
	return strings.Join(out, ", ")
}
