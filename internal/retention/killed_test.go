package retention_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/policy"
)

// victim names the database that a process of its own sweeps until it is killed.
const victim = "K2_RETENTION_VICTIM"

func TestMain(m *testing.M) {
	if url := os.Getenv(victim); url != "" {
		fmt.Fprintln(os.Stdout, sweepUntilKilled(url))
		return
	}
	goleak.VerifyTestMain(m)
}

// sweepUntilKilled sweeps, says so after the third batch of links, and then stands still in
// the middle of its sweep.
func sweepUntilKilled(url string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{URL: url, MaxConns: 4, AppName: "victim"})
	if err != nil {
		return err
	}
	reg, err := register.Load(policy.Files())
	if err != nil {
		return err
	}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	batches := 0
	c := retention.Config{DB: db, Register: reg, Clock: clock.Func(func() time.Time { return at }), SecondClock: func(context.Context) (time.Time, error) { return at, nil }, Batch: 10}
	c.AfterBatch(func(rule string) {
		if rule != "operator_links" {
			return
		}
		if batches++; batches == 3 {
			fmt.Fprintln(os.Stdout, "three batches")
			select {}
		}
	})
	e, err := retention.New(c)
	if err != nil {
		return err
	}
	return e.Sweep(ctx)
}

// P49, T38: kill -9 in the middle of a sweep loses no count, and the next sweep goes on at once
// under the same receipt.
func TestAKilledSweepIsGoneOnWith(t *testing.T) {
	url := dbtest.URL(t)
	r := roomOn(t, dbtest.Open(t, url))
	r.links(95, r.Now())
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+url)
	out, err := cmd.StdoutPipe()
	r.must(err)
	r.must(cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if killed := cmd.Process.Kill(); line != "three batches\n" || err != nil || killed != nil {
		t.Fatal(line, err, killed)
	}
	_ = cmd.Wait() // it was killed
	if n := r.count(`SELECT rows FROM retention_sweeps WHERE finished_at IS NULL`); n != 30 || r.left() != 65 {
		t.Fatalf("the receipt counts %d, %d are left", n, r.left())
	}
	for until := time.Now().Add(10 * time.Second); r.left() > 0 && time.Now().Before(until); { // the server has to notice that the process is gone
		r.sweep()
	}
	if n := r.count(`SELECT sum(rows) FROM retention_sweeps WHERE finished_at IS NOT NULL`); n != 95 || r.left() != 0 || r.count(`SELECT count(*) FROM retention_sweeps`) != 1 {
		t.Errorf("the receipt counts %d, %d are left", n, r.left())
	}
}
