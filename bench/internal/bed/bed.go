// Package bed is the test bed of a bench run: the processes under test and around
// it, on free ports of 127.0.0.1, pinned to cores, stopped one by one at the end.
package bed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
)

// Core says where a process runs.
type Core int

// The places. With one core, or without taskset(1), all are anywhere.
const (
	Anywhere Core = iota
	Server        // the first core, alone with the server under test
	Others        // the other cores: load, engine, database
)

// Bed is a test bed. Close it.
type Bed struct {
	Dir    string // temporary; every user of the machine may pass through it
	Self   string // this program
	Binary string // the product
	Log    *slog.Logger
	Keep   bool // Close leaves Dir, with what the processes wrote

	taskset string
	procs   []*Proc
}

// New makes a bed around the product's binary. This process moves to the other
// cores, and so do all that it starts unless they are placed elsewhere.
func New(binary string, log *slog.Logger) (*Bed, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("the product is not built (make build): %w", err)
	}
	dir, err := os.MkdirTemp("", "kimi-k2-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	b := &Bed{Dir: dir, Self: self, Binary: binary, Log: log}
	if err := os.Chmod(dir, 0o711); err != nil { // the database may run as another user
		return nil, errors.Join(err, b.Close())
	}
	if path, err := exec.LookPath("taskset"); err == nil && runtime.NumCPU() > 1 {
		b.taskset = path
	}
	if err := raiseFiles(); err != nil {
		log.Warn("few open files are allowed", "error", err)
	}
	b.Pin(os.Getpid(), Others)
	return b, nil
}

// Pinned reports whether processes stay on their cores.
func (b *Bed) Pinned() bool { return b.taskset != "" }

// cpus is a place as taskset writes it.
func (b *Bed) cpus(c Core) string {
	last := strconv.Itoa(cores - 1)
	switch c {
	case Server:
		return "0"
	case Others:
		return "1-" + last
	}
	return "0-" + last
}

// cores is taken before this process moves.
var cores = runtime.NumCPU()

// Pin moves a running process with all its threads; what it starts later follows.
func (b *Bed) Pin(pid int, c Core) {
	if b.taskset == "" {
		return
	}
	if out, err := exec.Command(b.taskset, "-a", "-c", "-p", b.cpus(c), strconv.Itoa(pid)).CombinedOutput(); err != nil {
		b.Log.Warn("a process stays on its core", "pid", pid, "error", err, "output", string(out))
	}
}

// Stop ends all processes, newest first.
func (b *Bed) Stop() error {
	var errs []error
	for i := len(b.procs) - 1; i >= 0; i-- {
		errs = append(errs, b.procs[i].Stop())
	}
	b.procs = nil
	return errors.Join(errs...)
}

// Close ends all processes and removes the folder.
func (b *Bed) Close() error {
	err := b.Stop()
	if b.Keep {
		return err
	}
	return errors.Join(err, os.RemoveAll(b.Dir))
}

// Proc is a process of the bed.
type Proc struct {
	Name string
	Addr string // host:port it listens on
	PID  int

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, valid after done
	log  string
}

// command prepares a process at its place. Its output goes to a file in Dir.
func (b *Bed) command(c Core, path string, args ...string) *exec.Cmd {
	if b.taskset == "" {
		return exec.Command(path, args...)
	}
	return exec.Command(b.taskset, append([]string{"-c", b.cpus(c), path}, args...)...)
}

// start runs the prepared process until Stop or Close.
func (b *Bed) start(name, addr string, cmd *exec.Cmd) (*Proc, error) {
	file, err := os.Create(filepath.Join(b.Dir, fmt.Sprintf("%s-%d.log", name, len(b.procs))))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	noOrphan(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Proc{Name: name, Addr: addr, PID: cmd.Process.Pid, cmd: cmd, done: make(chan struct{}), log: file.Name()}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	b.procs = append(b.procs, p)
	return p, nil
}

// stopPatience is how long a process may take to end when told to.
const stopPatience = 10 * time.Second

// Stop ends the process and waits for that. Stopping twice is no error.
func (p *Proc) Stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	select {
	case <-p.done:
		return nil
	case <-time.After(stopPatience):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("%s did not stop within %s", p.Name, stopPatience)
}

// Output is the end of what the process wrote.
func (p *Proc) Output() string {
	b, _ := os.ReadFile(p.log)
	return string(bytes.TrimSpace(b[max(0, len(b)-2000):]))
}

// Ready waits until GET path answers with 200, asking every interval.
func (p *Proc) Ready(ctx context.Context, path string, interval time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+path, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w\n%s", p.Name, p.err, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.Name, ctx.Err(), p.Output())
		case <-tick.C:
		}
	}
}

// freeAddr is an address on 127.0.0.1 that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// Serve starts one of this program's own servers (bench serve NAME) at a place.
func (b *Bed) Serve(ctx context.Context, c Core, name string, env []string, args ...string) (*Proc, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cmd := b.command(c, b.Self, append([]string{"serve", name, "-listen", addr}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	p, err := b.start(name, addr, cmd)
	if err != nil {
		return nil, err
	}
	return p, p.Ready(ctx, "/healthz", 20*time.Millisecond)
}

// Product starts the product at a place. Settings are "NAME=value"; the bed adds
// where to listen and what makes runs comparable. It waits until it is ready.
func (b *Bed) Product(ctx context.Context, c Core, settings ...string) (*Proc, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := b.start("product", addr, b.ProductCommand(c, addr, settings...))
	if err != nil {
		return nil, err
	}
	return p, p.Ready(ctx, "/readyz", 5*time.Millisecond)
}

// ProductCommand is what Product runs. Of this process's environment only PATH,
// HOME and TMPDIR are passed on.
func (b *Bed) ProductCommand(c Core, addr string, settings ...string) *exec.Cmd {
	return b.binary(c, "serve", append([]string{"LISTEN_ADDR=" + addr, "PUBLIC_URL=http://" + addr}, settings...)...)
}

// binary is a command of the product, with the settings.
func (b *Bed) binary(c Core, name string, settings ...string) *exec.Cmd {
	cmd := b.command(c, b.Binary, name)
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
	}
	cmd.Env = append(cmd.Env, settings...)
	return cmd
}

// Ended is a command of the product that ran to its end.
type Ended struct {
	Took   time.Duration
	Peak   int64 // bytes of memory that it had at most
	Beside int64 // bytes that the other processes, with all below them, had at most beside it
}

// sampling is how often memory is looked at.
const sampling = 10 * time.Millisecond

// Command runs a command of the product (verify, migrate) to its end, which must be a good
// one, and watches its memory, and that of other processes. The kernel's account of a child
// that has ended (rusage) tells of the memory that this process had when it started it, if
// that was more; so the peak is the last that the kernel told before the end.
func (b *Bed) Command(ctx context.Context, c Core, name string, others []int, settings ...string) (e Ended, err error) {
	began := time.Now()
	p, err := b.start(name, "", b.binary(c, name, settings...))
	if err != nil {
		return e, err
	}
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for {
		e.Peak = max(e.Peak, procstat.Peak(p.PID))
		e.Beside = max(e.Beside, procstat.Of(others, true).RSS)
		select {
		case <-ctx.Done():
			return e, errors.Join(ctx.Err(), p.Stop())
		case <-p.done:
			if p.err != nil {
				return e, fmt.Errorf("%s: %w\n%s", name, p.err, p.Output())
			}
			e.Took = time.Since(began)
			return e, nil
		case <-tick.C:
		}
	}
}

// Load runs a load in a process of its own at a place.
func (b *Bed) Load(ctx context.Context, c Core, s load.Spec) (r load.Result, err error) {
	in, err := json.Marshal(s)
	if err != nil {
		return r, fmt.Errorf("encode load: %w", err)
	}
	cmd := b.command(c, b.Self, "load")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	noOrphan(cmd)
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("start load: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return r, fmt.Errorf("%s load: %w: %.1000s", s.Kind, err, &errs)
	}
	if err := json.NewDecoder(io.LimitReader(&out, 1<<20)).Decode(&r); err != nil {
		return r, fmt.Errorf("read the load's result: %w", err)
	}
	return r, nil
}
