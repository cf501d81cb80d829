package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// When the disk is full a message is refused with a typed error and leaves nothing half
// written, a reply that is being written goes on, and all of it goes on when there is room.
func TestAFullDiskLosesNothing(t *testing.T) {
	dir := dbtest.SmallDisk(t, 400)
	p := start(t, "DATABASE_URL=", "DATA_DIR="+dir, "GUEST_MESSAGE_LIMIT=10000", "RATE_MESSAGES_PER_GUEST=0", "RATE_COST_PER_GUEST=0", "STREAMS_PER_GUEST=10000", "STREAMS_PER_ACCOUNT=10000", "INFERENCE_TOKEN_TIMEOUT=10m")
	b := p.browser()
	release := make(chan struct{})
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Good "), inferencetest.Wait(release), inferencetest.Say("morning"), inferencetest.Finish("stop"), inferencetest.Done()})
	first := at(b.send("first", "hello"), "data", "messageSend")
	want(t, at(first, "userErrors"), `[]`)
	reply, _ := at(first, "reply", "id").(string)
	empty := dbtest.Fill(t, dir, 3<<20)

	sent, text := 1, strings.Repeat("A long message that fills the disk. ", 3000)
	var refused map[string]any
	for refused == nil {
		answer := b.send(fmt.Sprint("filling ", sent), text)
		if len(codesOf(answer)) > 0 {
			refused = answer
			break
		}
		sent++
	}
	for _, code := range codesOf(refused) {
		if code != "STORAGE_FULL" && code != "STORAGE_UNAVAILABLE" {
			t.Errorf("a full disk is told as %v", refused)
		}
	}
	empty()
	close(release)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; <-tick.C {
		if again := b.send(fmt.Sprint("filling ", sent), text); len(codesOf(again)) == 0 {
			sent++
			break
		}
		select {
		case <-limit:
			t.Fatal("it does not go on")
		default:
		}
	}
	const ended = `query($id: ID!) { node(id: $id) { ... on Message { status text } } }`
	for limit := time.After(patience); ; <-tick.C {
		got := at(b.ask(ended, map[string]any{"id": reply}), "data", "node")
		if at(got, "status") == "COMPLETE" {
			want(t, at(got, "text"), `"Good morning"`)
			break
		}
		select {
		case <-limit:
			t.Fatal("the reply does not end", got)
		default:
		}
	}
	for role, n := range p.messages() {
		if n != sent {
			t.Errorf("%d messages of role %s were kept, %d were acknowledged", n, role, sent)
		}
	}
}

// codesOf are the codes of an answer's refusals.
func codesOf(answer map[string]any) (out []string) {
	errs, _ := at(answer, "errors").([]any)
	for _, e := range errs {
		out = append(out, fmt.Sprint(at(e, "extensions", "code")))
	}
	errs, _ = at(answer, "data", "messageSend", "userErrors").([]any)
	for _, e := range errs {
		out = append(out, fmt.Sprint(at(e, "code")))
	}
	return out
}

// messages counts what is stored, by role.
func (p *product) messages() map[string]int {
	p.t.Helper()
	var rows []struct {
		Role string
		N    int
	}
	if err := p.server.db.Gorm(p.t.Context()).Raw("SELECT role, count(*) AS n FROM messages GROUP BY role").Scan(&rows).Error; err != nil || len(rows) != 2 {
		p.t.Fatal(rows, err)
	}
	out := map[string]int{}
	for _, r := range rows {
		out[r.Role] = r.N
	}
	return out
}
