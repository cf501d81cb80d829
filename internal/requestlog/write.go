package requestlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// writeTimeout bounds one transaction.
const writeTimeout = 20 * time.Second

// errAgain says that some rows of a batch are there already and some are not.
var errAgain = errors.New("a part of these request logs is there already")

// row is an entry with its numbers.
type row struct {
	*Entry
	numbers
}

// write stores rows and adds them to the sums, each once however often it is tried. A
// batch that the database refuses for what is in it is halved, so that one bad row costs
// no other; that one is told of and left out. An error means that trying again may help.
func (s *Service) write(ctx context.Context, entries []Entry) error {
	fresh := entries[:0:0]
	cutoff := s.cutoff()
	for i := range entries {
		if entries[i].At.After(cutoff) {
			fresh = append(fresh, entries[i])
		}
	}
	entries = fresh
	if len(entries) == 0 {
		return nil
	}
	found, err := s.numbersOf(ctx, entries)
	if err != nil {
		return err
	}
	rows := make([]row, len(entries))
	for i := range entries {
		rows[i] = row{&entries[i], found[who{entries[i].OwnerID, entries[i].KeyID}]}
	}
	return s.writeRows(ctx, rows)
}

func (s *Service) writeRows(ctx context.Context, rows []row) error {
	err := s.writeTogether(ctx, rows)
	if err != nil && missesPartition(err) {
		if err := s.makePartitionsOf(ctx, rows); err != nil {
			return err
		}
		err = s.writeTogether(ctx, rows)
	}
	switch {
	case err == nil || ctx.Err() != nil || !errors.Is(err, errAgain) && !badRow(err):
		return err
	case len(rows) == 1 && errors.Is(err, errAgain):
		return nil
	case len(rows) == 1:
		s.Log.ErrorContext(ctx, "a request log can't be stored and is left out", "request", rows[0].ID, "route", rows[0].Route, "err", err)
		return nil
	}
	if err := s.writeRows(ctx, rows[:len(rows)/2]); err != nil {
		return err
	}
	return s.writeRows(ctx, rows[len(rows)/2:])
}

// missesPartition reports whether there is no partition for a row.
func missesPartition(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23514" && pg.ConstraintName == ""
}

// badRow reports whether the database refuses what is in a row: data exceptions and
// constraints. A foreign key is none: it says that an account goes just now.
func badRow(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code != "23503" && (pg.Code[:2] == "22" || pg.Code[:2] == "23")
}

// writeTogether is one transaction: the rows, and what they add to the sums.
func (s *Service) writeTogether(ctx context.Context, rows []row) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var groups []group
	err := pgx.BeginFunc(ctx, s.DB.Pool(), func(tx pgx.Tx) error {
		written, err := insertTx(ctx, tx, rows)
		switch {
		case err != nil:
			return err
		case written == 0: // a former try was committed although its answer was lost
			return nil
		case written != int64(len(rows)):
			return errAgain
		}
		if groups, err = s.addHoursTx(ctx, tx, rows); err != nil {
			return err
		}
		if err := addThirdsTx(ctx, tx, rows); err != nil {
			return err
		}
		return addDaysTx(ctx, tx, rows)
	})
	if err != nil {
		s.known.forget()
		return fmt.Errorf("write request logs: %w", database.Translate(err))
	}
	s.known.put(groups)
	return nil
}

// insertTx writes the rows that are not there yet and says how many.
func insertTx(ctx context.Context, tx pgx.Tx, rows []row) (int64, error) {
	n := len(rows)
	subject, keyRef := make([]int64, n), make([]int64, n)
	prompt, cached, output, reasoning, credits := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	at, first, took, status, streamed := make([]time.Time, n), make([]*int32, n), make([]int32, n), make([]int16, n), make([]bool, n)
	ids, route, model, code := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, r := range rows {
		subject[i], at[i], keyRef[i] = r.subject, r.At, r.keyRef
		prompt[i], cached[i], output[i], reasoning[i], credits[i] = r.PromptTokens, r.CachedTokens, r.OutputTokens, r.ReasoningTokens, r.Credits
		if ms := r.firstToken(); ms != nil {
			short := int32(*ms) //nolint:gosec // bounded by millis
			first[i] = &short
		}
		took[i], status[i], streamed[i] = int32(millis(r.Took)), int16(r.Status), r.Streamed //nolint:gosec // bounded by millis and Record
		ids[i], route[i], model[i], code[i] = r.ID, r.Route, r.ModelID, r.Code
	}
	tag, err := tx.Exec(ctx, `INSERT INTO api_request_logs (subject, created_at, key_ref, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, credits,
			first_token_ms, latency_ms, status, streamed, id, route, model_id, code)
		SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
			$9::integer[], $10::integer[], $11::smallint[], $12::boolean[], $13::text[], $14::text[], $15::text[], $16::text[])
		ON CONFLICT DO NOTHING`, subject, at, keyRef, prompt, cached, output, reasoning, credits, first, took, status, streamed, ids, route, model, code)
	if err != nil {
		return 0, fmt.Errorf("insert: %w", err)
	}
	return tag.RowsAffected(), nil
}
