package paymenttest

import (
	"encoding/json"
	"errors"
	"net/http"
)

// command is the body of POST /control/…; which fields count depends on the act.
type command struct {
	ID     string `json:"id"` // a checkout, a payment, a purchase, a refund or a dispute
	Amount int64  `json:"amount"`
	Won    bool   `json:"won"`
	On     bool   `json:"on"`
	Copies int    `json:"copies"`
	URL    string `json:"url"`
}

// acts are what can be asked for from outside; each may return an id.
type acts map[string]func(command) (string, error)

// handler answers POST /control/ACT with {"id": …}.
func (a acts) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act, ok := a[r.URL.Path[len("/control/"):]]
		if !ok || r.Method != http.MethodPost {
			reply(w, http.StatusNotFound, object{"error": "no such act"})
			return
		}
		var c command
		if r.ContentLength != 0 {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&c); err != nil {
				reply(w, http.StatusBadRequest, object{"error": "the body is no JSON"})
				return
			}
		}
		id, err := act(c)
		switch {
		case errors.Is(err, errNoSuch):
			reply(w, http.StatusConflict, object{"error": err.Error()})
		case err != nil:
			reply(w, http.StatusInternalServerError, object{"error": err.Error()})
		default:
			reply(w, http.StatusOK, object{"id": id})
		}
	})
}

// common are the acts of both models.
func common(c *Courier, t *trouble) acts {
	plain := func(f func(command)) func(command) (string, error) {
		return func(c command) (string, error) { f(c); return "", nil }
	}
	return acts{
		"webhook": plain(func(x command) { c.SetURL(x.URL) }),
		"copies":  plain(func(x command) { c.SetCopies(x.Copies) }),
		"hold":    plain(func(command) { c.Hold() }),
		"release": plain(func(x command) { c.Release(x.On) }),
		"drop":    plain(func(command) { c.Drop() }),
		"down":    plain(func(x command) { t.Down(x.On) }),
		"garbage": plain(func(x command) { t.Garbage(x.On) }),
	}
}

func (s *Stripe) control() http.Handler {
	a := common(s.Courier, &s.trouble)
	a["pay"] = func(c command) (string, error) { return s.Pay(c.ID) }
	a["paylater"] = func(c command) (string, error) { return "", s.PayLater(c.ID) }
	a["arrive"] = func(c command) (string, error) { return "", s.Arrive(c.ID, c.On) }
	a["expire"] = func(c command) (string, error) { return "", s.Expire(c.ID) }
	a["refund"] = func(c command) (string, error) { return s.Refund(c.ID, c.Amount) }
	a["failrefund"] = func(c command) (string, error) { return "", s.FailRefund(c.ID) }
	a["dispute"] = func(c command) (string, error) { return s.Dispute(c.ID, c.Amount, c.On) }
	a["closedispute"] = func(c command) (string, error) { return "", s.CloseDispute(c.ID, c.Won) }
	return a.handler()
}
