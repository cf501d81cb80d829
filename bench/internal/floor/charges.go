package floor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Charges is the least that a durable charge can be: credits off an account and a row
// that says so, all that wait in one statement and one commit. It keeps no second side, no
// holds, no idempotency.
type Charges struct {
	pool  *pgxpool.Pool
	queue chan charge
	done  chan struct{}
}

type charge struct {
	account int64
	answer  chan error
}

// OpenCharges makes the floor's tables afresh and starts its writer; Close ends it.
func OpenCharges(ctx context.Context, pool *pgxpool.Pool, accounts int) (*Charges, error) {
	_, err := pool.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS floor; DROP TABLE IF EXISTS floor.log, floor.accounts;
CREATE TABLE floor.accounts (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 50);
CREATE TABLE floor.log (id bigserial PRIMARY KEY, account bigint NOT NULL, credits bigint NOT NULL, model text NOT NULL, prompt int NOT NULL, output int NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON floor.log (account, id);
INSERT INTO floor.accounts SELECT n, 1000000000000 FROM generate_series(0, `+fmt.Sprint(accounts-1)+`) n; ANALYZE floor.accounts`)
	if err != nil {
		return nil, fmt.Errorf("make the floor's accounts: %w", err)
	}
	c := &Charges{pool: pool, queue: make(chan charge, 4096), done: make(chan struct{})}
	go c.write(context.WithoutCancel(ctx))
	return c, nil
}

// Charge returns when a charge of the account is durable.
func (c *Charges) Charge(account int) error {
	w := charge{int64(account), make(chan error, 1)}
	c.queue <- w
	return <-w.answer
}

// Close ends the writer and takes the tables away. No Charge may be under way.
func (c *Charges) Close(ctx context.Context) error {
	close(c.queue)
	<-c.done
	if _, err := c.pool.Exec(ctx, `DROP SCHEMA floor CASCADE`); err != nil {
		return fmt.Errorf("drop the floor's accounts: %w", err)
	}
	return nil
}

func (c *Charges) write(ctx context.Context) {
	defer close(c.done)
	for first := range c.queue {
		batch := []charge{first}
		for len(c.queue) > 0 && len(batch) < 1000 {
			batch = append(batch, <-c.queue)
		}
		err := c.commit(ctx, batch)
		for _, w := range batch {
			w.answer <- err
		}
	}
}

func (c *Charges) commit(ctx context.Context, batch []charge) error {
	accounts, credits := make([]int64, len(batch)), make([]int64, len(batch))
	for i, w := range batch {
		accounts[i], credits[i] = w.account, 7
	}
	_, err := c.pool.Exec(ctx, `WITH c AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS c (id, credits)),
u AS (UPDATE floor.accounts a SET balance = a.balance - s.t FROM (SELECT id, sum(credits) t FROM c GROUP BY id) s WHERE a.id = s.id RETURNING a.id)
INSERT INTO floor.log (account, credits, model, prompt, output) SELECT id, credits, 'kimi-k2', 20, 20 FROM c`, accounts, credits)
	if err != nil {
		return fmt.Errorf("commit charges: %w", err)
	}
	return nil
}
