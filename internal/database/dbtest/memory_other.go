//go:build !linux

package dbtest

// inMemory is the folder in memory to keep the server's files in; there is none here.
func inMemory() []string { return nil }
