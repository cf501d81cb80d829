package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/models"
)

// question is what the address of a table asks for.
type question struct{ url.Values }

// kinds are what a ledger can be narrowed to.
var kinds = []models.TransferKind{models.TransferCharge, models.TransferPurchase, models.TransferRefund, models.TransferDispute, models.TransferReinstatement,
	models.TransferGrant, models.TransferAdjustment, models.TransferRepayment}

// export reads what all tables of the books take (from, to and timeZone) and what this one does. It
// refuses what it doesn't know with INVALID: a slip must not give another table.
func (q question) export(own string) (e credit.Export, err error) {
	if err := q.only(own); err != nil {
		return e, err
	}
	e.Zone = q.Get("timeZone")
	if e.From, e.To, err = q.span(); err != nil {
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

var outcomes = []models.RequestOutcome{"", models.RequestSucceeded, models.RequestRefused, models.RequestLimited, models.RequestFailed}

// requests reads what the table of API requests takes.
func (q question) requests() (e requestlog.Export, err error) {
	if err := q.only("keyId", "outcome", "modelId", "route"); err != nil {
		return e, err
	}
	e.Zone = q.Get("timeZone")
	f := requestlog.Filter{KeyID: q.Get("keyId"), Outcome: models.RequestOutcome(q.Get("outcome")), ModelID: q.Get("modelId"), Route: q.Get("route")}
	if f.From, f.To, err = q.span(); err != nil {
		return e, err
	}
	if !slices.Contains(outcomes, f.Outcome) {
		return e, fault.On("outcome", fault.Invalid, "there is no such outcome: give SUCCEEDED, REFUSED, LIMITED or FAILED")
	}
	e.Filter = f
	return e, nil
}

// only refuses parameters that a table doesn't take beside from, to and timeZone, and those
// that are given twice.
func (q question) only(own ...string) error {
	for name, values := range q.Values {
		switch {
		case !slices.Contains(append([]string{"from", "to", "timeZone"}, own...), name):
			return fault.On(name, fault.Invalid, "there is no such parameter here: a table takes from, to, timeZone and %s", strings.Join(own, ", "))
		case len(values) > 1 && name != "kind":
			return fault.On(name, fault.Invalid, "this parameter can be given once")
		}
	}
	return nil
}

// span reads from and to in the zone that is asked for.
func (q question) span() (from, to time.Time, err error) {
	zone, err := sheet.Zone(q.Get("timeZone"))
	if err != nil {
		return from, to, err
	}
	if from, err = q.moment("from", zone); err != nil {
		return from, to, err
	}
	to, err = q.moment("to", zone)
	return from, to, err
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
