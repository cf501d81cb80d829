package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// child is one run of the server's process.
type child struct {
	pid    int          // 0 when it could not be started
	exited <-chan error // gets one error, never nil, when the process has ended
}

func (s *Server) launch(ctx context.Context) child {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin.Dir, "postgres"+exeSuffix), s.arguments()...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = s.dir, environment(), s.who.attributes(true)
	complaint := &lastWords{}
	cmd.Stderr = complaint
	cmd.WaitDelay = 2 * time.Second
	exited := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		exited <- fmt.Errorf("start the database server: %w", err)
		return child{exited: exited}
	}
	s.mu.Lock()
	s.pid = cmd.Process.Pid
	s.mu.Unlock()
	go func() {
		err := cmd.Wait()
		exited <- fmt.Errorf("the database server ended (%s): %s", outcome(err), tail(complaint.String()))
	}()
	return child{pid: cmd.Process.Pid, exited: exited}
}

func outcome(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// awaitReady returns when the server takes connections; replaying the log after a crash
// takes as long as it takes, only ctx bounds it.
func (s *Server) awaitReady(ctx context.Context, c child) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if p := readPostmaster(s.data); p != nil && p.pid == c.pid && p.ready {
			return nil
		}
		select {
		case err := <-c.exited:
			return err
		case <-ctx.Done():
			s.halt(c)
			return fmt.Errorf("wait for the database server: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// halt stops the process, ever less politely, and returns when it is gone.
func (s *Server) halt(c child) {
	if c.pid == 0 {
		return
	}
	for how, grace := range graces {
		if err := shutdown(context.Background(), s.bin, s.who, s.data, c.pid, how); err != nil {
			s.log.Warn("ask the database server to stop", "err", err)
		}
		select {
		case how := <-c.exited:
			s.log.Debug("the database server was stopped", "how", how)
			return
		case <-time.After(grace):
		}
	}
	s.log.Error("the database server does not stop", "pid", c.pid)
}

// lastWords keeps the last 4 KiB written to it.
type lastWords struct {
	mu  sync.Mutex
	buf []byte
}

// Write never fails.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if n := len(l.buf) - 4096; n > 0 {
		l.buf = append(l.buf[:0], l.buf[n:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}
