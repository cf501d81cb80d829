//go:build unix && !linux

package cluster

import (
	"net"
	"path/filepath"
	"syscall"
)

// tieToUs does nothing here: the next start stops a server that was left behind.
func tieToUs(*syscall.SysProcAttr) {}

// servesFolder reports whether something answers on the socket which the note names.
func servesFolder(_ int, data string) bool {
	p := readPostmaster(data)
	if p == nil || p.socket == "" {
		return false
	}
	conn, err := net.Dial("unix", filepath.Join(p.socket, socketName))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// defunct is never so: the first process collects what others leave.
func defunct(int) bool { return false }
