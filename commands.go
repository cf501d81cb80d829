package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/kimi-k2/kimi-k2/internal/config"
)

const usage = `Kimi K2: an AI chat assistant service to host yourself.

  kimi-k2 [serve]       start the server
  kimi-k2 migrate       bring the database to this version's schema and exit
  kimi-k2 verify        check what is stored; exits 1 on any fault
  kimi-k2 verify <file> check a deletion receipt, a transparency report or an export; exits 1 when it is none
                        of ours or was changed
  kimi-k2 rekey         wrap everything under SECRET_KEY that is wrapped under SECRET_KEY_PREVIOUS, beside
                        running servers, and say when the former key may be dropped; can be run again
  kimi-k2 admin sign-in-link
                        print a link that signs the operator in, once, within ten minutes
  kimi-k2 admin grant <e-mail>
                        make the account with this address an administrator
  kimi-k2 admin remove <account id or e-mail>
                        delete an account and all that is its own, at once and for good
  kimi-k2 admin revoke-link <address of a shared conversation>
                        take back what somebody shared, at once
  kimi-k2 version       print the version
  kimi-k2 help config   list the settings
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)                                               // a second signal ends the program at once: what it did survives that
	if err := command(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil { //nolint:forbidigo // the one place that reads it, for config.Load
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// command runs one subcommand.
func command(ctx context.Context, args, environ []string, out io.Writer) error {
	name := "serve"
	if len(args) > 0 {
		name = args[0]
	}
	switch name {
	case "version", "--version", "-v":
		_, err := fmt.Fprintln(out, version)
		return err
	case "help", "--help", "-h":
		if len(args) > 1 && args[1] == "config" {
			return config.Help(out)
		}
		_, err := io.WriteString(out, usage)
		return err
	}
	run, ok := map[string]func(context.Context, config.Config) error{"serve": runServe, "migrate": runMigrate,
		"verify": func(ctx context.Context, cfg config.Config) error {
			if len(args) == 2 {
				return verifyFile(ctx, cfg, args[1], out)
			}
			return runVerify(ctx, cfg, out)
		},
		"rekey": func(ctx context.Context, cfg config.Config) error { return runRekey(ctx, cfg, out) },
		"admin": func(ctx context.Context, cfg config.Config) error { return runAdmin(ctx, cfg, args[1:], out) }}[name]
	if !ok || len(args) > 1 && name != "admin" && (name != "verify" || len(args) > 2) {
		return fmt.Errorf("unknown command %q\n\n%s", name, usage)
	}
	cfg, warnings, err := config.Load(environ)
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	if err != nil {
		return fmt.Errorf("the settings are wrong:\n%w\n(kimi-k2 help config lists them all)", err)
	}
	return run(ctx, cfg)
}

func runServe(ctx context.Context, cfg config.Config) error {
	tuneGC()
	s, err := build(ctx, cfg, logger(cfg))
	if err != nil {
		return err
	}
	s.welcome(ctx)
	return s.serve(ctx)
}

// tuneGC collects half as often as Go does by default: most of the garbage is that of
// streams, and their live data are small. GOGC in the environment wins.
func tuneGC() {
	if os.Getenv("GOGC") == "" { //nolint:forbidigo // the Go runtime's setting, not ours
		debug.SetGCPercent(200)
	}
}

func runMigrate(ctx context.Context, cfg config.Config) (err error) {
	db, err := openDatabase(ctx, cfg, logger(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	n, err := db.Migrate(ctx)
	if err == nil {
		fmt.Printf("%d migrations applied\n", n)
	}
	return err
}
