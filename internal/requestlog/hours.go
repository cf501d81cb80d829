package requestlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/models"
)

// group is what a row of api_request_hours is the sum of.
type group struct {
	subject int64
	hour    int64 // in seconds since 1970
	keyRef  int64
	model   string
	route   string
}

func (g group) compare(o group) int {
	return cmp.Or(cmp.Compare(g.subject, o.subject), cmp.Compare(g.hour, o.hour), cmp.Compare(g.keyRef, o.keyRef), cmp.Compare(g.model, o.model), cmp.Compare(g.route, o.route))
}

// groupColumns are groups as the arrays of a statement.
type groupColumns struct {
	subject, keyRef []int64
	hour            []time.Time
	model, route    []string
}

func columnsOf(groups []group) (c groupColumns) {
	for _, g := range groups {
		c.subject, c.hour, c.keyRef = append(c.subject, g.subject), append(c.hour, time.Unix(g.hour, 0).UTC()), append(c.keyRef, g.keyRef)
		c.model, c.route = append(c.model, g.model), append(c.route, g.route)
	}
	return c
}

// span are the first and the last hour, by which the database leaves out partitions.
func (c groupColumns) span() (from, to time.Time) {
	from, to = c.hour[0], c.hour[0]
	for _, h := range c.hour {
		if h.Before(from) {
			from = h
		}
		if h.After(to) {
			to = h
		}
	}
	return from, to
}

// addHoursTx adds the rows to the sums of their hours. All instances first make the sums
// that are missing and then lock them, both in one order, so that none waits for another
// that waits for it. It returns which sums these are.
func (s *Service) addHoursTx(ctx context.Context, tx pgx.Tx, rows []row) ([]group, error) {
	fresh := map[group]*hour{}
	for _, r := range rows {
		g := group{r.subject, r.At.Truncate(time.Hour).Unix(), r.keyRef, r.ModelID, r.Route}
		h := fresh[g]
		if h == nil {
			h = new(hour)
			fresh[g] = h
		}
		h.count(r.Entry)
	}
	groups := make([]group, 0, len(fresh))
	for g := range fresh {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, group.compare)
	if err := s.makeHoursTx(ctx, tx, groups); err != nil {
		return nil, err
	}
	if err := lockHoursTx(ctx, tx, groups, fresh); err != nil {
		return nil, err
	}
	return groups, storeHoursTx(ctx, tx, groups, fresh)
}

// makeHoursTx makes the sums that are missing, empty.
func (s *Service) makeHoursTx(ctx context.Context, tx pgx.Tx, groups []group) error {
	unknown := s.known.without(groups)
	if len(unknown) == 0 {
		return nil
	}
	c := columnsOf(unknown)
	_, err := tx.Exec(ctx, `INSERT INTO api_request_hours (subject, hour, key_ref, model_id, route)
		SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`,
		c.subject, c.hour, c.keyRef, c.model, c.route)
	if err != nil {
		return fmt.Errorf("make the sums of hours: %w", err)
	}
	return nil
}

// lockHoursTx locks the sums and adds what they hold to fresh.
func lockHoursTx(ctx context.Context, tx pgx.Tx, groups []group, fresh map[group]*hour) error {
	c := columnsOf(groups)
	from, to := c.span()
	rows, err := tx.Query(ctx, `SELECT h.subject, h.hour, h.key_ref, h.model_id, h.route, h.succeeded, h.refused, h.limited, h.failed,
			h.prompt_tokens, h.cached_tokens, h.output_tokens, h.reasoning_tokens, h.credits, h.first_token, h.latency, h.quarters
		FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[]) WITH ORDINALITY g (subject, hour, key_ref, model_id, route, n)
		JOIN api_request_hours h USING (subject, hour, key_ref, model_id, route)
		WHERE h.hour BETWEEN $6 AND $7 ORDER BY g.n FOR UPDATE OF h`, c.subject, c.hour, c.keyRef, c.model, c.route, from, to)
	if err != nil {
		return fmt.Errorf("lock the sums of hours: %w", err)
	}
	var g group
	var at time.Time
	var sum Sum
	var first, took, parts []byte
	into := []any{&g.subject, &at, &g.keyRef, &g.model, &g.route}
	for _, n := range sum.fields() {
		into = append(into, n)
	}
	found := 0
	_, err = pgx.ForEachRow(rows, append(into, &first, &took, &parts), func() error {
		g.hour = at.Unix()
		h, err := readHour(sum, first, took, parts)
		if err != nil {
			return err
		}
		h.merge(fresh[g]) // the few bars of a batch into the many that are stored
		*fresh[g] = h
		found++
		return nil
	})
	if err == nil && found != len(groups) {
		err = fmt.Errorf("%d of %d are there", found, len(groups))
	}
	if err != nil {
		return fmt.Errorf("lock the sums of hours: %w", err)
	}
	return nil
}

// storeHoursTx writes the sums, which are locked.
func storeHoursTx(ctx context.Context, tx pgx.Tx, groups []group, sums map[group]*hour) error {
	c := columnsOf(groups)
	from, to := c.span()
	var numbers [9][]int64
	var first, took, parts [][]byte
	for _, g := range groups {
		h := sums[g]
		for i, n := range h.whole.fields() {
			numbers[i] = append(numbers[i], *n)
		}
		first, took, parts = append(first, h.whole.first.append([]byte{})), append(took, h.whole.took.append([]byte{})), append(parts, h.appendParts([]byte{}))
	}
	args := []any{c.subject, c.hour, c.keyRef, c.model, c.route}
	for _, n := range numbers {
		args = append(args, n)
	}
	_, err := tx.Exec(ctx, `UPDATE api_request_hours h SET succeeded = g.n1, refused = g.n2, limited = g.n3, failed = g.n4, prompt_tokens = g.n5, cached_tokens = g.n6,
			output_tokens = g.n7, reasoning_tokens = g.n8, credits = g.n9, first_token = g.first_token, latency = g.latency, quarters = g.quarters
		FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
			$11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bytea[], $16::bytea[], $17::bytea[])
			g (subject, hour, key_ref, model_id, route, n1, n2, n3, n4, n5, n6, n7, n8, n9, first_token, latency, quarters)
		WHERE h.subject = g.subject AND h.hour = g.hour AND h.key_ref = g.key_ref AND h.model_id = g.model_id AND h.route = g.route AND h.hour BETWEEN $18 AND $19`,
		append(args, first, took, parts, from, to)...)
	if err != nil {
		return fmt.Errorf("store the sums of hours: %w", err)
	}
	return nil
}

// keyDay is what a row of api_request_days is the sum of.
type keyDay struct {
	keyRef int64
	day    int64 // in seconds since 1970
}

// addDaysTx adds the rows to the totals of their keys and days. Accounts that are gone
// have none.
func addDaysTx(ctx context.Context, tx pgx.Tx, rows []row) error {
	sums := map[keyDay]*total{}
	for _, r := range rows {
		k := keyDay{r.keyRef, r.At.Truncate(24 * time.Hour).Unix()}
		if sums[k] == nil {
			sums[k] = new(total)
		}
		sums[k].count(r.Entry)
	}
	var refs []int64
	var days []time.Time
	var numbers [7][]int64
	for k, t := range sums {
		refs, days = append(refs, k.keyRef), append(days, time.Unix(k.day, 0).UTC())
		for i, n := range []int64{t.requests, t.errors(), t.PromptTokens, t.CachedTokens, t.OutputTokens, t.ReasoningTokens, t.Credits} {
			numbers[i] = append(numbers[i], n)
		}
	}
	args := []any{refs, days}
	for _, n := range numbers {
		args = append(args, n)
	}
	_, err := tx.Exec(ctx, `INSERT INTO api_request_days AS d (owner_id, key_id, day, requests, errors, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits)
		SELECT k.owner_id, k.key_id, g.day, g.n1, g.n2, g.n3, g.n4, g.n5, g.n6, g.n7
		FROM unnest($1::bigint[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
			g (key_ref, day, n1, n2, n3, n4, n5, n6, n7) JOIN api_request_keys k USING (key_ref)
		ORDER BY k.owner_id, k.key_id, g.day
		ON CONFLICT (owner_id, key_id, day) DO UPDATE SET requests = d.requests + excluded.requests, errors = d.errors + excluded.errors,
			prompt_tokens = d.prompt_tokens + excluded.prompt_tokens, cached_tokens = d.cached_tokens + excluded.cached_tokens,
			output_tokens = d.output_tokens + excluded.output_tokens, reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
			credits = d.credits + excluded.credits`, args...)
	if err != nil {
		return fmt.Errorf("add to the totals of days: %w", err)
	}
	return nil
}

// total is a sum and how many of its rows are requests.
type total struct {
	Sum
	requests int64
}

func (t *total) count(e *Entry) {
	t.Sum.count(e)
	if e.Route != models.RouteReply {
		t.requests++
	}
}
