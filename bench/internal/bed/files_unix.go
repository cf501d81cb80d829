//go:build unix

package bed

import (
	"fmt"
	"syscall"
)

// wantFiles is enough for 10,000 sockets with as many requests to an engine.
const wantFiles = 40_000

// raiseFiles lets this process and those it starts open many files.
func raiseFiles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	more := syscall.Rlimit{Cur: max(l.Cur, wantFiles), Max: max(l.Max, wantFiles)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more) == nil { // root may
		return nil
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	if l.Max < wantFiles {
		return fmt.Errorf("%d at most, %d are wanted", l.Max, wantFiles)
	}
	return nil
}
