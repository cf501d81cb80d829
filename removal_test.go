package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P123: when an account is removed its connections end on every instance, and its reply
// that is being written on another one, with the request to the engine, within a second.
func TestRemovalEndsSocketsAndReplies(t *testing.T) {
	all := instances(t, 2, "RUN_LEASE=60s")
	child, other := all[1].signIn("child"), all[1].signIn("other")
	// Engines that think on in silence: neither a checkpoint nor the lease tells of the end.
	all[1].engine.Queue(inferencetest.Script{inferencetest.Hang()}, inferencetest.Script{inferencetest.Hang()})
	for _, b := range []*browser{child, other} {
		want(t, at(b.send(fmt.Sprintf("removal-%p", b), "a long story"), "data", "messageSend", "userErrors"), `[]`)
		select {
		case <-all[1].engine.Started():
		case <-time.After(patience):
			t.Fatal("no request upstream")
		}
	}
	sockets := []<-chan ended{child.follow(), child.at(all[0]).follow()}
	kept := other.at(all[0]).follow()
	operator := all[0].operator()
	began := time.Now()
	removed := at(operator.ask(removeDocument, map[string]any{"input": map[string]any{"account": "child@example.org", "confirmation": child.id(), "reason": "UNDER_AGE"}}), "data", "accountRemove")
	want(t, at(removed, "userErrors"), `[]`)
	select {
	case <-all[1].engine.Cancelled():
	case <-time.After(patience):
		t.Fatal("the engine still writes for who was removed")
	}
	slowest := time.Since(began)
	for i, socket := range sockets {
		slowest = max(slowest, await(t, socket, fmt.Sprint("socket ", i), "4403 session ended").Sub(began))
	}
	t.Logf("the last end came %v after the removal was asked for", slowest)
	if slowest > time.Second {
		t.Errorf("the last end came after %v", slowest)
	}
	if n := all[1].engine.Open(); n != 1 {
		t.Errorf("%d replies are still being written, want that of the other one", n)
	}
	select {
	case e := <-kept:
		t.Errorf("somebody else's socket ended: %v", e)
	default:
	}
	rows := map[string]any{}
	tables, _ := at(removed, "receipt", "tables").([]any)
	for _, table := range tables {
		name, _ := at(table, "table").(string)
		rows[name] = at(table, "rows")
	}
	for table, n := range map[string]float64{"owners": 1, "accounts": 1, "sessions": 1, "identities": 1, "age_confirmations": 1, "policy_acceptances": 1, "conversations": 1, "messages": 2, "runs": 1} {
		if rows[table] != n {
			t.Errorf("the receipt says %v rows of %s, want %v", rows[table], table, n)
		}
	}
	var left int64
	if err := all[0].server.db.Gorm(t.Context()).Model(&models.Run{}).Count(&left).Error; err != nil || left != 1 {
		t.Errorf("%d runs left, want the other one's: %v", left, err)
	}
}

const removeDocument = `mutation($input: AccountRemoveInput!) { accountRemove(input: $input) {
	receipt { id reason finishedAt tables { table rows } } userErrors { code field } } }`

// id is who the browser is.
func (b *browser) id() string {
	b.p.t.Helper()
	id, _ := at(b.ask(`{ viewer { id } }`, nil), "data", "viewer", "id").(string)
	return id
}

// P123: the reply of who is removed is stopped and stored, and what it cost is settled,
// before the account is deleted.
func TestRemovalStopsRepliesFirst(t *testing.T) {
	p := start(t, "RUN_LEASE=60s")
	child, operator := p.signIn("child"), p.operator()
	p.engine.Queue(inferencetest.Script{inferencetest.Hang()})
	want(t, at(child.send("removal-first", "a long story"), "data", "messageSend", "userErrors"), `[]`)
	select {
	case <-p.engine.Started():
	case <-time.After(patience):
		t.Fatal("no request upstream")
	}
	stopped := make(chan string, 1)
	p.server.accounts.StopWith(stopperFunc(func(ctx context.Context, v viewer.Viewer) error {
		err := p.server.chat.StopAll(ctx, v)
		var status string
		if e := p.server.db.Gorm(ctx).Raw("SELECT status FROM runs WHERE owner_id = ?", v.OwnerID).Scan(&status).Error; e != nil {
			t.Error(e)
		}
		stopped <- status
		return err
	}))
	input := map[string]any{"account": child.id(), "confirmation": child.id(), "reason": "ABUSE"}
	want(t, at(operator.ask(removeDocument, map[string]any{"input": input}), "data", "accountRemove", "userErrors"), `[]`)
	if got := <-stopped; got != string(models.RunStopped) {
		t.Errorf("the run was %s when its account was deleted", got)
	}
	want(t, at(operator.ask(removeDocument, map[string]any{"input": input}), "data", "accountRemove", "userErrors", 0), `{"code": "NOT_FOUND", "field": ["account"]}`)
}

type stopperFunc func(ctx context.Context, v viewer.Viewer) error

func (f stopperFunc) StopAll(ctx context.Context, v viewer.Viewer) error { return f(ctx, v) }
