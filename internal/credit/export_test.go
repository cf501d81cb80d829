package credit

import "strings"

// ChargeSQL is the part of the settlement's statement that computes a charge, for a hold
// of $2 at the prices $3, $4 and $5.
var ChargeSQL = func() string {
	_, ask, _ := strings.Cut(settleSQL, "AS MATERIALIZED (")
	ask, _, _ = strings.Cut(ask, "), acts AS")
	_, rule, _ := strings.Cut(settleSQL, "CASE WHEN h.status")
	rule, _, _ = strings.Cut(rule, " AS credits")
	return "SELECT CASE WHEN h.status" + rule + " FROM (" + ask +
		") a CROSS JOIN (SELECT 'PENDING' AS status, $2::bigint AS amount, $3::bigint AS price_input, $4::bigint AS price_cached, $5::bigint AS price_output) h"
}()

// ActForTest is a settlement as the statement reads it.
var ActForTest = newAct
