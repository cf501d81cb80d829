package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// deep stores a conversation of one branch with so many messages, and returns its id.
func (i *instance) deep(v viewer.Viewer, messages int) string {
	i.t.Helper()
	now := time.Now()
	c := models.RestoredConversation{ID: id.New(id.Conversation), Title: "deep", TitleSource: models.TitleOwner, CreatedAt: now, Updated: now}
	rows, parent := make([]models.RestoredMessage, messages), ""
	for n := range rows {
		rows[n] = models.RestoredMessage{ID: id.New(id.Message), ConversationID: c.ID, ParentID: parent, RunID: id.New(id.Run),
			Role: models.RoleUser, Status: models.MessageComplete, Text: fmt.Sprint(n), CreatedAt: now}
		if n%2 == 1 {
			rows[n].Role, rows[n].FinishedAt = models.RoleAssistant, &now
		}
		parent = rows[n].ID
	}
	err := i.db.Tx(i.t.Context(), func(tx *gorm.DB) error {
		return i.RestoreTx(tx, v, []models.RestoredConversation{c}, rows)
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return c.ID
}

func (i *instance) exec(sql string) {
	i.t.Helper()
	if _, err := i.db.Pool().Exec(i.t.Context(), sql); err != nil {
		i.t.Fatal(err)
	}
}

// P43: a guest's long branch moves in batches, however deep it is, and whole.
func TestALongBranchMovesInBatches(t *testing.T) {
	i := newHouse(t).open()
	i.signIn(viewer.Viewer{}, "ann")
	sent := i.send(i.guest(), "hello")
	guest := sent.Viewer
	i.follow(guest, sent.Reply.ID)
	i.deep(guest, 400)
	before := i.rows(guest.OwnerID)
	i.exec(`CREATE SEQUENCE written; CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('written'); RETURN NULL; END $$;
		CREATE TRIGGER written AFTER INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION written()`)
	e, err := i.accounts.SignIn(t.Context(), account.SignIn{From: guest, Proof: proofOf("ann")})
	if err != nil {
		t.Fatal(err)
	}
	var statements int
	if err := i.db.Pool().QueryRow(t.Context(), `SELECT last_value FROM written`).Scan(&statements); err != nil {
		t.Fatal(err)
	}
	if statements > 10 {
		t.Errorf("402 messages were written in %d statements", statements)
	}
	if after := i.rows(e.Viewer.OwnerID); after != before || i.rows(guest.OwnerID) != 0 {
		t.Errorf("%d of %d rows moved, %d are left", after, before, i.rows(guest.OwnerID))
	}
}

// P101: one transaction of a deletion has a bounded number of messages, unless a single
// conversation has more; nothing is left at the end.
func TestADeletionGoesInBoundedParts(t *testing.T) {
	i := newHouse(t).open()
	sent := i.send(i.guest(), "hello")
	v := sent.Viewer
	i.follow(v, sent.Reply.ID)
	for range 3 {
		i.deep(v, 4)
	}
	for n := range 3 { // rows that nobody reads need no more than their keys
		i.exec(fmt.Sprintf(`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) VALUES ('%[1]s', 'con_%[2]d', '\x01', 'OWNER', now(), now());
			INSERT INTO messages (owner_id, id, conversation_id, role, status, created_at) SELECT '%[1]s', 'msg_%[2]d_' || n, 'con_%[2]d', 'USER', 'COMPLETE', now() FROM generate_series(1, 2600) n`, v.OwnerID, n))
	}
	for more := true; more; {
		err := i.db.Tx(t.Context(), func(tx *gorm.DB) (err error) {
			var rows map[string]int64
			if rows, more, err = i.EraseTx(tx, v.OwnerID); rows["messages"] > 5000 {
				t.Errorf("%d messages in one transaction", rows["messages"])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := left(t, i, v); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// P100: the deletion of one conversation may take longer than other statements.
func TestTheDeletionOfAConversationHasItsTime(t *testing.T) {
	i := newHouse(t).open()
	sent := i.send(i.guest(), "hello")
	i.follow(sent.Viewer, sent.Reply.ID)
	i.exec(`CREATE FUNCTION timed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF current_setting('statement_timeout')::interval < '60 seconds' THEN RAISE EXCEPTION 'it has %', current_setting('statement_timeout'); END IF; RETURN OLD; END $$;
		CREATE TRIGGER timed BEFORE DELETE ON conversations FOR EACH ROW EXECUTE FUNCTION timed()`)
	if err := i.DeleteConversation(t.Context(), sent.Viewer, sent.Conversation.ID); err != nil {
		t.Error(err)
	}
}

// P101: however empty the table was when the server planned it, the end of a message finds
// its run by the whole key, and not by reading all of its owner's.
func TestTheEndOfAMessageFindsItsRun(t *testing.T) {
	i := newHouse(t).open()
	err := i.db.Tx(t.Context(), func(tx *gorm.DB) error {
		for _, sql := range []string{`SET LOCAL plan_cache_mode = force_generic_plan`,
			`PREPARE gone(text, text, text) AS DELETE FROM ONLY runs WHERE $1 = owner_id AND $2 = conversation_id AND $3 = reply_id`} {
			if err := tx.Exec(sql).Error; err != nil {
				return err
			}
		}
		var plan []string
		if err := tx.Raw(`EXPLAIN EXECUTE gone('a', 'b', 'c')`).Scan(&plan).Error; err != nil {
			return err
		}
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Filter:") || !strings.Contains(text, "Index Scan") {
			t.Error(text)
		}
		return tx.Exec(`DEALLOCATE gone`).Error
	})
	if err != nil {
		t.Fatal(err)
	}
}

// P100, P101: all conversations are those too that are dated ahead, by an import or another
// instance's clock; what is begun afterwards stays.
func TestConversationsThatAreDatedAheadGoToo(t *testing.T) {
	i := newHouse(t).open()
	sent := i.send(i.guest(), "hello")
	v := sent.Viewer
	i.follow(v, sent.Reply.ID)
	i.exec(`UPDATE conversations SET created_at = now() + interval '20 hours', updated_at = now() + interval '20 hours'`)
	c, err := i.DeleteAllConversations(t.Context(), v, models.EraseWord)
	if err != nil || c.Conversations != 1 || left(t, i, v) != 0 {
		t.Errorf("%+v, %v, %d rows are left", c, err, left(t, i, v))
	}
	later := i.send(v, "begun later")
	i.follow(v, later.Reply.ID)
	if _, err := i.FindConversation(t.Context(), v, later.Conversation.ID); err != nil {
		t.Error(err)
	}
}
