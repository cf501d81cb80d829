// Package seed fills a database with conversations as the product stores them:
// sealed under their owners' keys, in the real schema. It writes with COPY and
// without foreign key checks, so the rows must be right by construction.
package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

var (
	conversationColumns = []string{"owner_id", "id", "title_sealed", "title_source", "leaf_id", "created_at", "updated_at"}
	messageColumns      = []string{"owner_id", "id", "conversation_id", "parent_id", "role", "status", "text_sealed", "created_at"}
)

// batch is how many conversations one COPY carries.
const batch = 2000

// Conversations adds total conversations, shared evenly by the owners there are,
// each with a message and its reply, and brings the planner's statistics up to date.
func Conversations(ctx context.Context, pool *pgxpool.Pool, k *seal.Keeper, c clock.Clock, total int) error {
	owners, err := readOwners(ctx, pool, k)
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		return fmt.Errorf("seed: there is no owner to give conversations to")
	}
	work := make(chan chunk)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		return deal(gctx, work, owners, total)
	})
	for range 2 {
		g.Go(func() error { return copyAll(gctx, pool, c, work) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return analyze(ctx, pool)
}

// analyze brings the planner's statistics and the visibility map up to date.
func analyze(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer conn.Release()
	for _, sql := range []string{`SET statement_timeout = 0`, `VACUUM (ANALYZE) conversations, messages`, `RESET ALL`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("seed: %s: %w", sql, err)
		}
	}
	return nil
}

type owner struct {
	id  string
	key *seal.Key
}

func readOwners(ctx context.Context, pool *pgxpool.Pool, k *seal.Keeper) ([]owner, error) {
	rows, err := pool.Query(ctx, `SELECT id, key_wrapped FROM owners ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read owners: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o owner, err error) {
		var wrapped []byte
		if err = row.Scan(&o.id, &wrapped); err == nil {
			o.key, err = k.Unwrap(o.id, wrapped)
		}
		return o, err
	})
}

// chunk is n conversations of one owner, to be made.
type chunk struct {
	owner owner
	n     int
}

func deal(ctx context.Context, work chan<- chunk, owners []owner, total int) error {
	for i, o := range owners {
		left := total/len(owners) + min(1, max(0, total%len(owners)-i))
		for left > 0 {
			c := chunk{o, min(left, batch)}
			left -= c.n
			select {
			case work <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// copyAll writes chunks over one connection, whose foreign keys are off.
func copyAll(ctx context.Context, pool *pgxpool.Pool, c clock.Clock, work <-chan chunk) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0`); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), `RESET ALL`) }() // a broken connection is thrown away anyway
	w := writer{now: c.Now(), rnd: rand.New(rand.NewPCG(1, uint64(c.Now().UnixNano())))}
	for todo := range work {
		conversations, messages := w.rows(todo)
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"messages"}, messageColumns, pgx.CopyFromRows(messages)); err != nil {
			return fmt.Errorf("copy messages: %w", err)
		}
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"conversations"}, conversationColumns, pgx.CopyFromRows(conversations)); err != nil {
			return fmt.Errorf("copy conversations: %w", err)
		}
	}
	return nil
}

// writer makes rows.
type writer struct {
	now time.Time
	rnd *rand.Rand
}

func (w writer) rows(c chunk) (conversations, messages [][]any) {
	for range c.n {
		con, ask, reply := id.New(id.Conversation), id.New(id.Message), id.New(id.Message)
		at := w.now.Add(-time.Duration(w.rnd.Int64N(int64(365 * 24 * time.Hour)))).Truncate(time.Microsecond)
		title, question := w.words(5), w.words(12)
		o := c.owner
		sealed := func(table, column, row, text string) []byte {
			return o.key.SealString(seal.Place{Table: table, Column: column, Row: row, Owner: o.id}, text)
		}
		conversations = append(conversations, []any{o.id, con, sealed("conversations", "title_sealed", con, title),
			models.TitleFirstWords, reply, at, at})
		messages = append(messages,
			[]any{o.id, ask, con, nil, models.RoleUser, models.MessageComplete, sealed("messages", "text_sealed", ask, question), at},
			[]any{o.id, reply, con, ask, models.RoleAssistant, models.MessageComplete, sealed("messages", "text_sealed", reply, w.words(60)), at})
	}
	return conversations, messages
}

var vocabulary = strings.Fields(`the a loop that ends when it has "nothing" left to do is a good loop; write it so
	that whoever reads the code sees why and when 循环 结束 则 好 café naïve <b> & 42 tokens\n per second`)

// words is a text of n words.
func (w writer) words(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(vocabulary[w.rnd.IntN(len(vocabulary))])
	}
	return b.String()
}
