// Command bench measures Kimi K2: its streams, subscriptions, lists, memory and
// start, each against a floor (a server that does the least that can be done)
// measured in the same run under the same load.
//
//	bench run [-quick] [-strict] [-keep] [-only NAME,…]   the table, and bench/results.json
//	bench list                                    the names that -only takes
//
// It builds nothing: bin/kimi-k2 must be there. All load stays on 127.0.0.1/8 and
// ends by itself. The commands serve and load are its own helpers.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/figures"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

const usage = "usage: bench run [-quick] [-strict] [-keep] [-only NAME,…] | bench list"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "run":
		return run(ctx, args[1:])
	case "list":
		for _, g := range figures.All {
			fmt.Printf("%-14s %s\n", g.Name, g.What)
		}
		return nil
	case "serve":
		return serve(ctx, args[1:])
	case "load":
		return runLoad(os.Stdin, os.Stdout)
	}
	return errors.New(usage)
}

// runLoad makes one load, as the test bed asks for it.
func runLoad(in io.Reader, out io.Writer) error {
	var s load.Spec
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	r, err := load.Run(s)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	quick := fs.Bool("quick", false, "one round and smaller sizes: shows that everything works, proves nothing")
	strict := fs.Bool("strict", false, "exit with 1 when a goal is missed")
	only := fs.String("only", "", "groups to measure, by name or its beginning, separated by commas")
	keep := fs.Bool("keep", false, "leave the folder with logs and data")
	root := fs.String("root", ".", "folder of the project")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c := figures.Config{Root: *root, Quick: *quick, Keep: *keep, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Tell: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	if *only != "" {
		c.Only = strings.Split(*only, ",")
	}
	r := report.Report{Command: strings.Join(append([]string{"bench run"}, args...), " "), Quick: *quick,
		Machine: machine(), Began: time.Now().UTC().Truncate(time.Second), Before: procstat.Load()}
	measured, err := figures.Measure(ctx, c)
	if err != nil {
		return err
	}
	r.Figures, r.After, r.Seconds = measured, procstat.Load(), time.Since(r.Began).Seconds()
	if err := r.Save(filepath.Join(*root, "bench", "results.json")); err != nil {
		return err
	}
	if err := r.Table(os.Stdout); err != nil {
		return err
	}
	if missed := r.Missed(); *strict && missed > 0 {
		return fmt.Errorf("%d goals were missed", missed)
	}
	return nil
}

// machine is what the figures were measured on.
func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores, %s, %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
