package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
)

const (
	orderDoc = `mutation($p:ID!,$c:String!){creditCheckoutCreate(input:{packId:$p,provider:STRIPE,clientId:$c}){checkout{id}userErrors{code message}}}`
	paidDoc  = `subscription{viewerEvents{__typename ...on PurchaseChanged{purchase{id status}}}}`
)

// Buyer is an account that follows its own events over a socket while it buys.
type Buyer struct {
	addr, cookie string
	source       int
	ws           *client.WS
}

// OpenBuyer opens the socket.
func OpenBuyer(addr, cookie string, i int) (*Buyer, error) {
	w, err := client.DialWS(addr, path, i, origin(addr), "Cookie: "+cookie)
	if err != nil {
		return nil, err
	}
	b := &Buyer{addr: addr, cookie: cookie, source: i, ws: w}
	if err := w.Subscribe(payload(paidDoc, nil)); err != nil {
		b.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return b, nil
}

// Close closes the socket.
func (b *Buyer) Close() { b.ws.Close() }

// Order begins to buy a pack and returns the purchase's id.
func (b *Buyer) Order(pack string, n int) (string, error) {
	text, _, err := post(b.addr, b.cookie, payload(orderDoc, map[string]string{"p": pack, "c": strconv.Itoa(n)}), b.source)
	if err != nil {
		return "", fmt.Errorf("begin to buy: %w", err)
	}
	var answer struct {
		Data struct {
			CreditCheckoutCreate struct{ Checkout struct{ ID string } }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Data.CreditCheckoutCreate.Checkout.ID == "" {
		return "", fmt.Errorf("begin to buy: %.300s: %w", text, errors.Join(err, errRefused))
	}
	return answer.Data.CreditCheckoutCreate.Checkout.ID, nil
}

// Bring posts a webhook, with its header lines, and says how long after that the buyer's
// socket told that the purchase is paid.
func (b *Buyer) Bring(to, purchaseID string, body []byte, headers ...string) (time.Duration, error) {
	if err := b.ws.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	c := client.NewHTTP(b.addr, b.source)
	defer c.Close()
	request := client.Request(b.addr, to, string(body), headers...)
	began := time.Now()
	answered := make(chan error, 1)
	go func() {
		a, err := c.Do(request, began.Add(patience))
		if err == nil && a.Status != 200 {
			err = fmt.Errorf("status %d: %w", a.Status, errRefused)
		}
		answered <- err
	}()
	at, err := b.paid(purchaseID)
	if err := errors.Join(<-answered, err); err != nil {
		return 0, fmt.Errorf("bring a webhook: %w", err)
	}
	return at.Sub(began), nil
}

// paid waits until the socket tells that the purchase is paid.
func (b *Buyer) paid(purchaseID string) (time.Time, error) {
	for {
		m, err := b.ws.Read()
		if err != nil {
			return time.Time{}, err
		}
		if bytes.Contains(m, []byte(purchaseID)) && bytes.Contains(m, []byte(`"PAID"`)) {
			return time.Now(), nil
		}
	}
}
