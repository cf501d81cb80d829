package dbtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

// conf trades durability for speed: nothing here outlives the process.
const conf = `
kimi.test = on
fsync = off
full_page_writes = off
synchronous_commit = off
listen_addresses = ''
max_connections = 300
shared_buffers = 32MB
max_wal_size = 64MB
min_wal_size = 4MB
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
`

// script runs the server until our end of its standard input closes, which the kernel
// does for us however we die, and then removes everything. If the server ends by itself
// (a test restarts it) it still waits for us before it cleans up.
const script = `"$1" -D "$2/data" -c unix_socket_directories="$2" 2>>"$2/log" &
while read -r _; do :; done
pid=$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
wait
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
cd / && rm -rf "$2"`

func start(ctx context.Context) (*server, error) {
	log := slog.New(slog.DiscardHandler)
	root := moduleRoot()
	who := cluster.WhoRuns("/nowhere")
	bin, err := cluster.Find(ctx, []string{cluster.Packaged(root)}, 0)
	if err != nil {
		return nil, err
	}
	if bin, err = cluster.Usable(ctx, bin, who, log); err != nil {
		return nil, err
	}
	dir, err := cluster.PrivateTemp(who, "k2test-", inMemory()...)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, bin, who, root, dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return open(ctx, bin, who, dir)
}

// open starts the server in a folder that has its data; the folder is gone when it ends.
func open(ctx context.Context, bin cluster.Binaries, who cluster.Identity, dir string) (*server, error) {
	leash, err := launch(bin, who, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &server{socket: dir, leash: leash}
	if err := s.await(ctx); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return s, nil
}

// launch starts the server; it ends when the leash is closed.
func launch(bin cluster.Binaries, who cluster.Identity, dir string) (leash *os.File, err error) {
	held, leash, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-c", script, "sh", filepath.Join(bin.Dir, "postgres"), dir)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.SysProcAttr = dir, []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}, held, who.Attributes()
	err = cmd.Start()
	_ = held.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the server: %w", err), leash.Close())
	}
	return leash, cmd.Process.Release()
}

// await returns when the server answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres", "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer: %w", err)
		case <-tick.C:
		}
	}
}

// fill puts a data folder with the role and the template into dir, copied from a cache below
// the checkout when there is one.
func fill(ctx context.Context, bin cluster.Binaries, who cluster.Identity, root, dir string) error {
	from, end := filepath.Join(root, ".cache", "postgres", "schema-"+bin.Version+"-"+recipe(root)), func() {}
	if _, err := os.Stat(filepath.Join(from, "PG_VERSION")); err != nil {
		made, remove, err := makeData(ctx, bin, who)
		if err != nil {
			return err
		}
		keep(made, from)
		from, end = made, remove
	}
	defer end()
	data := filepath.Join(dir, "data")
	if err := copyTree(data, from); err != nil {
		return fmt.Errorf("copy the data folder: %w", err)
	}
	return who.Give(data)
}

// makeData makes a data folder with the role and the template, whose server has stopped.
func makeData(ctx context.Context, bin cluster.Binaries, who cluster.Identity) (data string, remove func(), err error) {
	dir, err := cluster.PrivateTemp(who, "k2test-", inMemory()...)
	if err != nil {
		return "", nil, err
	}
	data = filepath.Join(dir, "data")
	if err := cluster.Init(ctx, bin, who, data, conf, "--no-sync", "--wal-segsize=1"); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	s, err := open(ctx, bin, who, dir)
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = s.leash.Close() }
	if err = s.exec(ctx, "CREATE ROLE kimi LOGIN"); err == nil {
		if err = s.makeTemplate(ctx); err == nil {
			err = stop(ctx, bin, who, data)
		}
	}
	if err != nil {
		remove()
		return "", nil, err
	}
	return data, remove, nil
}

// stop ends the server so that its data folder can be copied.
func stop(ctx context.Context, bin cluster.Binaries, who cluster.Identity, data string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(bin.Dir, "pg_ctl"), "stop", "-D", data, "-m", "fast", "-w")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = data, []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}, who.Attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stop the server: %w: %s", err, out)
	}
	return nil
}

// recipe names what a data folder is made of: the configuration, and what migrates.
func recipe(root string) string {
	all := conf
	for _, pattern := range []string{"go.mod", "internal/database/*.go", "internal/database/migrations/*"} {
		names, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, name := range names {
			text, _ := os.ReadFile(name)
			all += name + string(text)
		}
	}
	return digest(all)
}

// kept is how many data folders of different recipes are kept.
const kept = 3

// keep saves a data folder for the next process; without it that one is only slower.
func keep(data, cache string) {
	if os.MkdirAll(filepath.Dir(cache), 0o755) != nil {
		return
	}
	half, err := os.MkdirTemp(filepath.Dir(cache), ".half-")
	if err != nil {
		return
	}
	defer func() { _ = os.RemoveAll(half) }()
	if copyTree(filepath.Join(half, "data"), data) == nil {
		_ = os.Rename(filepath.Join(half, "data"), cache) // another process may have been first
	}
	prune(filepath.Join(filepath.Dir(cache), "schema-*"))
}

// prune removes the oldest data folders.
func prune(pattern string) {
	folders, _ := filepath.Glob(pattern)
	made := map[string]int64{}
	for _, folder := range folders {
		if info, err := os.Stat(folder); err == nil {
			made[folder] = info.ModTime().UnixNano()
		}
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(made[b], made[a]) })
	for _, old := range folders[min(kept, len(folders)):] {
		_ = os.RemoveAll(old)
	}
}

// copyTree copies a data folder with the permissions PostgreSQL insists on.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		}
		return copyFile(filepath.Join(to, rel), path)
	})
}

func copyFile(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// moduleRoot is the folder of go.mod above the test's.
func moduleRoot() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return os.TempDir()
}
