package bed

import (
	"os/exec"
	"syscall"
)

// noOrphan lets the process end when this one is killed. The signal is bound to the
// thread that starts the process; Go ends no threads but locked ones, and none is.
func noOrphan(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
