package credit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// askSQL are the acts that are to be settled, by columns from $2 on.
const askSQL = `unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::boolean[], $19::bigint[], $20::bigint[], $21::text[], $22::integer[], $23::integer[])
    AS a(id, transfer, owner, hold, ref, reply, source, key, feature, model, engine, status,
        prompt, cached, output, reasoning, estimated, counted_prompt, counted_output, reported, first_ms, took_ms)`

// settledSQL settles many acts of different holds: $1 is the time, the others are their
// columns. Their balances are locked. The row of usage comes first and decides: whoever finds it
// there changes nothing, and all that follows is made of what it returns. The settled hold
// is the charge; the database moves the balance, and pays what is owed with what is released. A
// voided hold gets its row and charges nothing. What it returns was settled now; ChargeOf is the same rule. The
// lookups beside LATERAL stay lookups however stale the server's idea of the tables' sizes is,
// and so does that of the holds by an array: a join of theirs could read the whole table, and
// their status all that were pending of late. A pending one has nothing posted.
const settledSQL = `WITH used AS (
    INSERT INTO usage_rows (owner_id, id, ref, hold_id, transfer_id, reply_id, source, key_id, feature, model_id, engine_name, status,
        prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, estimated, counted_prompt, counted_output, quarantined, reported,
        price_input, price_cached, price_output, credits, first_token_ms, latency_ms, created_at)
    SELECT owner, a.id, ref, hold, CASE WHEN h.credits > 0 THEN a.transfer ELSE '' END, reply, source, key, feature, model, engine, status,
        prompt, cached, output, reasoning, estimated, counted_prompt, counted_output, reported IS NOT NULL, reported::jsonb,
        h.price_input, h.price_cached, h.price_output, h.credits, first_ms, took_ms, $1::timestamptz
    FROM ` + askSQL + ` CROSS JOIN LATERAL (
        SELECT h.price_input, h.price_cached, h.price_output,
            CASE WHEN h.status <> 'PENDING' OR a.output = 0 THEN 0 ELSE least(h.amount, div((a.prompt - a.cached)::numeric * h.price_input
                + a.cached::numeric * h.price_cached + a.output::numeric * h.price_output + 999999, 1000000))::bigint END AS credits
        FROM wallets w JOIN ledger_holds h ON h.account_id = w.account_id
        WHERE w.owner_id = a.owner AND h.id = a.hold AND h.status <> 'SETTLED'
        UNION ALL SELECT 0, 0, 0, 0 WHERE a.hold = ''
        OFFSET 0) h
    ON CONFLICT ON CONSTRAINT usage_rows_ref DO NOTHING RETURNING id, owner_id, key_id, hold_id, transfer_id, credits
), settled AS (
    UPDATE ledger_holds h SET status = 'SETTLED', posted = (ARRAY(SELECT credits FROM used ORDER BY hold_id))[width_bucket(h.id, ARRAY(SELECT hold_id FROM used ORDER BY hold_id))],
        transfer_id = (ARRAY(SELECT transfer_id FROM used ORDER BY hold_id))[width_bucket(h.id, ARRAY(SELECT hold_id FROM used ORDER BY hold_id))], resolved_at = $1::timestamptz
    WHERE h.id = ANY(ARRAY(SELECT hold_id FROM used)) AND h.posted IS NULL
)`

// spentSQL counts what API keys with a limit of their own have spent. It costs a batch of
// which none has a key 5 % of its time, and a single settlement 7 %, to find that out.
const spentSQL = `, spent AS (
    INSERT INTO key_budgets AS k (owner_id, key_id, spent)
    SELECT n.owner_id, n.key_id, n.credits FROM (SELECT owner_id, key_id, sum(credits)::bigint AS credits FROM used WHERE key_id <> '' AND credits > 0 GROUP BY 1, 2) n
    WHERE (SELECT true FROM key_budgets b WHERE b.owner_id = n.owner_id AND b.key_id = n.key_id)
    ON CONFLICT (owner_id, key_id) DO UPDATE SET spent = k.spent + excluded.spent
)`

const chargesSQL = ` SELECT id, credits, transfer_id FROM used`

// settleSQL is the statement that settles the acts.
func settleSQL(acts []act) string {
	if slices.ContainsFunc(acts, func(a act) bool { return a.Key != "" }) {
		return settledSQL + spentSQL + chargesSQL
	}
	return settledSQL + chargesSQL
}

// beforeSQL finds what came of acts that were settled earlier: their ids, owners and refs.
const beforeSQL = `SELECT a.id, u.credits, u.transfer_id FROM unnest($1::text[], $2::text[], $3::text[]) AS a(id, owner, ref)
JOIN usage_rows u ON u.owner_id = a.owner AND u.ref = a.ref`

// act is a settlement as settledSQL reads it.
type act struct {
	ID, Transfer, Owner, Hold, Ref, Reply, Source, Key, Feature, Model, Engine, Status string
	Prompt, Cached, Output, Reasoning                                                  int64
	Estimated                                                                          bool
	Counted, CountedTo                                                                 int64
	Reported                                                                           *string // JSON, if the engine's numbers are absurd
	FirstMs, TookMs                                                                    int32
}

// columnsOf are the acts as settledSQL's arguments behind the time.
func columnsOf(acts []act) []any {
	return []any{
		texts(acts, func(a act) string { return a.ID }), texts(acts, func(a act) string { return a.Transfer }), texts(acts, func(a act) string { return a.Owner }),
		texts(acts, func(a act) string { return a.Hold }), texts(acts, func(a act) string { return a.Ref }), texts(acts, func(a act) string { return a.Reply }),
		texts(acts, func(a act) string { return a.Source }), texts(acts, func(a act) string { return a.Key }), texts(acts, func(a act) string { return a.Feature }),
		texts(acts, func(a act) string { return a.Model }), texts(acts, func(a act) string { return a.Engine }), texts(acts, func(a act) string { return a.Status }),
		column(acts, func(a act) int64 { return a.Prompt }), column(acts, func(a act) int64 { return a.Cached }), column(acts, func(a act) int64 { return a.Output }),
		column(acts, func(a act) int64 { return a.Reasoning }), column(acts, func(a act) bool { return a.Estimated }), column(acts, func(a act) int64 { return a.Counted }),
		column(acts, func(a act) int64 { return a.CountedTo }), column(acts, func(a act) *string { return a.Reported }),
		column(acts, func(a act) int32 { return a.FirstMs }), column(acts, func(a act) int32 { return a.TookMs }),
	}
}

// namesOf are the acts as beforeSQL's arguments.
func namesOf(acts []act) []any {
	return []any{texts(acts, func(a act) string { return a.ID }), texts(acts, func(a act) string { return a.Owner }), texts(acts, func(a act) string { return a.Ref })}
}

func column[T any](acts []act, of func(act) T) []T {
	out := make([]T, len(acts))
	for i := range acts {
		out[i] = of(acts[i])
	}
	return out
}

// texts is a column of text that the database takes, whatever an engine called itself.
func texts(acts []act, of func(act) string) []string {
	return column(acts, func(a act) string { return strings.ToValidUTF8(of(a), "\ufffd") })
}

// newAct clamps what a settlement says to what a usage row takes: a settlement never
// fails for an engine's numbers.
func newAct(s models.Settlement) (act, error) {
	u := plausible(s.Usage)
	a := act{ID: id.New(id.Usage), Owner: s.OwnerID, Hold: s.HoldID, Ref: s.Ref, Reply: s.ReplyID,
		Source: string(s.Source), Key: s.KeyID, Feature: string(s.Feature), Model: s.ModelID, Engine: strings.ReplaceAll(s.EngineName, "\x00", ""), Status: string(s.Status),
		Prompt: u.PromptTokens, Cached: u.CachedTokens, Output: u.OutputTokens, Reasoning: u.ReasoningTokens, Estimated: u.Estimated,
		Counted: max(s.CountedPrompt, 0), CountedTo: max(s.CountedOutput, 0), FirstMs: millis(s.FirstToken), TookMs: millis(s.Took)}
	a.Transfer = id.Twin(id.Transfer, a.ID)
	if s.Absurd == nil {
		return a, nil
	}
	doc, err := json.Marshal(s.Absurd)
	if err != nil {
		return act{}, fmt.Errorf("write down absurd usage: %w", err)
	}
	reported := string(doc)
	a.Reported = &reported
	return a, nil
}

func millis(d time.Duration) int32 { return int32(min(max(d.Milliseconds(), 0), 1<<31-1)) }

// Settle ends a billable act: it charges the hold for what was used, releases the rest
// and writes the usage row, durably, together with what others settle at the same time.
// Settling an act again changes nothing and says what came of it. When ctx ends first the
// outcome is unknown; settling again tells. A hold that is resolved for another act, or
// not the owner's, is refused with ErrHoldResolved.
func (s *Service) Settle(ctx context.Context, st models.Settlement) (models.Charge, error) {
	a, err := newAct(st)
	if err != nil {
		return models.Charge{}, err
	}
	c, err := s.writer.do(ctx, a)
	if err != nil {
		return models.Charge{}, database.Translate(fmt.Errorf("settle: %w", err))
	}
	if !c.Again && st.HoldID != "" {
		s.Tell(st.OwnerID)
	}
	return c, nil
}

// SettleTx is Settle within a transaction, such as the one that stores the reply. Callers
// Tell the owner after their commit.
func (s *Service) SettleTx(tx *gorm.DB, st models.Settlement) (models.Charge, error) {
	a, err := newAct(st)
	if err != nil {
		return models.Charge{}, err
	}
	if a.Hold != "" {
		if err := run(tx, lockHoldsSQL, []string{a.Hold}); err != nil {
			return models.Charge{}, fmt.Errorf("settle: lock the wallet: %w", err)
		}
	}
	c, found, err := one(tx, settleSQL([]act{a}), append([]any{s.Clock.Now()}, columnsOf([]act{a})...)...)
	if err != nil {
		return models.Charge{}, fmt.Errorf("settle: %w", err)
	}
	if !found {
		return before(tx, a)
	}
	return c, nil
}

// before is what came of an act that was settled earlier.
func before(tx *gorm.DB, a act) (models.Charge, error) {
	c, found, err := one(tx, beforeSQL, namesOf([]act{a})...)
	if err != nil {
		return c, fmt.Errorf("find an earlier settlement: %w", err)
	}
	if !found {
		return c, fmt.Errorf("settle: %w", ErrHoldResolved)
	}
	c.Again = true
	return c, nil
}

// run executes a statement with numbered parameters, which GORM's own methods don't take.
func run(tx *gorm.DB, query string, args ...any) error {
	_, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, query, args...)
	return database.Translate(err)
}

// one reads the only charge of a statement, if there is one.
func one(tx *gorm.DB, query string, args ...any) (c models.Charge, found bool, err error) {
	var ignored string
	row := tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
	if err = row.Scan(&ignored, &c.Credits, &c.TransferID); err == nil {
		return c, true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	return c, false, database.Translate(err)
}
