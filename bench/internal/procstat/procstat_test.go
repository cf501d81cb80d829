package procstat_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
)

func TestOwnProcessUsesCPUAndMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	me := []int{os.Getpid()}
	before, busy := procstat.Of(me, false), procstat.Busy()
	for n := 0; procstat.Of(me, false).CPU < before.CPU+30*time.Millisecond; n++ {
		if n > 1_000_000 {
			t.Fatal("spinning costs no CPU time")
		}
	}
	if procstat.Busy() < busy+20*time.Millisecond {
		t.Error("the machine was not busy meanwhile")
	}
	if before.RSS < 1<<20 {
		t.Errorf("RSS %d", before.RSS)
	}
}

func TestDeepCountsChildren(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = in.Close(), child.Wait() }()
	self, all := procstat.Of([]int{os.Getpid()}, false), procstat.Of([]int{os.Getpid()}, true)
	only := procstat.Of([]int{child.Process.Pid}, false)
	if only.RSS == 0 || all.RSS < self.RSS/2+only.RSS {
		t.Errorf("self %d, child %d, together %d", self.RSS, only.RSS, all.RSS)
	}
	if gone := procstat.Of([]int{1 << 30}, true); gone != (procstat.Sample{}) {
		t.Errorf("a process that is not: %+v", gone)
	}
}
