package database_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

func TestAFullDiskIsToldReadingWorksAndItResumes(t *testing.T) {
	dir := dbtest.SmallDisk(t, 192)
	db := open(t, database.Config{DataDir: dir, BinDirs: []string{packaged}, MaxConns: 4})
	if _, err := db.Pool().Exec(t.Context(), "CREATE UNLOGGED TABLE loose (v text); CREATE TABLE kept (v text)"); err != nil {
		t.Fatal(err)
	}
	write := func(table string) error {
		return db.Tx(t.Context(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO " + table + " SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 5000)").Error
		})
	}
	rows := func() (n int, err error) {
		err = db.Gorm(t.Context()).Raw("SELECT count(*) FROM kept").Scan(&n).Error
		return n, err
	}
	if err := write("kept"); err != nil {
		t.Fatal(err)
	}
	empty := dbtest.Fill(t, dir, 2<<20)
	var err error
	for err == nil {
		err = write("loose")
	}
	if !fault.Is(err, fault.StorageFull) {
		t.Fatal(err)
	}
	if n, err := rows(); err != nil || n != 1 {
		t.Fatalf("reading while full: %d %v", n, err)
	}
	acknowledged := 1
	for err = nil; err == nil; acknowledged++ { // until the server's log is full as well
		err = write("kept")
	}
	acknowledged--
	if !fault.Is(err, fault.StorageFull) && !fault.Is(err, fault.StorageUnavailable) {
		t.Fatal(err)
	}
	empty()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); write("kept") != nil; {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it does not resume", write("kept"))
		}
	}
	if n, err := rows(); err != nil || n <= acknowledged {
		t.Fatalf("%d of %d acknowledged rows: %v", n, acknowledged+1, err)
	}
}
