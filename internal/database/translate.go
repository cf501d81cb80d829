package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Translate turns what a person can act on into faults, keeping the cause for the log:
// a full disk into STORAGE_FULL; a server that is gone, starting, overloaded, read-only,
// too slow or asking to try again into STORAGE_UNAVAILABLE; a text with a character that no
// text of the database can hold into INVALID. Everything else, faults and a
// caller's own cancellation included, is returned as it came.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, done := fault.Of(err); done {
		return err
	}
	switch {
	case full(err):
		return &storage{cause: err, fault: fault.New(fault.StorageFull,
			"The server's storage is full, so nothing was saved. What you wrote is still here: try again once there is space.")}
	case errors.Is(err, context.Canceled):
		return err
	case unwritable(err):
		return &storage{cause: err, fault: fault.New(fault.Invalid, "A text holds a character that can't be stored (NUL): take it out.")}
	case lost(err), conflict(err), overloaded(err):
		return &storage{cause: err, fault: fault.New(fault.StorageUnavailable,
			"The server's storage does not answer right now. Nothing was lost: try again in a moment.")}
	}
	return err
}

// storage is a fault with its cause.
type storage struct {
	cause error
	fault *fault.Fault
}

// Error is for the log: the fault's code and the cause.
func (s *storage) Error() string { return string(s.fault.Code) + ": " + s.cause.Error() }

// Unwrap gives both.
func (s *storage) Unwrap() []error { return []error{s.fault, s.cause} }

// Violates reports whether err is the refusal of the named constraint or unique index.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") && pg.ConstraintName == constraint
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// conflict: serialization_failure or deadlock_detected; the transaction was rolled back.
func conflict(err error) bool {
	c := code(err)
	return c == "40001" || c == "40P01"
}

// unwritable: character_not_in_repertoire or untranslatable_character.
func unwritable(err error) bool {
	c := code(err)
	return c == "22021" || c == "22P05"
}

// full: disk_full, by code or as the kernel says it.
func full(err error) bool {
	return code(err) == "53100" || errors.Is(err, syscall.ENOSPC)
}

// overloaded: the server refuses or gives up: too many connections, out of memory, its
// lock or statement timeout, input/output errors, a standby that only reads.
func overloaded(err error) bool {
	switch code(err) {
	case "53000", "53200", "53300", "53400", "55P03", "57014", "58000", "58030", "25006":
		return true
	}
	return false
}

// lost: there is no connection, or it went away.
func lost(err error) bool {
	if c := code(err); c != "" {
		if c == "55000" { // of a connection only: the database takes none just now
			var connect *pgconn.ConnectError
			return errors.As(err, &connect)
		}
		return strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P") || c == "25P03" || c == "25P04"
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}
