package credit_test

import (
	"testing"

	"gorm.io/gorm"
)

// P101, P106: an account with very many requests can be deleted: the usage of an owner goes in
// bounded transactions, and nobody else's. The books hold between any two of them.
func TestUsageGoesInParts(t *testing.T) {
	r := newRoom(t)
	one, other := r.person(1000), r.person(1000)
	for _, p := range []person{one, other} {
		r.measured(p, "first", "kimi")
		r.must(r.exec(`INSERT INTO usage_rows SELECT (jsonb_populate_record(u, jsonb_build_object('id', 'use_m' || n, 'ref', 'm' || n, 'hold_id', '', 'transfer_id', '', 'credits', 0))).*
			FROM usage_rows u, generate_series(1, 6000) n WHERE u.owner_id = $1`, p.OwnerID))
	}
	var gone, batches int64
	for more := true; more; batches++ {
		r.must(r.tx(func(tx *gorm.DB) (err error) {
			var rows map[string]int64
			if rows, more, err = r.EraseTx(tx, one.OwnerID); rows["usage_rows"] > 5000 {
				t.Errorf("%d rows in one transaction", rows["usage_rows"])
			}
			gone += rows["usage_rows"]
			return err
		}))
		if report, err := r.Verify(t.Context()); err != nil || !report.OK {
			t.Error(report.Broken(), err)
		}
	}
	if left := r.count(`SELECT count(*) FROM usage_rows WHERE owner_id = $1`, one.OwnerID); gone != 6001 || batches != 2 || left != 0 {
		t.Errorf("%d rows went in %d transactions, %d are left", gone, batches, left)
	}
	if left := r.count(`SELECT count(*) FROM usage_rows WHERE owner_id = $1`, other.OwnerID); left != 6001 {
		t.Errorf("somebody else has %d rows left", left)
	}
}
