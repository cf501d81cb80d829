package credit

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// ChargeSQL is the part of the settlement's statement that computes a charge, for a hold
// of $24 at the prices $25, $26 and $27; $1 is for nothing.
var ChargeSQL = func() string {
	_, rule, _ := strings.Cut(settledSQL, "CASE WHEN h.status")
	rule, _, _ = strings.Cut(rule, " AS credits")
	return "SELECT CASE WHEN $1::timestamptz IS NULL THEN 0 WHEN h.status" + rule + " FROM " + askSQL +
		" CROSS JOIN (SELECT 'PENDING' AS status, $24::bigint AS amount, $25::bigint AS price_input, $26::bigint AS price_cached, $27::bigint AS price_output) h"
}()

// ColumnsForTest is a settlement as the statement's arguments.
func ColumnsForTest(s models.Settlement) ([]any, error) {
	a, err := newAct(s)
	return append([]any{time.Now()}, columnsOf([]act{a})...), err
}

// Settler hands settlements of owners to a writer whose batches, as lists of owners, are
// committed by the function.
func Settler(commit func(owners []string)) (settle func(owner string, n int) error, end func()) {
	w := newWriter(func(_ context.Context, acts []act) ([]outcome, error) {
		owners := make([]string, len(acts))
		for i, a := range acts {
			owners[i] = a.Owner
		}
		commit(owners)
		return make([]outcome, len(acts)), nil
	})
	return func(owner string, n int) error {
		_, err := w.do(context.Background(), act{Owner: owner, Ref: strconv.Itoa(n)})
		return err
	}, w.close
}

// Statement is the one that sums up the books, and the searches are those that are always made.
func Statement() (sums string, searches []string) {
	for _, p := range proofs {
		for _, f := range p.searches {
			if f.when == "" {
				searches = append(searches, f.query)
			}
		}
	}
	return statement(proofs), searches
}
