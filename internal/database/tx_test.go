package database_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

func TestMain(m *testing.M) {
	if helper() {
		return
	}
	goleak.VerifyTestMain(m)
}

// purse is a row to fight over.
type purse struct {
	ID      int `gorm:"primaryKey;autoIncrement:false"`
	Balance int
}

// purses is a database with two purses.
func purses(t *testing.T) *database.DB {
	t.Helper()
	db := dbtest.New(t)
	if _, err := db.Pool().Exec(t.Context(), `CREATE TABLE purses (id int CONSTRAINT purses_key PRIMARY KEY,
		balance int CONSTRAINT purses_positive CHECK (balance >= 0)); INSERT INTO purses VALUES (1, 100), (2, 100)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func balance(t *testing.T, db *database.DB, id int) int {
	t.Helper()
	var a purse
	if err := db.Gorm(t.Context()).First(&a, id).Error; err != nil {
		t.Fatal(err)
	}
	return a.Balance
}

// meeting lets each of n goroutines pass its first await only when all have arrived.
func meeting(n int) (await func()) {
	var arrived atomic.Int32
	open := make(chan struct{})
	return func() {
		if arrived.Add(1) == int32(n) {
			close(open)
		}
		<-open
	}
}

// both runs two functions at once and fails on an error of either.
func both(t *testing.T, one, two func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, f := range []func() error{one, two} {
		wg.Go(func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestATransactionIsKeptWholeOrNotAtAll(t *testing.T) {
	db := purses(t)
	refusal := fault.New(fault.Conflict, "no")
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := tx.Model(&purse{}).Where("id = 1").Update("balance", 0).Error; err != nil {
			return err
		}
		return refusal
	})
	if !errors.Is(err, refusal) || balance(t, db, 1) != 100 {
		t.Fatalf("%v, balance %d", err, balance(t, db, 1))
	}
	err = db.Tx(t.Context(), func(tx *gorm.DB) error {
		return errors.Join(tx.Model(&purse{}).Where("id = 1").Update("balance", 60).Error,
			tx.Create(&purse{ID: 3, Balance: 40}).Error)
	})
	if err != nil || balance(t, db, 1) != 60 || balance(t, db, 3) != 40 {
		t.Fatal(err)
	}
}

func TestAPanicRollsBackAndFreesTheConnection(t *testing.T) {
	db := purses(t)
	for range 30 { // more than the pool has connections
		func() {
			defer func() { _ = recover() }()
			_ = db.Tx(t.Context(), func(tx *gorm.DB) error {
				tx.Model(&purse{}).Where("id = 1").Update("balance", 0)
				panic("bug")
			})
		}()
	}
	if balance(t, db, 1) != 100 {
		t.Fatal("half a transaction was kept")
	}
}

func TestSerializationFailuresAreTriedAgain(t *testing.T) {
	db := purses(t)
	var runs atomic.Int32
	await := meeting(2)
	spend := func(id int) func() error {
		return func() error {
			first := true
			return db.Tx(t.Context(), func(tx *gorm.DB) error {
				runs.Add(1)
				if err := tx.Exec("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").Error; err != nil {
					return err
				}
				var sum int
				if err := tx.Raw("SELECT sum(balance) FROM purses").Scan(&sum).Error; err != nil {
					return err
				}
				if first {
					first = false
					await()
				}
				if sum < 200 { // the other was first
					return nil
				}
				return tx.Exec("UPDATE purses SET balance = balance - 100 WHERE id = ?", id).Error
			})
		}
	}
	both(t, spend(1), spend(2))
	if got := balance(t, db, 1) + balance(t, db, 2); got != 100 || runs.Load() < 3 {
		t.Fatalf("%d left after %d runs", got, runs.Load())
	}
}

func TestDeadlocksAreTriedAgain(t *testing.T) {
	db := purses(t)
	var runs atomic.Int32
	await := meeting(2)
	move := func(from, to int) func() error {
		return func() error {
			first := true
			return db.Tx(t.Context(), func(tx *gorm.DB) error {
				runs.Add(1)
				if err := tx.Exec("UPDATE purses SET balance = balance - 10 WHERE id = ?", from).Error; err != nil {
					return err
				}
				if first {
					first = false
					await()
				}
				return tx.Exec("UPDATE purses SET balance = balance + 10 WHERE id = ?", to).Error
			})
		}
	}
	both(t, move(1, 2), move(2, 1))
	if balance(t, db, 1) != 100 || balance(t, db, 2) != 100 || runs.Load() != 3 {
		t.Fatalf("%d and %d after %d runs", balance(t, db, 1), balance(t, db, 2), runs.Load())
	}
}

func TestEndlessConflictsEndAfterFiveTries(t *testing.T) {
	db := purses(t)
	runs := 0
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		runs++
		return tx.Exec("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$").Error
	})
	if runs != 5 || !fault.Is(err, fault.StorageUnavailable) {
		t.Fatalf("%d runs, %v", runs, err)
	}
}

func TestAConnectionLostBeforeTheCommitIsTriedAgain(t *testing.T) {
	db := purses(t)
	runs := 0
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		runs++
		var pid int
		if err := tx.Raw("SELECT pg_backend_pid()").Scan(&pid).Error; err != nil {
			return err
		}
		if runs == 1 {
			if _, err := db.Pool().Exec(t.Context(), "SELECT pg_terminate_backend($1, 5000)", pid); err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE purses SET balance = 1 WHERE id = 1").Error
	})
	if err != nil || runs != 2 || balance(t, db, 1) != 1 {
		t.Fatalf("%v after %d runs", err, runs)
	}
}

func TestACommitWhoseOutcomeIsUnknownIsNotRepeated(t *testing.T) {
	db := purses(t)
	runs := 0
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		runs++
		var pid int
		if err := tx.Raw("SELECT pg_backend_pid()").Scan(&pid).Error; err != nil {
			return err
		}
		_, err := db.Pool().Exec(t.Context(), "SELECT pg_terminate_backend($1, 5000)", pid)
		return err
	})
	if runs != 1 || !fault.Is(err, fault.StorageUnavailable) {
		t.Fatalf("%d runs, %v", runs, err)
	}
}

func TestTransactionsDoNotNest(t *testing.T) {
	db := purses(t)
	nothing := func(*gorm.DB) error { return nil }
	for name, inner := range map[string]func(tx *gorm.DB) error{
		"another Tx":      func(tx *gorm.DB) error { return db.Tx(tx.Statement.Context, nothing) },
		"a session":       func(tx *gorm.DB) error { return db.Gorm(tx.Statement.Context).Exec("SELECT 1").Error },
		"GORM's own":      func(tx *gorm.DB) error { return tx.Transaction(nothing) },
		"GORM's Begin":    func(tx *gorm.DB) error { return tx.Begin().Error },
		"an early commit": func(tx *gorm.DB) error { return tx.Commit().Error },
	} {
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Exec("UPDATE purses SET balance = 0").Error; err != nil {
				return err
			}
			return inner(tx)
		})
		if !errors.Is(err, database.ErrNested) && !errors.Is(err, gorm.ErrInvalidTransaction) {
			t.Errorf("%s: %v", name, err)
		}
		if balance(t, db, 1) != 100 {
			t.Fatalf("%s kept the outer transaction's work", name)
		}
	}
}

func TestACancelledCallerIsNotAFaultOfStorage(t *testing.T) {
	db := purses(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Tx(ctx, func(tx *gorm.DB) error {
		cancel()
		return tx.Exec("SELECT 1").Error
	})
	if !errors.Is(err, context.Canceled) || fault.Is(err, fault.StorageUnavailable) {
		t.Fatal(err)
	}
}

func TestConstraintsAreKnownByName(t *testing.T) {
	db := purses(t)
	twice := db.Gorm(t.Context()).Create(&purse{ID: 1}).Error
	negative := db.Gorm(t.Context()).Create(&purse{ID: 9, Balance: -1}).Error
	if !database.Violates(twice, "purses_key") || !errors.Is(twice, gorm.ErrDuplicatedKey) {
		t.Errorf("twice: %v", twice)
	}
	if !database.Violates(negative, "purses_positive") || database.Violates(negative, "purses_key") {
		t.Errorf("negative: %v", negative)
	}
	if database.Violates(nil, "purses_key") || database.Violates(errors.New("purses_key"), "purses_key") {
		t.Error("something else violates")
	}
	err := db.Tx(t.Context(), func(tx *gorm.DB) error { return tx.Create(&purse{ID: 1}).Error })
	if !database.Violates(err, "purses_key") {
		t.Errorf("from a transaction: %v", err)
	}
}

func TestStatementAndLockTimeoutsAreFaultsOfStorage(t *testing.T) {
	url := dbtest.URL(t)
	db, err := database.Open(t.Context(), database.Config{URL: url + "&statement_timeout=50"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	err = db.Tx(t.Context(), func(tx *gorm.DB) error { return tx.Exec("SELECT pg_sleep(10)").Error })
	if !fault.Is(err, fault.StorageUnavailable) {
		t.Fatal(err)
	}
	holder, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(t.Context()) }()
	if _, err := holder.Exec(t.Context(), "CREATE TABLE held ()"); err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE held"); err != nil {
		t.Fatal(err)
	}
	err = db.Tx(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("SET LOCAL lock_timeout = 20; SET LOCAL statement_timeout = 0; SELECT * FROM held").Error
	})
	if err == nil || !strings.Contains(err.Error(), "lock timeout") && !fault.Is(err, fault.StorageUnavailable) {
		t.Fatal(err)
	}
}
