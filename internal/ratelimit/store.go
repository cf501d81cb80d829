package ratelimit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
)

const takeSQL = `SELECT now_ns, taken, refused, levels, lent, lenders FROM rate_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// plannedOnceSQL keeps Postgres from planning the statements of takeSQL anew for arrays of
// another length, which takes longer than executing them.
const plannedOnceSQL = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`

// columns are a batch as the statement takes it.
type columns struct {
	index             map[address]int // in what follows, from 0
	buckets           []bucket
	owners, names     []string
	most, fixes, held []int64
	came, kept, wish  []int64 // what is left of loans, and what is wished for

	alike  []int // which ask of those below each of the batch's is, from 0
	counts []int64
	ask    []int32
	bucket []int32
	units  []int64
}

// columns orders the buckets as they are locked, and counts the asks that are alike: many
// requests with one key cost the database little more than one.
func (s *Service) columns(b batch) *columns {
	all := map[address]bucket{}
	for at, c := range b.fixes {
		all[at] = c.bucket
	}
	maps.Copy(all, b.stale)
	for owner := range b.back {
		for _, of := range s.ahead.of(owner) {
			all[of.address] = of
		}
	}
	used, asks := map[address]int64{}, map[address]float64{}
	for _, item := range b.asks {
		for _, t := range item.takes {
			all[t.address] = t.bucket // a key whose limit has just changed is measured by one of the two
			used[t.address] += t.measure()
			asks[t.address]++
		}
	}
	now := s.now()
	c := &columns{index: make(map[address]int, len(all)), counts: []int64{}, ask: []int32{}, bucket: []int32{}, units: []int64{}}
	for i, at := range slices.SortedFunc(maps.Keys(all), address.compare) {
		of, held := all[at], int64(-1)
		came, kept, wish := s.ahead.call(of, used[at], asks[at], now)
		if !s.lends.Load() || b.back[at.owner] {
			wish = 0
		}
		if of.places() {
			held = s.places.count(at)
		}
		c.index[at] = i
		c.buckets, c.owners, c.names = append(c.buckets, of), append(c.owners, at.owner), append(c.names, at.name)
		c.most, c.fixes, c.held = append(c.most, of.most()), append(c.fixes, b.fixes[at].by), append(c.held, held)
		c.came, c.kept, c.wish = append(c.came, came), append(c.kept, kept), append(c.wish, wish)
	}
	c.group(b.asks)
	return c
}

func (c *columns) group(asks []*waiting) {
	known := map[string]int{}
	var key []byte
	for _, item := range asks {
		key = key[:0]
		for _, t := range item.takes {
			key = binary.AppendVarint(binary.AppendVarint(key, int64(c.index[t.address])), t.units)
		}
		n, ok := known[string(key)]
		if !ok {
			n = len(c.counts)
			known[string(key)] = n
			c.counts = append(c.counts, 0)
			for _, t := range item.takes {
				at := c.index[t.address]
				c.ask, c.bucket, c.units = append(c.ask, int32(n+1)), append(c.bucket, int32(at+1)), append(c.units, measure(c.buckets[at], t.units))
			}
		}
		c.counts[n]++
		c.alike = append(c.alike, n)
	}
}

// take is one batch: one transaction and one round trip. The places that it gives are
// held from then on.
func (s *Service) take(ctx context.Context, b batch) ([]verdict, error) {
	began := s.up.Elapsed()
	c := s.columns(b)
	var now int64
	var taken, levels, lent []int64
	var refused []int32
	var lenders []string
	var both pgx.Batch // without a BEGIN of its own it is one transaction
	both.Queue(plannedOnceSQL)
	both.Queue(takeSQL, s.instance, s.at(), s.Lease.Nanoseconds(), c.owners, c.names, c.most, c.fixes, c.held, c.came, c.kept, c.wish, c.counts, c.ask, c.bucket, c.units).
		QueryRow(func(row pgx.Row) error { return row.Scan(&now, &taken, &refused, &levels, &lent, &lenders) })
	if err := s.DB.Pool().SendBatch(ctx, &both).Close(); err != nil {
		return nil, fmt.Errorf("count requests: %w", err)
	}
	s.ahead.clock.Store(now - int64(began))
	out := make([]verdict, len(b.asks))
	placed := map[int]int64{}
	for n, item := range b.asks {
		v := verdict{now: now, levels: make([]int64, len(item.takes)), refused: -1}
		alike := c.alike[n]
		taken[alike]-- // who came first is served first
		for i, t := range item.takes {
			at := c.index[t.address]
			v.levels[i] = levels[at]
			if taken[alike] < 0 && int(refused[alike]) == at+1 {
				v.refused, v.lender = i, lenders[at]
			}
			if taken[alike] >= 0 && t.places() {
				s.places.hold(t.bucket)
				placed[at]++
			}
		}
		out[n] = v
	}
	for i, of := range c.buckets {
		switch {
		case lenders[i] != "":
			s.recall(of.owner, lenders[i])
		case lent[i] == 0:
		case of.places():
			s.ahead.put(of, levels[i]-c.held[i]-placed[i], c.held[i]+placed[i]+lent[i], now+s.Lease.Nanoseconds())
		default:
			from := max(levels[i], now)
			s.ahead.put(of, from, from+lent[i], 0)
		}
	}
	return out, nil
}

// at is the time for the database, nil where its own counts.
func (s *Service) at() *int64 {
	if s.Exact == nil {
		return nil
	}
	now := s.Exact.Now().UnixNano()
	return &now
}

// now is the time that counts, as far as this instance knows: never earlier than the
// database's.
func (s *Service) now() int64 {
	if at := s.at(); at != nil {
		return *at
	}
	return s.ahead.clock.Load() + int64(s.up.Elapsed())
}

// nowSQL is the time that counts.
const nowSQL = `coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint)`

// read is the levels of an owner's buckets and places, by name, the time, and which other
// instances something of them is lent to.
func (s *Service) read(ctx context.Context, owner string) (levels map[string]int64, now int64, lenders []string, err error) {
	rows, err := s.DB.Pool().Query(ctx, `WITH t AS MATERIALIZED (SELECT `+nowSQL+` AS now)
SELECT '' AS name, now AS level, '' AS lender FROM t
UNION ALL SELECT name, tat, CASE WHEN lent_to <> $3 AND lent_until > now THEN lent_to ELSE '' END FROM rate_buckets, t WHERE owner_id = $2
UNION ALL SELECT 'places ' || name, sum(n)::bigint, '' FROM rate_places, t WHERE owner_id = $2 AND until > now GROUP BY name`, s.at(), owner, s.instance)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("read limits: %w", database.Translate(err))
	}
	levels = map[string]int64{}
	var name, lender string
	var level int64
	_, err = pgx.ForEachRow(rows, []any{&name, &level, &lender}, func() error {
		levels[name] = level
		if lender != "" && !slices.Contains(lenders, lender) {
			lenders = append(lenders, lender)
		}
		return nil
	})
	if err != nil {
		return nil, 0, nil, fmt.Errorf("read limits: %w", database.Translate(err))
	}
	return levels, levels[""], lenders, nil
}

// SweepJob names the job that calls Sweep.
const SweepJob = "ratelimit.sweep"

const (
	// idleFor is how long a bucket stays after it is full.
	idleFor   = 10 * time.Minute
	sweepSome = 1000
)

// Sweep forgets what counts for nothing any more, and says how many rows that were.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	var total int64
	for _, q := range []string{
		`DELETE FROM rate_buckets WHERE ctid = ANY (ARRAY(SELECT ctid FROM rate_buckets WHERE tat < ` + nowSQL + ` - $2 AND lent_until < ` + nowSQL + ` ORDER BY owner_id, name LIMIT $3 FOR UPDATE SKIP LOCKED))`,
		`DELETE FROM rate_places WHERE ctid = ANY (ARRAY(SELECT ctid FROM rate_places WHERE until < ` + nowSQL + ` - $2 ORDER BY owner_id, name, instance_id LIMIT $3 FOR UPDATE SKIP LOCKED))`,
	} {
		for {
			done, err := s.DB.Pool().Exec(ctx, q, s.at(), idleFor.Nanoseconds(), sweepSome)
			if err != nil {
				return total, fmt.Errorf("forget idle limits: %w", database.Translate(err))
			}
			total += done.RowsAffected()
			if done.RowsAffected() < sweepSome {
				break
			}
		}
	}
	return total, nil
}

// renew renews the leases of this instance's places until ctx ends.
func (s *Service) renew(ctx context.Context) {
	t := time.NewTicker(s.Lease / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := s.renewOnce(ctx); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "renew the leases of streams, trying again", "err", database.Translate(err))
			}
		}
	}
}

// renewOnce writes all places that are held here down anew.
func (s *Service) renewOnce(ctx context.Context) error {
	s.writer.turn.Lock()
	defer s.writer.turn.Unlock()
	lent := s.ahead.tidy(s.now())
	held := s.places.all()
	for _, at := range lent {
		held[at] += 0 // what was lent of it besides is given back
	}
	if len(held) == 0 {
		return nil
	}
	var owners, names []string
	var n []int32
	for _, at := range slices.SortedFunc(maps.Keys(held), address.compare) {
		owners, names, n = append(owners, at.owner), append(names, at.name), append(n, int32(held[at]))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	_, err := s.DB.Pool().Exec(ctx, `INSERT INTO rate_places AS p (owner_id, name, instance_id, n, until)
SELECT u.owner_id, u.name, $2, u.n, `+nowSQL+` + $3 FROM unnest($4::text[], $5::text[], $6::int[]) WITH ORDINALITY AS u (owner_id, name, n, i)
WHERE u.n > 0 OR EXISTS (SELECT FROM rate_places x WHERE x.owner_id = u.owner_id AND x.name = u.name AND x.instance_id = $2) ORDER BY u.i
ON CONFLICT (owner_id, name, instance_id) DO UPDATE SET n = excluded.n, until = excluded.until`, s.at(), s.instance, s.Lease.Nanoseconds(), owners, names, n)
	if err != nil {
		return fmt.Errorf("renew the leases of streams: %w", err)
	}
	return nil
}

// leave gives back all places of this instance but those that others go on with, after what the writer kept because the
// database was away.
func (s *Service) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	began := clock.StartStopwatch()
	var err error
	back := map[string]bool{}
	for _, owner := range s.ahead.owners() {
		back[owner] = true
		s.ahead.share(owner, s.now())
	}
	if b := s.writer.next; len(b.fixes)+len(back) > 0 {
		_, err = s.take(ctx, batch{fixes: b.fixes, back: back})
	}
	if err == nil {
		owners, names, n := s.places.bequest()
		_, err = s.DB.Pool().Exec(ctx, `WITH left_to AS (SELECT u.owner_id, u.name, u.n FROM unnest($4::text[], $5::text[], $6::int[]) AS u (owner_id, name, n)),
	stays AS (UPDATE rate_places p SET n = l.n, until = `+nowSQL+` + $3 FROM left_to l WHERE p.instance_id = $2 AND p.owner_id = l.owner_id AND p.name = l.name)
DELETE FROM rate_places p WHERE p.instance_id = $2 AND NOT EXISTS (SELECT FROM left_to l WHERE l.owner_id = p.owner_id AND l.name = p.name)`,
			s.at(), s.instance, s.Lease.Nanoseconds(), owners, names, n)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Warn("give back the places of streams; their leases end by themselves", "after", began.Elapsed(), "err", database.Translate(err))
	}
}
