// Package procstat reads CPU time and memory of processes from Linux's /proc.
// Elsewhere every figure is zero.
package procstat

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hz is USER_HZ, fixed for /proc on Linux.
const hz = 100

// Sample is the state of one or several processes.
type Sample struct {
	CPU time.Duration // user and system, to 10 ms
	RSS int64         // bytes: anonymous and file pages; shared memory is left out
}

// Of samples the processes and, when deep, all that descend from them. Processes
// that have ended count as nothing.
func Of(pids []int, deep bool) Sample {
	if deep {
		pids = descendants(pids)
	}
	var s Sample
	for _, pid := range pids {
		s.CPU += cpu(pid)
		s.RSS += rss(pid)
	}
	return s
}

// stat are the fields of /proc/PID/stat from the third on: state, parent, ….
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

func cpu(pid int) time.Duration {
	f := stat(pid)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / hz
}

func rss(pid int) int64 { return memory(pid, "RssAnon", "RssFile") }

// Peak is the most memory that a running process has had since its program began, in
// bytes: anonymous, file and shared pages. It is 0 of one that has ended.
func Peak(pid int) int64 { return memory(pid, "VmHWM") }

// memory adds up lines of /proc/PID/status.
func memory(pid int, names ...string) (sum int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		if !slices.Contains(names, name) {
			continue
		}
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		sum += kib << 10
	}
	return sum
}

// descendants are the roots and all processes below them.
func descendants(roots []int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return roots
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f := stat(pid); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := append([]int(nil), roots...)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// Busy is the CPU time of the whole machine, all cores together, without idling.
func Busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var ticks int64
	for i, f := range strings.Fields(line) {
		if i < 1 || i == 4 || i == 5 || i > 8 { // its name, idle, iowait, guests
			continue
		}
		v, _ := strconv.ParseInt(f, 10, 64)
		ticks += v
	}
	return time.Duration(ticks) * time.Second / hz
}

// Load is the machine's load average over one, five and fifteen minutes, as text.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	f := strings.Fields(string(b))
	return strings.Join(f[:min(3, len(f))], " ")
}
