//go:build !race

package edge_test

// slowdown is what the race detector makes of CPU time.
const slowdown = 1
