package credit_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/credit"
)

func TestExplain(t *testing.T) {
	r := newRoom(t)
	people, holds := r.crowd(10000, 60000)
	for n := 0; n < 40; n++ {
		var acts []any
		var ids []string
		for i := n * 64; i < n*64+64; i++ {
			a, _ := credit.ActForTest(act(people[i%10000], holds[i], fmt.Sprintf("run_%032d/0", i), 500))
			acts = append(acts, a)
			ids = append(ids, holds[i].ID)
		}
		doc, _ := json.Marshal(acts)
		conn, _ := r.db.Pool().Acquire(t.Context())
		tx, _ := conn.Begin(t.Context())
		t0 := time.Now()
		tx.Exec(t.Context(), credit.LockSQL, ids)
		t1 := time.Now()
		q := credit.SettleSQL
		if n == 20 || n == 39 {
			tx.Exec(t.Context(), "SET LOCAL auto_explain.log_min_duration=0")
			rows, err := tx.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+q, string(doc), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, l := range lines {
				fmt.Println(l)
			}
			fmt.Println(err)
		} else {
			_, err := tx.Exec(t.Context(), q, string(doc), time.Now())
			if err != nil {
				t.Fatal(err)
			}
		}
		t2 := time.Now()
		tx.Exec(t.Context(), credit.RepaySQL, ids, time.Now())
		t3 := time.Now()
		tx.Commit(t.Context())
		fmt.Println(n, t1.Sub(t0), t2.Sub(t1), t3.Sub(t2), time.Since(t3))
		conn.Release()
	}
}
