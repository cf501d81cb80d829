package dbtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk is an empty data folder, which the server's user can reach, on a file system of
// its own of so many MiB. Only root can make one: for others the test is skipped.
func SmallDisk(t testing.TB, mebibytes int) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k2disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	err = syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0711", mebibytes))
	if errors.Is(err, syscall.EPERM) {
		t.Skip("only root makes a small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// Fill leaves so many bytes of the disk free, until the returned function is called.
func Fill(t testing.TB, dir string, leave int64) (empty func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(st.Bavail)*st.Bsize-leave), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() { _ = os.Remove(ballast) }
}
