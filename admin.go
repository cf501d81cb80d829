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
	"github.com/kimi-k2/kimi-k2/internal/seal"
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
		return withDatabase(ctx, cfg, "kimi-k2 admin", func(db *database.DB, accounts *account.Service) error {
			way, err := newEgress(cfg, logger(cfg))
			if err != nil {
				return err
			}
			sellers, err := openProviders(cfg, way)
			if err != nil {
				return err
			}
			accounts.LeaveWith(billing.New(billing.Config{DB: db, Keys: accounts, Log: logger(cfg), Providers: sellers}))
			receipt, err := accounts.Remove(ctx, args[1])
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
	secret, err := cfg.Secret()
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, "kimi-k2 admin", func(db *database.DB, _ *account.Service) error {
		log := audit.New(audit.Config{DB: db, Clock: clock.System{}, Log: logger(cfg), Secret: secret})
		_, link, ok := strings.Cut(address, "/s/")
		if !ok {
			link = address
		}
		if err := share.New(share.Config{DB: db, Audit: log, Clock: clock.System{}, Secret: secret}).TakeDown(ctx, link); err != nil {
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

// withAccounts opens the accounts of the installation for one deed.
func withAccounts(ctx context.Context, cfg config.Config, deed func(*account.Service) error) (err error) {
	return withDatabase(ctx, cfg, "kimi-k2 admin", func(_ *database.DB, accounts *account.Service) error { return deed(accounts) })
}

// withDatabase opens the installation for one deed. The key is checked first, so that
// nothing is written under a wrong one.
func withDatabase(ctx context.Context, cfg config.Config, name string, deed func(*database.DB, *account.Service) error) (err error) {
	secret, err := cfg.Secret()
	if err != nil {
		return err
	}
	keeper, err := seal.NewKeeper(secret)
	if err != nil {
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
	accounts := account.New(account.Config{DB: db, Audit: audit.New(audit.Config{DB: db, Clock: clock.System{}, Log: logger(cfg), Secret: secret}), Keeper: keeper, Clock: clock.System{}, Log: logger(cfg), GuestLimit: cfg.GuestMessageLimit,
		CookieKey: secret, PublicURL: cfg.PublicURL, Journal: erasureJournal(cfg)})
	if err := accounts.VerifyKey(ctx); err != nil {
		return err
	}
	return deed(db, accounts)
}
