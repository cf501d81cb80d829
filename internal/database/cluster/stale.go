package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// postmaster is what a running server writes into postmaster.pid.
type postmaster struct {
	pid    int
	socket string // folder of its unix socket
	ready  bool
}

// readPostmaster returns nil when there is no server's note in the data folder.
func readPostmaster(data string) *postmaster {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return nil
	}
	p := &postmaster{pid: pid}
	if len(lines) > 4 {
		p.socket = strings.TrimSpace(lines[4])
	}
	if len(lines) > 7 {
		p.ready = strings.TrimSpace(lines[7]) == "ready"
	}
	return p
}

// graces are how long a server gets for a fast shutdown, an immediate one, and to go
// once killed.
var graces = [...]time.Duration{20 * time.Second, 5 * time.Second, 5 * time.Second}

// clearStale stops a server that outlived the process which started it. The caller
// holds the folder's lock, so whatever runs there belongs to nobody any more.
func clearStale(ctx context.Context, b Binaries, who Identity, data string, log *slog.Logger) error {
	p := readPostmaster(data)
	if p == nil {
		return nil
	}
	if !alive(p.pid) || !servesFolder(p.pid, data) {
		// Another process has the number by now; PostgreSQL would take it for the server.
		if err := os.Remove(filepath.Join(data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the note of a dead server: %w", err)
		}
		return nil
	}
	log.Warn("stopping a database server left by a process that died", "pid", p.pid)
	for how, grace := range graces {
		if err := shutdown(ctx, b, who, data, p.pid, how); err != nil && alive(p.pid) {
			return fmt.Errorf("stop the server left in %s (process %d): %w", data, p.pid, err)
		}
		if gone, err := waitGone(ctx, p.pid, grace); err != nil || gone {
			return err
		}
	}
	return fmt.Errorf("the server left in %s (process %d) does not stop", data, p.pid)
}

func waitGone(ctx context.Context, pid int, grace time.Duration) (bool, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(grace)
	defer limit.Stop()
	for alive(pid) {
		select {
		case <-tick.C:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("wait for the old server to stop: %w", ctx.Err())
		}
	}
	return true, nil
}
