//go:build !linux

package bed

import "os/exec"

// noOrphan can do nothing here: only Stop and Close end the process.
func noOrphan(*exec.Cmd) {}
