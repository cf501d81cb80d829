package web

import (
	"net/url"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/models"
)

// question is what the address of a table asks for.
type question struct{ url.Values }

// kinds are what a ledger can be narrowed to.
var kinds = []models.TransferKind{models.TransferCharge, models.TransferPurchase, models.TransferRefund, models.TransferDispute, models.TransferReinstatement,
	models.TransferGrant, models.TransferAdjustment, models.TransferRepayment}

// export reads what all tables take (from, to and timeZone) and what this one does. It
// refuses what it doesn't know with INVALID: a slip must not give another table.
func (q question) export(own string) (e credit.Export, err error) {
	for name, values := range q.Values {
		switch {
		case !slices.Contains([]string{"from", "to", "timeZone", own}, name):
			return e, fault.On(name, fault.Invalid, "there is no such parameter here: a table takes from, to, timeZone and %s", own)
		case len(values) > 1 && name != "kind":
			return e, fault.On(name, fault.Invalid, "this parameter can be given once")
		}
	}
	e.Zone = q.Get("timeZone")
	zone, err := sheet.Zone(e.Zone)
	if err != nil {
		return e, err
	}
	if e.From, err = q.moment("from", zone); err != nil {
		return e, err
	}
	if e.To, err = q.moment("to", zone); err != nil {
		return e, err
	}
	for _, k := range q.Values["kind"] {
		kind := models.TransferKind(k)
		if !slices.Contains(kinds, kind) {
			return e, fault.On("kind", fault.Invalid, "there is no such kind: give CHARGE, PURCHASE, REFUND, DISPUTE, REINSTATEMENT, GRANT, ADJUSTMENT or REPAYMENT")
		}
		e.Kinds = append(e.Kinds, kind)
	}
	return e, nil
}

// moment reads a time as RFC 3339, or a day of the zone, which stands for its beginning.
// It is zero when it isn't given.
func (q question) moment(name string, zone *time.Location) (time.Time, error) {
	s := q.Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil && inRange(t) {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil && inRange(t) {
		return sheet.DayStart(t.Year(), t.Month(), t.Day(), zone), nil
	}
	return time.Time{}, fault.On(name, fault.Invalid, "this is no time: give a day like 2026-05-01, or a moment like 2026-05-01T12:00:00Z")
}

// inRange keeps to years that the database and everybody's programs know.
func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9998 }
