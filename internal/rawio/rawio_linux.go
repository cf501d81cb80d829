// Package rawio reads and writes descriptors that never block, without telling the scheduler.
package rawio

import (
	"syscall"
	"unsafe"
)

// Read is syscall.Read of a descriptor that is in non-blocking mode, as all of package net
// are.
func Read(fd int, b []byte) (int, error) { return call(syscall.SYS_READ, fd, b) }

// Write is syscall.Write of such a descriptor.
func Write(fd int, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

// call makes a system call that only moves bytes. What the runtime does around one that may
// wait (giving the processor to another thread, looking for it every 20 µs) costs more than
// what a token's bytes do, and is for nothing here.
func call(trap uintptr, fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
