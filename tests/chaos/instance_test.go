package chaos_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 60 * time.Second

var binary struct {
	once sync.Once
	path string
	err  error
}

// build builds the product once for all tests of this process.
func build(t *testing.T) string {
	t.Helper()
	binary.once.Do(func() {
		dir, err := os.MkdirTemp("", "kimi-k2-chaos")
		if err != nil {
			binary.err = err
			return
		}
		binary.path = filepath.Join(dir, "kimi-k2")
		out, err := exec.Command("go", "build", "-o", binary.path, "../..").CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("build: %w: %s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// process is one instance of the product as a process of its own.
type process struct {
	t    *testing.T
	name string
	addr string
	env  []string
	data string

	mu  sync.Mutex
	cmd *exec.Cmd
}

// newInstance reserves an address; launch starts the process.
func newInstance(t *testing.T, name string, env ...string) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	p := &process{t: t, name: name, addr: addr, data: t.TempDir()}
	p.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LISTEN_ADDR=" + addr, "DATA_DIR=" + p.data, "PUBLIC_URL=http://" + addr,
		"SECRET_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "RUN_LEASE=2s", "CHECKPOINT_INTERVAL=100ms", "GUEST_MESSAGE_LIMIT=100000",
		"STREAMS_PER_GUEST=100", "STREAMS_PER_ACCOUNT=100", "SOCKETS_PER_PRINCIPAL=100", "SOCKETS_PER_IP=1000", "TITLES=off", "LOG_LEVEL=warn", "SHUTDOWN_TIMEOUT=2s",
		"RATE_MESSAGES_PER_GUEST=0", "RATE_COST_PER_GUEST=0", "RATE_COST_PER_ACCOUNT=0",
	}, env...)
	t.Cleanup(p.kill)
	return p
}

// launch starts the process and waits until it is ready. It may be called beside the test.
func (p *process) launch() {
	p.t.Helper()
	cmd := exec.Command(build(p.t))
	cmd.Env = p.env
	cmd.Dir = p.data
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.t.Errorf("%s: %v", p.name, err)
		return
	}
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			if line := s.Text(); strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") {
				p.t.Errorf("%s: %s", p.name, line)
			}
		}
	}()
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		resp, err := http.Get("http://" + p.addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	p.t.Errorf("%s is not ready in time", p.name)
}

// terminate asks the process to end, as a deployment does, and waits until it has.
func (p *process) terminate() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s did not end cleanly: %v", p.name, err)
	}
	p.cmd = nil
}

// verify proves the books of the instance's database.
func (p *process) verify() {
	p.t.Helper()
	cmd := exec.Command(build(p.t), "verify")
	cmd.Env = append(append([]string{}, p.env...), "LISTEN_ADDR=127.0.0.1:0")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Errorf("verify: %v\n%s", err, out)
	}
}

// kill ends the process as kill -9 does and waits for its death.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}
