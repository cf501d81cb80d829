//go:build unix && !linux

package rawio

import "syscall"

// Read is syscall.Read.
func Read(fd int, b []byte) (int, error) { return syscall.Read(fd, b) }

// Write is syscall.Write.
func Write(fd int, b []byte) (int, error) { return syscall.Write(fd, b) }
