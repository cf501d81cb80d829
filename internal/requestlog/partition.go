package requestlog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// Job is the name of Sweep's turns.
const Job = "requestlog.sweep"

const (
	dayLength = 24 * time.Hour
	// ahead is for how many days there are partitions beside today's.
	ahead = 3
	// lockWait is how long a change of partitions waits for a lock before it lets others
	// go first; lockTries how often it does.
	lockWait  = 2 * time.Second
	lockTries = 5
	// dropTimeout bounds the wait for transactions that began before a partition was taken
	// away.
	dropTimeout = 60 * time.Second
	// alarmAfter is how long after its time a partition is missed.
	alarmAfter = 6 * time.Hour
	// partitionLock is the advisory lock of whoever makes partitions.
	partitionLock = 0x6b322d72657175
	// sweepLock is that of whoever sweeps.
	sweepLock = 0x6b322d72657176
)

// parents are the tables whose partitions are made ahead, and how their pages are filled:
// sums are written over and over.
var parents = []struct{ table, options string }{
	{"api_request_logs", ""},
	{hoursTable, " WITH (fillfactor = 60)"},
}

const hoursTable = "api_request_hours"

// partition is a day of a table.
type partition struct {
	table, name string
	day         time.Time
	attached    bool
	pending     bool // a former try to detach it was broken off
}

func partitionName(table string, day time.Time) string { return table + "_" + day.Format("20060102") }

var partitionNames = regexp.MustCompile(`^(api_request_logs|api_request_hours|api_request_thirds)_(\d{8})$`)

// MakePartitions makes those of yesterday, today and the days to come. It may be called by
// many instances at once and again.
//
// The tables have no default partition, beside which none could be detached without
// blocking writers: a row whose partition is missing all the same waits until whoever
// writes it has made one.
func (s *Service) MakePartitions(ctx context.Context) error {
	today := s.Clock.Now().UTC().Truncate(dayLength)
	var days []time.Time
	for n := -1; n <= ahead; n++ {
		days = append(days, today.Add(time.Duration(n)*dayLength))
	}
	return s.makePartitions(ctx, days)
}

// makePartitionsOf makes those of rows.
func (s *Service) makePartitionsOf(ctx context.Context, rows []row) error {
	var days []time.Time
	for _, r := range rows {
		if day := r.At.Truncate(dayLength); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	return s.makePartitions(ctx, days)
}

func (s *Service) makePartitions(ctx context.Context, days []time.Time) error {
	err := s.patiently(ctx, func() error {
		return pgx.BeginFunc(ctx, s.DB.Pool(), func(tx pgx.Tx) error { return makePartitionsTx(ctx, tx, days) })
	})
	if err != nil {
		return fmt.Errorf("make partitions of the request logs: %w", database.Translate(err))
	}
	return nil
}

// makePartitionsTx attaches tables that were made beside: that lets everybody go on
// writing, which making a partition in one step would not.
func makePartitionsTx(ctx context.Context, tx pgx.Tx, days []time.Time) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", lockWait.Milliseconds())); err != nil {
		return fmt.Errorf("wait for a moment only: %w", err)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(partitionLock)); err != nil {
		return fmt.Errorf("lock the partitions: %w", err)
	}
	all, err := partitions(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range parents {
		for _, day := range days {
			name := partitionName(p.table, day)
			i := slices.IndexFunc(all, func(o partition) bool { return o.name == name })
			if i >= 0 && all[i].attached {
				continue
			}
			if i < 0 {
				if err := makeTableTx(ctx, tx, p.table, name, p.options); err != nil {
					return err
				}
			}
			if err := attachTx(ctx, tx, p.table, name, day); err != nil {
				return err
			}
		}
	}
	return nil
}

func makeTableTx(ctx context.Context, tx pgx.Tx, table, name, options string) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)%s", name, table, options)); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	return nil
}

func attachTx(ctx context.Context, tx pgx.Tx, table, name string, day time.Time) error {
	_, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
		table, name, day.Format(time.RFC3339), day.Add(dayLength).Format(time.RFC3339)))
	if err != nil {
		return fmt.Errorf("attach %s: %w", name, err)
	}
	return nil
}

// partitions are those of all tables, oldest first, with those that were detached and not
// dropped.
func partitions(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}) (out []partition, err error) {
	rows, err := q.Query(ctx, `SELECT c.relname::text, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
		LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
		WHERE c.relkind = 'r' AND c.relname LIKE 'api\_request\_%'`)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	var p partition
	_, err = pgx.ForEachRow(rows, []any{&p.name, &p.attached, &p.pending}, func() error {
		parts := partitionNames.FindStringSubmatch(p.name)
		if parts == nil {
			return nil
		}
		day, err := time.Parse("20060102", parts[2])
		if err != nil {
			return nil //nolint:nilerr // it is none of ours
		}
		p.table, p.day = parts[1], day
		out = append(out, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	slices.SortFunc(out, func(a, b partition) int { return a.day.Compare(b.day) })
	return out, nil
}

// patiently does something that needs a lock, again after others had their turn.
func (s *Service) patiently(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		var pg *pgconn.PgError
		if err == nil || try == lockTries || !errors.As(err, &pg) || pg.Code != "55P03" { // lock_not_available
			return err
		}
		t := time.NewTimer(lockWait / 4)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

// Sweep makes the partitions of the days to come and drops those in which all is TTL old
// or older, one after the other, without anybody who writes waiting for it. One instance
// at a time; the others do nothing. When a clock is in doubt, or far more than usual would
// go, nothing is dropped and the error holds a *clock.Doubt or is a *ManyError.
func (s *Service) Sweep(ctx context.Context) (dropped int, err error) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	if err := s.MakePartitions(ctx); err != nil {
		return 0, err
	}
	conn, mine, err := s.lease(ctx)
	if err != nil || !mine {
		return 0, err
	}
	defer s.release(ctx, conn)
	all, err := partitions(ctx, conn)
	if err != nil {
		return 0, database.Translate(err)
	}
	now := s.Clock.Now()
	due := dueAt(all, now)
	if err := s.admit(ctx, daysOf(due)); err != nil {
		s.alarm(ctx, all, now)
		return 0, err
	}
	for i, p := range due {
		if err := s.drop(ctx, conn, p); err != nil {
			s.alarm(ctx, due[i:], now)
			return dropped, fmt.Errorf("drop %s: %w", p.name, database.Translate(err))
		}
		dropped++
		s.Log.InfoContext(ctx, "dropped a day of request logs", "partition", p.name)
	}
	return dropped, nil
}

// dueAt are the partitions in which nothing is younger than TTL.
func dueAt(all []partition, now time.Time) (due []partition) {
	for _, p := range all {
		if !p.day.Add(dayLength + TTL).After(now) {
			due = append(due, p)
		}
	}
	return due
}

// daysOf is of how many days partitions are.
func daysOf(all []partition) int {
	days := map[time.Time]bool{}
	for _, p := range all {
		days[p.day] = true
	}
	return len(days)
}

// alarm tells of partitions that should have gone hours ago.
func (s *Service) alarm(ctx context.Context, all []partition, now time.Time) {
	if late := dueAt(all, now.Add(-alarmAfter)); len(late) > 0 {
		s.Log.ErrorContext(ctx, "request logs that are over are still stored, though nobody is shown them: look why they can't be dropped", "partitions", len(late), "oldest", late[0].name)
	}
}

// lease makes this instance the one that sweeps, for as long as its connection lives.
func (s *Service) lease(ctx context.Context) (conn *pgxpool.Conn, mine bool, err error) {
	if conn, err = s.DB.Pool().Acquire(ctx); err != nil {
		return nil, false, fmt.Errorf("lock the request logs: %w", database.Translate(err))
	}
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(sweepLock)).Scan(&mine)
	if err != nil || !mine {
		conn.Release()
		if err != nil {
			err = fmt.Errorf("lock the request logs: %w", database.Translate(err))
		}
		return nil, false, err
	}
	return conn, true, nil
}

// release gives the lock and the connection's settings back; a connection of which that
// isn't certain is closed, and the lock ends with it.
func (s *Service) release(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockWait)
	defer cancel()
	for _, sql := range []string{fmt.Sprintf("SELECT pg_advisory_unlock(%d)", int64(sweepLock)), "RESET lock_timeout", "RESET statement_timeout"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			_ = conn.Conn().Close(ctx)
			break
		}
	}
	conn.Release()
}

// drop takes a partition away and deletes it. Detaching concurrently takes no lock that a
// writer or a reader waits for, but on the partition itself, which nobody asks for any
// more; a try that was broken off is finished.
func (s *Service) drop(ctx context.Context, conn *pgxpool.Conn, p partition) error {
	for _, sql := range []string{
		fmt.Sprintf("SET lock_timeout = %d", lockWait.Milliseconds()), fmt.Sprintf("SET statement_timeout = %d", dropTimeout.Milliseconds()),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	how := "CONCURRENTLY"
	return s.patiently(ctx, func() error {
		if p.pending {
			how = "FINALIZE"
		}
		if p.attached {
			if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %s %s", p.table, p.name, how), pgx.QueryExecModeSimpleProtocol); err != nil {
				p.pending = s.isPending(ctx, conn, p)
				return err
			}
			p.attached = false
		}
		_, err := conn.Exec(ctx, "DROP TABLE IF EXISTS "+p.name)
		return err
	})
}

// isPending reports whether detaching a partition has begun.
func (s *Service) isPending(ctx context.Context, conn *pgxpool.Conn, p partition) bool {
	all, err := partitions(ctx, conn)
	i := slices.IndexFunc(all, func(o partition) bool { return o.name == p.name })
	return err == nil && i >= 0 && all[i].pending
}
