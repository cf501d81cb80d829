package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// socketName is the file a server on the default port listens on.
const socketName = ".s.PGSQL.5432"

// socketLimit is the longest socket path every platform takes, in bytes.
const socketLimit = 100

// Config says where a server lives.
type Config struct {
	Dir     string   // holds the data folder, the socket, the log and the lock
	BinDirs []string // where to look for binaries first
	Log     *slog.Logger
}

// Server is a running PostgreSQL that belongs to this process.
type Server struct {
	dir, data, socket string
	tempSocket        bool
	bin               Binaries
	who               Identity
	held              *os.File
	log               *slog.Logger

	stop  chan struct{} // closed when Stop was called
	ended chan struct{} // closed when the supervisor is done
	once  sync.Once
	mu    sync.Mutex
	pid   int
}

// Start returns a server that accepts connections, making the data folder when there is
// none. It refuses (LockedError) a folder in use by another process, and data of another
// major version. A server left over by a process that died is stopped first.
func Start(ctx context.Context, c Config) (*Server, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the database's folder: %w", err)
	}
	dir, who, err := settle(dir, c.Log)
	if err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, data: filepath.Join(dir, "cluster"), who: who, held: held, log: c.Log,
		stop: make(chan struct{}), ended: make(chan struct{})}
	if err := s.start(ctx, c.BinDirs); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, dirs []string) error {
	bin, major, err := checkMajor(ctx, dirs, s.data)
	if err != nil {
		return err
	}
	if s.bin, err = Usable(ctx, bin, s.who, s.log); err != nil {
		return err
	}
	if err := clearStale(ctx, s.bin, s.who, s.data, s.log); err != nil {
		return err
	}
	if major == 0 {
		s.log.Info("making the database", "place", s.data, "postgres", s.bin.Version)
		if err := Init(ctx, s.bin, s.who, s.data, settings, "--data-checksums"); err != nil {
			return err
		}
	}
	if err := s.folders(); err != nil {
		return err
	}
	first := make(chan error, 1)
	go s.supervise(ctx, first)
	if err := <-first; err != nil {
		<-s.ended
		s.removeSocket()
		return err
	}
	return nil
}

// folders makes the log and socket folders. The socket moves to a private temporary
// folder when its path would be too long for the kernel.
func (s *Server) folders() error {
	for _, name := range []string{"run", "log"} {
		dir := filepath.Join(s.dir, name)
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make the database's folders: %w", err)
		}
		if err := s.who.Give(dir); err != nil {
			return fmt.Errorf("make the database's folders: %w", err)
		}
	}
	s.socket = filepath.Join(s.dir, "run")
	if len(filepath.Join(s.socket, socketName)) <= socketLimit {
		return nil
	}
	dir, err := PrivateTemp(s.who, "k2pg-")
	if err != nil {
		return err
	}
	s.socket, s.tempSocket = dir, true
	return nil
}

// PrivateTemp makes a temporary folder that only the identity (and root) can enter, in
// the first of prefer or the usual places that serves.
func PrivateTemp(who Identity, prefix string, prefer ...string) (string, error) {
	for _, base := range append(prefer, os.TempDir(), "/tmp", "/var/tmp") {
		if !who.Reaches(base) {
			continue
		}
		dir, err := os.MkdirTemp(base, prefix)
		if err != nil {
			continue
		}
		if len(filepath.Join(dir, socketName)) > socketLimit {
			_ = os.Remove(dir)
			continue
		}
		return dir, who.Give(dir)
	}
	return "", errors.New("there is no temporary folder for the database's socket: set TMPDIR to a short path")
}

func (s *Server) removeSocket() {
	if s.tempSocket {
		_ = os.RemoveAll(s.socket)
	}
}

// arguments rule over postgresql.conf where the product depends on them. The log is kept
// for a week, without errors of statements, their text and values, which hold what people
// wrote; errors reach the client anyway.
func (s *Server) arguments() []string {
	var args []string
	for _, kv := range []string{
		"listen_addresses=", "port=5432", "unix_socket_directories=" + s.socket, "unix_socket_permissions=0700",
		"fsync=on", "full_page_writes=on", "synchronous_commit=on",
		"logging_collector=on", "log_destination=stderr", "log_directory=" + filepath.Join(s.dir, "log"),
		"log_filename=postgres-%a.log", "log_file_mode=0600", "log_rotation_age=1d", "log_rotation_size=0",
		"log_truncate_on_rotation=on", "log_statement=none", "log_min_duration_statement=-1",
		"log_min_messages=log", "log_min_error_statement=panic", "log_error_verbosity=terse", "log_parameter_max_length_on_error=0",
	} {
		args = append(args, "-c", kv)
	}
	return append([]string{"-D", s.data}, args...)
}

// A server that dies is started again after firstPause, twice as long each time up to
// longestPause: it may be waiting for an operator to free the disk. One that lived for
// longestPause begins with firstPause again.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

// supervise owns the server's process from start to end. It keeps its thread, because
// the kernel ties the child to the thread that started it, not to the process. The
// first channel gets the outcome of the first start.
func (s *Server) supervise(ctx context.Context, first chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.ended)
	life := context.WithoutCancel(ctx) // ctx bounds the start only
	c := s.launch(life)
	err := s.awaitReady(ctx, c)
	first <- err
	if err != nil {
		return
	}
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		began := clock.System{}.Now()
		select {
		case <-s.stop:
			s.halt(c)
			return
		case err = <-c.exited:
		}
		if (clock.System{}).Now().Sub(began) > longestPause {
			wait = firstPause
		}
		s.log.Error("the database server died; starting it again", "err", err, "after", wait, "log", filepath.Join(s.dir, "log"))
		if !s.pause(wait) {
			return
		}
		c = s.launch(life)
	}
}

func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.stop:
		return false
	case <-t.C:
		return true
	}
}

// Stop shuts the server down, waiting until it is gone: fast first, immediately after 20
// seconds. Later calls wait for the first one.
func (s *Server) Stop() error {
	var err error
	s.once.Do(func() {
		close(s.stop)
		<-s.ended
		s.removeSocket()
		err = s.held.Close()
	})
	return err
}

// PID is the number of the server's process, which changes when it had to be restarted.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Socket is the folder of the server's socket, for use as host.
func (s *Server) Socket() string { return s.socket }

// Data is the folder that PostgreSQL keeps the data in.
func (s *Server) Data() string { return s.data }

// Running returns the socket folder of a server that another process runs for dir.
func Running(dir string) (socket string, err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("find the database's folder: %w", err)
	}
	p := readPostmaster(filepath.Join(real, "cluster"))
	if p == nil || !alive(p.pid) || !p.ready {
		return "", fmt.Errorf("the database in %s does not run", real)
	}
	return p.socket, nil
}
