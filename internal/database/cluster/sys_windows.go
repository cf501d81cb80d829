package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

const exeSuffix = ".exe"

func isRoot() bool { return false }

func owner(os.FileInfo) (uid, gid int) { return -1, -1 }

func tryLock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

func alive(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer func() { _ = windows.CloseHandle(h) }()
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event == uint32(windows.WAIT_TIMEOUT)
}

// shutdown asks for a fast shutdown (0), an immediate one (1) or kills (2).
func shutdown(ctx context.Context, b Binaries, who Identity, data string, pid, how int) error {
	if how < 2 {
		mode := [...]string{"fast", "immediate"}[how]
		return run(ctx, who, filepath.Dir(data), filepath.Join(b.Dir, "pg_ctl"+exeSuffix), "stop", "-W", "-D", data, "-m", mode)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}

// Attributes are how a child is started: in a process group of its own, so that Ctrl-C
// reaches us only and we stop the server when we are done.
func (w Identity) Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func (w Identity) attributes(bool) *syscall.SysProcAttr { return w.Attributes() }

// servesFolder trusts the note: the folder's lock is ours and the process is alive.
func servesFolder(int, string) bool { return true }

func syncDir(string) error { return nil }
