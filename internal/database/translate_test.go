package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

func TestWhatTheServerSaysBecomesWhatAPersonCanDo(t *testing.T) {
	pg := func(code string) error { return fmt.Errorf("save: %w", &pgconn.PgError{Code: code, Message: "secret"}) }
	for _, c := range []struct {
		err  error
		want fault.Code // empty: as it came
	}{
		{pg("53100"), fault.StorageFull},
		{&net.OpError{Err: syscall.ENOSPC}, fault.StorageFull},
		{pg("57P01"), fault.StorageUnavailable}, {pg("57P02"), fault.StorageUnavailable}, {pg("57P03"), fault.StorageUnavailable},
		{pg("08006"), fault.StorageUnavailable}, {pg("53300"), fault.StorageUnavailable}, {pg("25006"), fault.StorageUnavailable},
		{pg("57014"), fault.StorageUnavailable}, {pg("55P03"), fault.StorageUnavailable}, {pg("58030"), fault.StorageUnavailable},
		{pg("40001"), fault.StorageUnavailable}, {pg("40P01"), fault.StorageUnavailable}, {pg("25P03"), fault.StorageUnavailable},
		{driver.ErrBadConn, fault.StorageUnavailable}, {sql.ErrConnDone, fault.StorageUnavailable},
		{&net.OpError{Err: syscall.ECONNREFUSED}, fault.StorageUnavailable}, {io.ErrUnexpectedEOF, fault.StorageUnavailable},
		{pg("22021"), fault.Invalid}, {pg("22P05"), fault.Invalid},
		{pg("23505"), ""}, {pg("42P01"), ""}, {gorm.ErrRecordNotFound, ""}, {errors.New("other"), ""},
		{context.Canceled, ""}, {context.DeadlineExceeded, ""}, {nil, ""},
		{fault.New(fault.NotFound, "x"), fault.NotFound},
	} {
		got := database.Translate(c.err)
		list, ok := fault.Of(got)
		switch {
		case c.want == "" && (ok || !errors.Is(got, c.err)):
			t.Errorf("%v became %v", c.err, got)
		case c.want != "" && (!ok || list[0].Code != c.want):
			t.Errorf("%v became %v, want %s", c.err, got, c.want)
		case !errors.Is(got, c.err):
			t.Errorf("%v lost its cause", c.err)
		case ok && list[0].Message == "secret":
			t.Errorf("%v tells a person what it should not", c.err)
		}
		if again := database.Translate(got); again != got { //nolint:errorlint // the very same is meant
			t.Errorf("%v is translated twice", c.err)
		}
	}
}
