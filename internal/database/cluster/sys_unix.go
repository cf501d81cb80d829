//go:build unix

package cluster

import (
	"context"
	"errors"
	"os"
	"syscall"
)

const exeSuffix = ""

func isRoot() bool { return os.Geteuid() == 0 }

// owner is the user and group a file belongs to.
func owner(info os.FileInfo) (uid, gid int) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(st.Uid), int(st.Gid)
}

func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}

// alive reports whether the process runs. One that has ended and that nobody collects,
// as happens below a container's careless first process, does not.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !defunct(pid)
}

// shutdown asks for a fast shutdown (0), an immediate one (1) or kills (2).
func shutdown(_ context.Context, _ Binaries, _ Identity, _ string, pid, how int) error {
	return syscall.Kill(pid, [...]syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}[how])
}

// Attributes are how a child is started as the identity, in a process group of its own
// so that Ctrl-C at the terminal reaches us only and we stop the server when we are done.
func (w Identity) Attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if w.Switch {
		attr.Credential = &syscall.Credential{Uid: uint32(w.UID), Gid: uint32(w.GID)}
	}
	return attr
}

func (w Identity) attributes(tied bool) *syscall.SysProcAttr {
	attr := w.Attributes()
	if tied {
		tieToUs(attr)
	}
	return attr
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
