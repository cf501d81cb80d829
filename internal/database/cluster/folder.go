package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// settings are what a new cluster's postgresql.conf gets beyond the defaults. Statements
// and values never reach the server's log: they hold what people wrote.
const settings = `
# Kimi K2: sized for one machine that does other things too.
max_connections = 100
shared_buffers = 128MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 64MB
wal_buffers = 8MB
max_wal_size = 1GB
min_wal_size = 80MB
checkpoint_completion_target = 0.9
checkpoint_timeout = 5min
wal_compression = on
random_page_cost = 1.1
jit = off
max_wal_senders = 0
wal_level = minimal
autovacuum_naptime = 30s
timezone = 'UTC'
log_timezone = 'UTC'
`

// MadeBy returns the major version that wrote the data folder, 0 when there is none yet.
func MadeBy(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(data); err == nil {
			return 0, fmt.Errorf("the data folder %s has no PG_VERSION: it is damaged or not a database; "+
				"restore it from a backup or move it away to begin anew", data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the data folder's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("the data folder %s has an unreadable PG_VERSION", data)
	}
	return major, nil
}

// Init makes a data folder at data, whole or not at all. It runs as who, which must own
// the folder above. Superuser is postgres; extra goes to initdb, conf to postgresql.conf.
func Init(ctx context.Context, b Binaries, who Identity, data, conf string, extra ...string) error {
	parent := filepath.Dir(data)
	leftovers, _ := filepath.Glob(data + ".making-*")
	for _, old := range leftovers {
		if err := os.RemoveAll(old); err != nil {
			return fmt.Errorf("remove a half-made data folder: %w", err)
		}
	}
	half := fmt.Sprintf("%s.making-%d", data, os.Getpid())
	defer func() { _ = os.RemoveAll(half) }()
	args := append([]string{"-D", half, "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust"}, extra...)
	if err := run(ctx, who, parent, filepath.Join(b.Dir, "initdb"+exeSuffix), args...); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := appendTo(filepath.Join(half, "postgresql.conf"), conf); err != nil {
		return fmt.Errorf("configure the data folder: %w", err)
	}
	if err := os.Rename(half, data); err != nil {
		return fmt.Errorf("finish the data folder: %w", err)
	}
	return syncDir(parent)
}

// run runs a tool of PostgreSQL's to its end; its output becomes part of the error.
func run(ctx context.Context, who Identity, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, environment(), who.attributes(false)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, tail(out.String()))
	}
	return nil
}

// tail is the end of a tool's output, on one line.
func tail(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 600 {
		s = "…" + s[len(s)-600:]
	}
	return s
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// checkMajor finds binaries for the data folder, or says why none will do and what to do.
func checkMajor(ctx context.Context, dirs []string, data string) (Binaries, int, error) {
	major, err := MadeBy(data)
	if err != nil {
		return Binaries{}, 0, err
	}
	b, err := Find(ctx, dirs, major)
	if err == nil || major == 0 {
		return b, major, err
	}
	newest, anyErr := Find(ctx, dirs, 0)
	if anyErr != nil {
		return b, major, err
	}
	if major > newest.Major {
		return b, major, fmt.Errorf("the database in %s was written by PostgreSQL %d, newer than the binaries here (%s in %s): "+
			"install PostgreSQL %d (PG_BIN) or restore a backup taken with the older version; nothing was touched",
			data, major, newest.Version, newest.Dir, major)
	}
	return b, major, fmt.Errorf("the database in %s was written by PostgreSQL %d, and the binaries here are %s (%s): "+
		"start once more with PostgreSQL %d (PG_BIN), dump it with pg_dump, move the folder away, start with the new version "+
		"and restore the dump with psql; or use pg_upgrade. Nothing was touched",
		data, major, newest.Version, newest.Dir, major)
}
