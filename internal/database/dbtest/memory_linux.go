package dbtest

import "syscall"

// inMemory is the folder in memory to keep the server's files in, where making and
// dropping databases costs a fraction; none when it is small, as in some containers.
func inMemory() []string {
	const dir, enough = "/dev/shm", 1 << 30
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Bavail*uint64(st.Bsize) < enough { //nolint:gosec // a block size is positive
		return nil
	}
	return []string{dir}
}
