package load

import (
	"bytes"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

// FirstTokens lets an account send n messages, one after the other, and says how long
// after each the first token was there, without the engine's own time.
func FirstTokens(addr, cookie string, n int) (*hist.H, error) {
	var all hist.H
	for i := range n {
		began := time.Now()
		t := &tally{first: func(_ time.Duration, at time.Time) { all.Add(at.Sub(began) - engineFirst) }}
		r, err := send(addr, cookie, wire.Order{Tokens: probeTokens, Rate: 1000, First: engineFirst}, i)
		if err != nil {
			return nil, err
		}
		ws, err := r.open(addr, i)
		if err != nil {
			return nil, err
		}
		if err = ws.SetDeadline(began.Add(patience)); err == nil {
			err = follow(ws, t)
		}
		ws.Close()
		if err != nil {
			return nil, fmt.Errorf("wait for a first token: %w", err)
		}
	}
	return &all, nil
}

// Charges counts the charges among an account's last hundred movements.
func Charges(addr, cookie string) (int, error) {
	b, _, err := post(addr, cookie, payload(`{viewer{ledgerEntries(first:100,filter:{kinds:[CHARGE]}){nodes{id}}}}`, nil), 0)
	if err != nil {
		return 0, fmt.Errorf("ask for the charges: %w", err)
	}
	return bytes.Count(b, []byte(`"id"`)), nil
}
