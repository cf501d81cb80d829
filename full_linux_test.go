package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// smallDisk is a data folder on a file system of its own, which only root can make.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k2disk-")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err == nil {
		err = syscall.Mount("none", dir, "tmpfs", 0, options)
	}
	if errors.Is(err, syscall.EPERM) {
		_ = os.RemoveAll(dir)
		t.Skip("only root makes a small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		_ = os.RemoveAll(dir)
	})
	return dir
}

// fill leaves so many bytes of the disk free.
func fill(t *testing.T, dir string, leave int64) (empty func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() { _ = os.Remove(ballast) }
}

// When the disk is full a message is refused with a typed error and leaves nothing half
// written, a reply that is being written goes on, and all of it goes on when there is room.
func TestAFullDiskLosesNothing(t *testing.T) {
	dir := smallDisk(t, "size=400m,mode=0711")
	p := start(t, "DATABASE_URL=", "DATA_DIR="+dir, "GUEST_MESSAGE_LIMIT=10000", "RATE_MESSAGES_PER_GUEST=0", "RATE_COST_PER_GUEST=0", "STREAMS_PER_GUEST=10000")
	b := p.browser()
	release := make(chan struct{})
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Good "), inferencetest.Wait(release), inferencetest.Say("morning"), inferencetest.Finish("stop"), inferencetest.Done()})
	first := at(b.send("first", "hello"), "data", "messageSend")
	want(t, at(first, "userErrors"), `[]`)
	reply, _ := at(first, "reply", "id").(string)
	empty := fill(t, dir, 3<<20)

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
