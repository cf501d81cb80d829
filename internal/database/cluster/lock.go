package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// LockedError says that another process of ours holds the folder.
type LockedError struct {
	Dir string
	PID int // 0 when unknown
}

// Error names the process and what to do.
func (e *LockedError) Error() string {
	who := "another kimi-k2"
	if e.PID > 0 {
		who = fmt.Sprintf("another kimi-k2 (process %d)", e.PID)
	}
	return fmt.Sprintf("%s already runs the database in %s: stop it, choose another DATA_DIR, "+
		"or let several instances share a server with DATABASE_URL", who, e.Dir)
}

// errHeld is what tryLock returns when another process has the lock.
var errHeld = errors.New("held by another process")

// lock takes the folder for this process until the file is closed. The kernel frees it
// when the process dies, however it dies.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database folder's lock: %w", err)
	}
	if err := tryLock(f); err != nil {
		text, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close()
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("lock the database's folder: %w", err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &LockedError{Dir: dir, PID: pid}
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}
