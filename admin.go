package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/share"
)

// runAdmin runs what only whoever has a terminal on this installation may do. It works
// beside a running server, whose database it joins, and without one.
func runAdmin(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "sign-in-link":
		return withAccounts(ctx, cfg, func(accounts *account.Service) error {
			link, err := operatorLink(ctx, accounts, cfg.PublicURL)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "%s\n(good for %d minutes, once; whoever opens it runs this installation)\n", link, int(account.OperatorLinkTTL.Minutes()))
			return err
		})
	case len(args) == 2 && args[0] == "grant":
		return withAccounts(ctx, cfg, func(accounts *account.Service) error {
			if err := accounts.GrantAdmin(ctx, args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(out, "the account is an administrator's from its next sign-in on")
			return err
		})
	case len(args) == 2 && args[0] == "revoke-link":
		return revokeLink(ctx, cfg, args[1], out)
	case len(args) == 2 && args[0] == "remove":
		return withDatabase(ctx, cfg, "kimi-k2 admin", func(in installation) error {
			way, err := newEgress(cfg, logger(cfg))
			if err != nil {
				return err
			}
			sellers, err := openProviders(cfg, way)
			if err != nil {
				return err
			}
			in.accounts.LeaveWith(billing.New(billing.Config{DB: in.db, Keys: in.accounts, Log: logger(cfg), Providers: sellers}))
			receipt, err := in.accounts.Remove(ctx, args[1])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "removed; receipt %s, rows by table: %v\n", receipt.ID, receipt.Rows)
			return err
		})
	}
	return fmt.Errorf("unknown command \"admin %s\"\n\n%s", strings.Join(args, " "), usage)
}

// revokeLink takes back what somebody shared, by its address.
func revokeLink(ctx context.Context, cfg config.Config, address string, out io.Writer) error {
	return withDatabase(ctx, cfg, "kimi-k2 admin", func(in installation) error {
		_, link, ok := strings.Cut(address, "/s/")
		if !ok {
			link = address
		}
		if err := share.New(share.Config{DB: in.db, Audit: in.audit, Clock: clock.System{}, Secret: in.root}).TakeDown(ctx, link); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "the link no longer opens; whoever shared it sees that in its activity")
		return err
	})
}

// operatorLink is a one-time link that signs the operator in.
func operatorLink(ctx context.Context, accounts *account.Service, publicURL string) (string, error) {
	if strings.HasSuffix(publicURL, ":0") {
		return "", errors.New("LISTEN_ADDR takes any free port, which only the server knows: set PUBLIC_URL to its address")
	}
	token, err := accounts.OperatorLink(ctx)
	if err != nil {
		return "", err
	}
	return publicURL + "/auth/operator?token=" + token, nil
}

// installation is what a command works on.
type installation struct {
	db       *database.DB
	accounts *account.Service
	audit    *audit.Service
	root     []byte // from which the keys of signatures and hashes are derived
}

// withAccounts opens the accounts of the installation for one deed.
func withAccounts(ctx context.Context, cfg config.Config, deed func(*account.Service) error) (err error) {
	return withDatabase(ctx, cfg, "kimi-k2 admin", func(in installation) error { return deed(in.accounts) })
}

// withDatabase opens the installation for one deed. The key is checked first, so that
// nothing is written under a wrong one.
func withDatabase(ctx context.Context, cfg config.Config, name string, deed func(installation) error) (err error) {
	if _, err := cfg.Secret(); err != nil { // before the database: it may have to be made
		return err
	}
	var bins []string
	if cfg.PGBin != "" {
		bins = append(bins, cfg.PGBin)
	}
	db, err := database.Open(ctx, database.Config{URL: cfg.DatabaseURL, DataDir: cfg.DataDir, MaxConns: 2, MinConns: 1,
		StatementTimeout: cfg.DBStatementTimeout, BinDirs: bins, AppName: name, JoinRunning: true, Log: logger(cfg)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	if err := db.CheckVersion(ctx); err != nil {
		return err
	}
	keys, err := openKeys(ctx, cfg, db)
	if err != nil {
		return err
	}
	in := installation{db: db, root: keys.Root, audit: audit.New(audit.Config{DB: db, Clock: clock.System{}, Log: logger(cfg), Secret: keys.Root})}
	in.accounts = account.New(account.Config{DB: db, Audit: in.audit, Keeper: keys.Keeper, Clock: clock.System{}, Log: logger(cfg), GuestLimit: cfg.GuestMessageLimit,
		CookieKey: keys.Root, PublicURL: cfg.PublicURL, Journal: erasureJournal(cfg)})
	return deed(in)
}

// openKeys opens the installation's keys. The database must have its tables.
func openKeys(ctx context.Context, cfg config.Config, db *database.DB) (account.Keys, error) {
	first, previous, err := givenKeys(cfg)
	if err != nil {
		return account.Keys{}, err
	}
	return account.OpenKeys(ctx, db, clock.System{}, first, previous...)
}

// checkKeys makes sure that the keys are the database's, whatever version its schema has.
func checkKeys(ctx context.Context, cfg config.Config, db *database.DB) error {
	first, previous, err := givenKeys(cfg)
	if err != nil {
		return err
	}
	return account.CheckKeys(ctx, db, first, previous...)
}

func givenKeys(cfg config.Config) (first []byte, previous [][]byte, err error) {
	if first, err = cfg.Secret(); err != nil {
		return nil, nil, err
	}
	previous, err = cfg.Previous()
	return first, previous, err
}
