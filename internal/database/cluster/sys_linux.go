package cluster

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// tieToUs has the kernel ask the child for a fast shutdown when the thread that started
// it ends, so that even kill -9 of ours leaves no server behind.
func tieToUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// servesFolder reports whether the process is a server of the data folder, in which a
// postmaster always sits.
func servesFolder(pid int, data string) bool {
	there, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	here, err := os.Stat(data)
	return err == nil && os.SameFile(here, there)
}

// defunct reports whether the process has ended and only its number is left.
func defunct(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, found := bytes.Cut(stat, []byte(") "))
	return found && bytes.HasPrefix(after, []byte("Z"))
}
