//go:build unix

package cluster_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

// TestMain also plays the process that owns a server and is killed, see helper.
func TestMain(m *testing.M) {
	if dir := os.Getenv("K2_CLUSTER_HELPER"); dir != "" {
		helper(dir)
		return
	}
	code := m.Run()
	if seed.dir != "" {
		_ = os.RemoveAll(seed.dir)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stdout, err)
		code = 1
	}
	os.Exit(code)
}

// helper starts a server, says so on standard output, and stops it when its standard
// input ends.
func helper(dir string) {
	s, err := cluster.Start(context.Background(), cluster.Config{
		Dir: dir, BinDirs: []string{os.Getenv("K2_CLUSTER_BIN")}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Fprintln(os.Stdout, "failed:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, s.PID(), s.Socket())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stdout, "failed:", err)
		os.Exit(1)
	}
}

// seed is one data folder that the tests copy, since making one takes a second.
var seed struct {
	once sync.Once
	dir  string
	err  error
}

func log(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// binaries are those the tests use, reachable by the server's user.
func binaries(t *testing.T) cluster.Binaries {
	t.Helper()
	b, err := cluster.Find(t.Context(), []string{cluster.Packaged("../../..")}, 0)
	if err == nil {
		b, err = cluster.Usable(t.Context(), b, cluster.WhoRuns("/nowhere"), log(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// base is in memory where there is enough of it: these tests copy many whole data folders.
func base() string {
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err == nil && st.Bavail*uint64(st.Bsize) > 1<<30 {
		return "/dev/shm"
	}
	return "/tmp"
}

// home is an empty data folder that the server's user can reach.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(base(), "k2home-")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// seeded is a home with a data folder in it already; the folder for Start is returned.
func seeded(t *testing.T) string {
	t.Helper()
	bin, who := binaries(t), cluster.WhoRuns("/nowhere")
	seed.once.Do(func() {
		if seed.dir, seed.err = cluster.PrivateTemp(who, "k2seed-", base()); seed.err == nil {
			seed.err = cluster.Init(t.Context(), bin, who, filepath.Join(seed.dir, "cluster"), cluster.Settings,
				"--no-sync", "--wal-segsize=1")
		}
	})
	if seed.err != nil {
		t.Fatal(seed.err)
	}
	dir := filepath.Join(home(t), "postgres")
	command(t, "cp", "-a", seed.dir, dir)
	return dir
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func start(t *testing.T, dir string) *cluster.Server {
	t.Helper()
	s, err := cluster.Start(t.Context(), cluster.Config{Dir: dir, BinDirs: []string{binaries(t).Dir}, Log: log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func refused(t *testing.T, dir string, want ...string) {
	t.Helper()
	s, err := cluster.Start(t.Context(), cluster.Config{Dir: dir, BinDirs: []string{binaries(t).Dir}, Log: log(t)})
	if err == nil {
		t.Fatal("started", s.Stop())
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the refusal does not say %q: %v", w, err)
		}
	}
}

// query runs statements on the server and returns the first value of the last one.
func query(t *testing.T, socket string, statements ...string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), "user=postgres dbname=postgres sslmode=disable host="+socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var value string
	for _, s := range statements {
		rows, err := conn.Query(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			value = string(rows.RawValues()[0])
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return value
}

func gone(t *testing.T, pid int) {
	t.Helper()
	until(t, "the server is gone", func() bool { return !cluster.Alive(pid) })
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestAServerIsMadeStoppedAndFoundAgain(t *testing.T) {
	dir := filepath.Join(home(t), "data", "postgres")
	s := start(t, dir)
	query(t, s.Socket(), "CREATE TABLE kept AS SELECT 42::text AS v")
	if got := query(t, s.Socket(), "SHOW data_checksums"); got != "on" {
		t.Errorf("data_checksums is %s", got)
	}
	if got := query(t, s.Socket(), "SHOW listen_addresses"); got != "" {
		t.Errorf("it listens on %q", got)
	}
	pid := s.PID()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	again := start(t, dir)
	if got := query(t, again.Socket(), "SELECT v FROM kept"); got != "42" {
		t.Fatalf("kept %q", got)
	}
}

func TestTheServersLogHoldsNothingPeopleWrote(t *testing.T) {
	s := start(t, seeded(t))
	conn, err := pgx.Connect(t.Context(), "user=postgres dbname=postgres sslmode=disable host="+s.Socket())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"SELECT 'canary-text'::int", "CREATE TABLE u (v text UNIQUE)",
		"INSERT INTO u VALUES ('canary-key'), ('canary-key')", "SELECT canary-syntax FROM"} {
		_, _ = conn.Exec(t.Context(), bad)
	}
	_ = conn.Close(t.Context())
	logs, _ := filepath.Glob(filepath.Join(filepath.Dir(s.Data()), "log", "*"))
	if len(logs) == 0 {
		t.Fatal("there is no log")
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{"canary-text", "canary-key", "canary-syntax"} {
			if bytes.Contains(text, []byte(canary)) {
				t.Errorf("the log holds %s: %s", canary, text)
			}
		}
	}
}

func TestASecondProcessIsRefusedByNumber(t *testing.T) {
	dir := seeded(t)
	owner := spawn(t, dir, nil)
	_, err := cluster.Start(t.Context(), cluster.Config{Dir: dir, Log: log(t)})
	var locked *cluster.LockedError
	if !errors.As(err, &locked) || locked.PID != owner.cmd.Process.Pid {
		t.Fatalf("want a refusal that names process %d, got %v", owner.cmd.Process.Pid, err)
	}
	if socket, err := cluster.Running(dir); err != nil || socket != owner.socket {
		t.Fatalf("running at %q, %v", socket, err)
	}
	owner.release(t)
	if _, err := cluster.Running(dir); err == nil {
		t.Fatal("it is said to run after it stopped")
	}
	start(t, dir)
}

func TestAKilledOwnerLeavesNoServerAndNoDamage(t *testing.T) {
	dir := seeded(t)
	for i := range 3 {
		owner := spawn(t, dir, nil)
		query(t, owner.socket, "CREATE TABLE IF NOT EXISTS kept (v int)", "INSERT INTO kept VALUES ("+strconv.Itoa(i)+")")
		owner.kill(t)
		if i == 2 {
			gone(t, owner.server)
		} // else the next start meets the server while it shuts down
	}
	s := start(t, dir)
	if got := query(t, s.Socket(), "SELECT count(*)::text FROM kept"); got != "3" {
		t.Fatalf("%s of 3 acknowledged rows are there", got)
	}
}

func TestAServerLeftBehindIsStoppedFirst(t *testing.T) {
	dir := seeded(t)
	bin, who := binaries(t), cluster.WhoRuns(dir)
	left := exec.Command(filepath.Join(bin.Dir, "postgres"), "-D", filepath.Join(dir, "cluster"),
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+dir)
	left.Dir, left.Env, left.SysProcAttr = "/", []string{"LC_ALL=C"}, who.Attributes()
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- left.Wait() }()
	until(t, "the left server is ready", func() bool { _, err := cluster.Running(dir); return err == nil })
	query(t, dir, "CREATE TABLE kept AS SELECT 1 AS v")
	s := start(t, dir)
	if err := <-ended; err != nil {
		t.Errorf("it was not stopped in good order: %v", err)
	}
	query(t, s.Socket(), "SELECT v::text FROM kept")
}

func TestTheNoteOfADeadServerWhoseNumberWasTakenIsRemoved(t *testing.T) {
	dir := seeded(t)
	sleeper := exec.Command("sleep", "60")
	sleeper.SysProcAttr = cluster.WhoRuns(dir).Attributes()
	sleeper.Dir = "/"
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	note := fmt.Sprintf("%d\n%s\n1\n5432\n%s\n\n", sleeper.Process.Pid, filepath.Join(dir, "cluster"), dir)
	if err := os.WriteFile(filepath.Join(dir, "cluster", "postmaster.pid"), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if err := sleeper.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatal("the stranger was harmed")
	}
}

func TestAServerThatDiesIsStartedAgain(t *testing.T) {
	s := start(t, seeded(t))
	query(t, s.Socket(), "CREATE TABLE kept AS SELECT 1 AS v")
	before := s.PID()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "another server answers", func() bool {
		if s.PID() == before {
			return false
		}
		conn, err := pgx.Connect(t.Context(), "user=postgres dbname=postgres sslmode=disable host="+s.Socket())
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
	query(t, s.Socket(), "SELECT v::text FROM kept")
}

func TestDataOfAnotherVersionIsRefusedUntouched(t *testing.T) {
	dir := seeded(t)
	version := filepath.Join(dir, "cluster", "PG_VERSION")
	was, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	for major, say := range map[string][]string{
		"99": {"PostgreSQL 99", "newer", "nothing was touched"},
		"14": {"PostgreSQL 14", "pg_dump", "Nothing was touched"},
		"x":  {"unreadable PG_VERSION"},
	} {
		if err := os.WriteFile(version, []byte(major+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, say...)
	}
	if err := os.WriteFile(version, was, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestAFolderThatIsNoDatabaseIsRefused(t *testing.T) {
	dir := filepath.Join(home(t), "postgres")
	if err := os.MkdirAll(filepath.Join(dir, "cluster"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := cluster.WhoRuns("/nowhere").Give(dir); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "no PG_VERSION", "backup")
}

func TestAHalfMadeFolderIsMadeAnew(t *testing.T) {
	dir := filepath.Join(home(t), "postgres")
	half := filepath.Join(dir, "cluster.making-1")
	if err := os.MkdirAll(filepath.Join(half, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the half-made folder is still there: %v", err)
	}
}

func TestALongPathPutsTheSocketElsewhere(t *testing.T) {
	long := filepath.Join(home(t), strings.Repeat("deep/", 20))
	if err := os.MkdirAll(long, 0o711); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(long, "postgres")
	if err := os.Rename(seeded(t), dir); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	query(t, s.Socket(), "SELECT 1::text")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Socket()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the socket's folder is still there: %v", err)
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	dir := seeded(t)
	f, err := os.OpenFile(filepath.Join(dir, "cluster", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\nno_such_setting = 1\n")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "no_such_setting")
}

func TestGivingUpWaitingLeavesNoServer(t *testing.T) {
	dir := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Start(ctx, cluster.Config{Dir: dir, BinDirs: []string{binaries(t).Dir}, Log: log(t)}); err == nil {
		t.Fatal("started")
	}
	start(t, dir)
}

// As an ordinary user there is nobody to switch to; as root the helper becomes one.
func TestAnOrdinaryUserRunsItsOwnServer(t *testing.T) {
	dir := seeded(t)
	who := cluster.WhoRuns(dir)
	owner := spawn(t, dir, &who)
	if got := query(t, owner.socket, "SELECT 'here'"); got != "here" {
		t.Fatal(got)
	}
	owner.release(t)
}

// process is a helper that owns a server.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	server int
	socket string
}

// spawn runs the helper, as who if given.
func spawn(t *testing.T, dir string, who *cluster.Identity) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if who != nil {
		reachable := filepath.Join(home(t), "helper")
		command(t, "cp", exe, reachable)
		exe = reachable
	}
	p := &process{cmd: exec.Command(exe)}
	p.cmd.Env = append(os.Environ(), "K2_CLUSTER_HELPER="+dir, "K2_CLUSTER_BIN="+binaries(t).Dir)
	p.cmd.Stderr = t.Output()
	p.cmd.Dir = "/"
	if who != nil {
		p.cmd.SysProcAttr = who.Attributes()
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stdin.Close(); _ = p.cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the helper ended: %v", err)
	}
	number, socket, _ := strings.Cut(strings.TrimSpace(line), " ")
	if p.server, err = strconv.Atoi(number); err != nil {
		t.Fatal(line)
	}
	p.socket = socket
	return p
}

func (p *process) release(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}
