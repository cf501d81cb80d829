package load

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
)

const revokeDoc = `mutation($s:ID!){sessionRevoke(input:{sessionId:$s}){revokedId userErrors{code message}}}`

// Revocation is one session to end.
type Revocation struct {
	Addr    string // the instance that is told
	Keeper  string // the cookie of the account's session that tells it
	Session string // the id of the one that ends
	Cookie  string // and its cookie
}

// closed is when a socket was closed, or what went wrong.
type closed struct {
	at  time.Time
	err error
}

// Run opens a socket of the session on each of the holders, ends the session, and says
// how long after the sending each socket was closed.
func (r Revocation) Run(holders []string) (took []time.Duration, err error) {
	ends := make(chan closed, len(holders))
	for i, holder := range holders {
		w, err := openIdle(holder, r.Cookie, i)
		if err != nil {
			return nil, fmt.Errorf("open a socket: %w", err)
		}
		defer w.Close()
		go func() { ends <- wait(w) }()
	}
	began := time.Now()
	b, _, err := post(r.Addr, r.Keeper, payload(revokeDoc, map[string]string{"s": r.Session}), 0)
	if err != nil || !bytes.Contains(b, []byte(`"userErrors":[]`)) {
		return nil, fmt.Errorf("revoke a session: %.300s: %w", b, errors.Join(err, errRefused))
	}
	for range holders {
		end := <-ends
		if end.err != nil {
			return nil, end.err
		}
		took = append(took, end.at.Sub(began))
	}
	return took, nil
}

var errRefused = errors.New("no success")

// wait reads until the server closes the socket because the session has ended.
func wait(w *client.WS) closed {
	if err := w.SetDeadline(time.Now().Add(patience)); err != nil {
		return closed{err: err}
	}
	for {
		if _, err := w.Read(); err != nil {
			end := closed{at: time.Now()}
			if !strings.Contains(err.Error(), "4403") {
				end.err = fmt.Errorf("a socket of a session that was revoked: %w", err)
			}
			return end
		}
	}
}
