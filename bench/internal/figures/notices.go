package figures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// toldAccounts are written to of a new version of the policy.
const toldAccounts = 100_000

// toldSince marks the accounts that were made for it.
var toldSince = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// notices measures how fast everybody is written to by two instances at once, without the
// throttle, and that nobody is left out or written to twice.
func (r *Run) notices(ctx context.Context) ([]report.Figure, error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		return nil, fmt.Errorf("make a keeper: %w", err)
	}
	people := pick(r, toldAccounts, toldAccounts/50)
	var rates []float64
	for n := range r.rounds() {
		rate, err := r.tell(ctx, d.URL, d.Super, keeper, people)
		if err != nil {
			return nil, err
		}
		rates = append(rates, rate)
		r.Tell("  round %d: %d accounts at %.0f/s", n+1, people, rate)
	}
	return []report.Figure{report.New("notice rate", fmt.Sprintf("accounts written to of a new version of the policy, of %d by two instances, each exactly once", people), "1/s", rates, nil, report.Goal{})}, nil
}

// tell makes accounts, writes to them, and takes them away again.
func (r *Run) tell(ctx context.Context, url string, super *pgxpool.Pool, keeper *seal.Keeper, people int) (rate float64, err error) {
	if err := seedAccounts(ctx, super, keeper, people); err != nil {
		return 0, err
	}
	defer func() {
		_, gone := super.Exec(context.WithoutCancel(ctx), `DELETE FROM owners WHERE created_at = $1`, toldSince)
		_, over := super.Exec(context.WithoutCancel(ctx), `DELETE FROM notices`)
		err = errors.Join(err, gone, over)
	}()
	watch := clock.StartStopwatch()
	var both errgroup.Group
	for range 2 {
		both.Go(func() error { return tellAll(ctx, url, keeper) })
	}
	if err := both.Wait(); err != nil {
		return 0, err
	}
	took := watch.Elapsed()
	var mails, owners int
	if err := super.QueryRow(ctx, `SELECT count(*), count(DISTINCT owner_id) FROM mails WHERE kind = 'POLICY'`).Scan(&mails, &owners); err != nil {
		return 0, fmt.Errorf("count mails: %w", err)
	}
	if mails != people || owners != people {
		return 0, fmt.Errorf("%d mails to %d of %d accounts", mails, owners, people)
	}
	return float64(people) / took.Seconds(), nil
}

// aVersion is a policy whose newest version people must be told of.
type aVersion struct{ notice.Policy }

// Announced is that version.
func (aVersion) Announced() (string, time.Time, bool) {
	return "2099-01-01.1", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), true
}

// tellAll is an instance of the product's notices, until nothing is left to write.
func tellAll(ctx context.Context, url string, keeper *seal.Keeper) (err error) {
	db, err := database.Open(ctx, database.Config{URL: url, MaxConns: 4, AppName: "bench"})
	if err != nil {
		return fmt.Errorf("connect for notices: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	acts := audittest.New(db)
	accounts := account.New(account.Config{DB: db, Audit: acts, Keeper: keeper, Clock: clock.System{}})
	mails, err := notify.New(notify.Config{DB: db, Audit: acts, Keys: accounts, Clock: clock.System{}, Brand: notify.Brand{Name: "Kimi K2", Home: "https://kimi.example"}})
	if err != nil {
		return fmt.Errorf("make the outbox: %w", err)
	}
	_, err = notice.New(notice.Config{DB: db, Audit: acts, Accounts: accounts, Policy: aVersion{}, Outbox: mails, Clock: clock.System{}}).Run(ctx)
	return err
}

// seedAccounts makes accounts with names and addresses, each sealed under a key of its own.
func seedAccounts(ctx context.Context, pool *pgxpool.Pool, keeper *seal.Keeper, n int) error {
	owners, accounts := make([][]any, n), make([][]any, n)
	for i := range n {
		owner := id.New(id.Owner)
		key, wrapped, err := keeper.NewKey(owner)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		place := func(column string) seal.Place {
			return seal.Place{Table: "accounts", Column: column, Row: owner, Owner: owner}
		}
		owners[i] = []any{owner, "ACCOUNT", wrapped, toldSince, toldSince}
		accounts[i] = []any{owner, models.RoleAccountUser, key.SealString(place("name_sealed"), "Ann Example"), key.SealString(place("email_sealed"), fmt.Sprintf("a%d@example.org", i)), []byte(owner)[4:], toldSince}
	}
	for _, t := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{{"owners", []string{"id", "kind", "key_wrapped", "created_at", "last_active_at"}, owners},
		{"accounts", []string{"owner_id", "role", "name_sealed", "email_sealed", "email_index", "created_at"}, accounts}} {
		if _, err := pool.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("seed accounts: %w", err)
		}
	}
	return nil
}
