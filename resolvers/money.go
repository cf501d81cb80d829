package resolvers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

// money is an amount in minor units, with as many decimals as its currency has.
func money(minor int64, currency string) *graph.Money {
	return &graph.Money{Minor: int(minor), Currency: currency, Decimal: decimal(minor, billing.Decimals(currency))}
}

// decimal writes a whole number of the smallest units with its decimals.
func decimal(minor int64, decimals int) string {
	if decimals == 0 {
		return strconv.FormatInt(minor, 10)
	}
	digits := strconv.FormatInt(minor, 10)
	sign := ""
	if minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if short := decimals + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	point := len(digits) - decimals
	return sign + digits[:point] + "." + digits[point:]
}

func creditPacks(offers []billing.Offer) []*graph.CreditPack {
	out := make([]*graph.CreditPack, len(offers))
	for i, o := range offers {
		out[i] = &graph.CreditPack{ID: o.ID, Name: o.Name, Credits: models.Credits(o.Credits), Price: money(o.PriceMinor, o.Currency),
			TaxIncluded: o.TaxIncluded, Providers: o.Providers}
	}
	return out
}

// paymentFacts are what is kept of a payment; none when its payer is gone.
func paymentFacts(p *models.Purchase) models.PaymentFacts {
	if p.Details == nil {
		return models.PaymentFacts{}
	}
	return *p.Details
}

// addressLines is an address as it is written on a letter, without empty lines.
func addressLines(a models.Address) []string {
	lines := []string{}
	for _, line := range []string{a.Name, a.Line1, a.Line2, joined(a.PostalCode, a.City), a.State, a.Country} {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func joined(words ...string) string { return strings.Join(words, " ") }

func purchaseConnection(list page.List, purchases []*models.Purchase, before, more bool) *graph.PurchaseConnection {
	out := &graph.PurchaseConnection{Nodes: listed(purchases), Edges: make([]*graph.PurchaseEdge, len(purchases)),
		PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, p := range purchases {
		out.Edges[i] = &graph.PurchaseEdge{Cursor: list.Cursor(p.ID), Node: p}
	}
	if n := len(purchases); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

// lastQuarantined is how many payments in quarantine the list without pages shows.
const lastQuarantined = 100

func quarantineConnection(list page.List, payments []*models.QuarantinedPayment, before, more bool) *graph.QuarantinedPaymentConnection {
	out := &graph.QuarantinedPaymentConnection{Nodes: listed(payments), Edges: make([]*graph.QuarantinedPaymentEdge, len(payments)),
		PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, q := range payments {
		out.Edges[i] = &graph.QuarantinedPaymentEdge{Cursor: list.Cursor(billing.QuarantinePosition(q)), Node: q}
	}
	if n := len(payments); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

func comparisonConnection(list page.List, rows []*models.Reconciliation, before, more bool) *graph.ReconciliationConnection {
	out := &graph.ReconciliationConnection{Nodes: listed(rows), Edges: make([]*graph.ReconciliationEdge, len(rows)),
		PageInfo: &graph.PageInfo{HasNextPage: more, HasPreviousPage: before}}
	for i, row := range rows {
		out.Edges[i] = &graph.ReconciliationEdge{Cursor: list.Cursor(row.ID), Node: row}
	}
	if n := len(rows); n > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &out.Edges[0].Cursor, &out.Edges[n-1].Cursor
	}
	return out
}

// differences are the lines of a comparison.
func differences(r *models.Reconciliation) ([]string, error) {
	lines := []string{}
	if err := json.Unmarshal(r.Differences, &lines); err != nil {
		return nil, fmt.Errorf("read a comparison: %w", err)
	}
	return lines, nil
}

// orNil is null for no text.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// listed is a list that is never null.
func listed[T any](list []T) []T {
	list, _ = orNone(list, nil)
	return list
}
