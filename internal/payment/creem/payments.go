package creem

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Session is how one checkout stands.
func (p *Provider) Session(ctx context.Context, sessionID string) (payment.Event, error) {
	var c checkout
	if err := p.call(ctx, http.MethodGet, "/v1/checkouts?"+url.Values{"checkout_id": {sessionID}}.Encode(), nil, &c); err != nil {
		return payment.Event{}, fmt.Errorf("ask Creem for a checkout: %w", err)
	}
	e := c.event()
	e.ID, e.Kind, e.Current = "asked:"+c.ID+":"+c.Status+":"+c.Order.Status, "checkout", true
	return e, nil
}

// The bounds of the list of transactions.
const (
	pageSize = 100
	maxPages = 100
)

// Payments tells how every transaction stands that was made since. A transaction names
// its order only: what was bought with it is known once its checkout was told, by a
// webhook or by Session. The list holds all sales of the shop. A refund of an older
// payment is told too where the list shows it on the way.
func (p *Provider) Payments(ctx context.Context, since time.Time, each func(payment.Event) error) error {
	return p.list(ctx, "", since, each)
}

// Sales is Payments of one product.
func (p *Provider) Sales(ctx context.Context, productID string, since time.Time, each func(payment.Event) error) error {
	return p.list(ctx, productID, since, func(e payment.Event) error {
		e.ProductID = productID
		return each(e)
	})
}

// list reads the list of transactions, of all products or of one.
func (p *Provider) list(ctx context.Context, productID string, since time.Time, each func(payment.Event) error) error {
	for page := 1; page <= maxPages; page++ {
		var list struct {
			Items      []transaction `json:"items"`
			Pagination struct {
				NextPage *int `json:"next_page"`
			} `json:"pagination"`
		}
		query := url.Values{"page_number": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}
		if productID != "" {
			query.Set("product_id", productID)
		}
		if err := p.call(ctx, http.MethodGet, "/v1/transactions/search?"+query.Encode(), nil, &list); err != nil {
			return fmt.Errorf("list the transactions at Creem: %w", err)
		}
		for _, t := range list.Items {
			if err := tell(t, since, each); err != nil {
				return err
			}
		}
		if list.Pagination.NextPage == nil || len(list.Items) == 0 || over(list.Items, since) {
			return nil
		}
	}
	return fmt.Errorf("list the transactions at Creem: %w: its list has no end", payment.ErrUnavailable)
}

// tell hands on one transaction. Older ones only when money went back: that may have
// happened since.
func tell(t transaction, since time.Time, each func(payment.Event) error) error {
	e := t.event()
	back := e.Status == payment.Refunded || e.Status == payment.Disputed
	if e.Status == payment.Nothing || e.PaymentID == "" || !back && at(t.CreatedAt).Before(since) {
		return nil
	}
	e.ID = "asked:" + t.ID + ":" + t.Status + ":" + strconv.FormatInt(t.RefundedAmount, 10)
	e.Kind, e.OccurredAt, e.Current = "transaction", at(t.CreatedAt), true
	return each(e)
}

// over reports whether a page of a list that has the newest first ends before since.
// Creem does not say how it sorts: a page that does not go down is no end.
func over(items []transaction, since time.Time) bool {
	for i := 1; i < len(items); i++ {
		if items[i].CreatedAt > items[i-1].CreatedAt {
			return false
		}
	}
	return len(items) > 1 && items[0].CreatedAt > items[len(items)-1].CreatedAt && at(items[0].CreatedAt).Before(since)
}
