package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

// path is where the product and the floors of websockets and lists answer.
const path = "/graphql"

const (
	sendDocument = `mutation($i:MessageSendInput!){messageSend(input:$i){reply{id} userErrors{code message}}}`
	followDoc    = `subscription($r:ID!){replyEvents(replyId:$r,afterSeq:0){__typename ` +
		`... on ReplySnapshot{seq text} ... on ReplyDelta{seq text} ... on ReplyFinished{seq status} ... on ReplyFailed{seq error{code message}}}}`
	idleDoc = `subscription{viewerEvents{__typename}}`
)

// listDocument is the query of Lists: the 20 newest conversations, each with its
// last message.
const listDocument = `{viewer{conversations(first:20){nodes{id title updatedAt lastMessage{id role text createdAt}}}}}`

// payload is a GraphQL request as JSON. Its parts are ours, so it always encodes.
func payload(document string, variables any) string {
	b, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		panic("a request that is not JSON: " + err.Error())
	}
	return string(b)
}

func origin(addr string) string { return "Origin: http://" + addr }

var sent atomic.Int64 // makes idempotency keys differ within this process

// reply is one that was begun, and the guest it belongs to.
type reply struct{ id, cookie string }

// post sends one GraphQL request as the owner of the cookie ("": nobody yet) from
// the i-th source and returns the answer's body and the cookie to go on with.
func post(addr, cookie, body string, i int) (answer []byte, next string, err error) {
	c := client.NewHTTP(addr, i)
	defer c.Close()
	headers := []string{origin(addr)}
	if cookie != "" {
		headers = append(headers, "Cookie: "+cookie)
	}
	a, err := c.Do(client.Request(addr, path, body, headers...), time.Now().Add(30*time.Second))
	if a.Cookie != "" {
		cookie = a.Cookie
	}
	return a.Body, cookie, err
}

// send sends a guest's message that orders tokens; with the cookie of settle alone the
// guest is new.
func send(addr, cookie string, o wire.Order, i int) (reply, error) {
	body := payload(sendDocument, map[string]any{"i": map[string]any{
		"clientId": fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), sent.Add(1)), "text": o.String(),
	}})
	b, cookie, err := post(addr, cookie, body, i)
	if err != nil {
		return reply{}, fmt.Errorf("send message: %w", err)
	}
	var got struct {
		Data struct {
			MessageSend struct {
				Reply struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(b, &got); err != nil || got.Data.MessageSend.Reply.ID == "" {
		return reply{}, fmt.Errorf("send message: no reply in %.300s", b)
	}
	return reply{got.Data.MessageSend.Reply.ID, cookie}, nil
}

// NewGuest makes a guest by sending its first message and returns its cookie.
func NewGuest(addr string, i int) (cookie string, err error) {
	gate, err := settle(addr, i)
	if err != nil {
		return "", err
	}
	r, err := send(addr, gate, wire.Order{Tokens: 1, Rate: 1000}, i)
	return r.cookie, err
}

// Owner asks the product whom a cookie stands for.
func Owner(addr, cookie string) (id string, err error) {
	b, _, err := post(addr, cookie, payload(`{viewer{id}}`, nil), 0)
	if err != nil {
		return "", fmt.Errorf("ask for the viewer: %w", err)
	}
	var got struct {
		Data struct{ Viewer struct{ ID string } }
	}
	if err := json.Unmarshal(b, &got); err != nil || got.Data.Viewer.ID == "" {
		return "", fmt.Errorf("ask for the viewer: none in %.300s", b)
	}
	return got.Data.Viewer.ID, nil
}

// List asks a target for the list of Lists once and returns the answer.
func List(addr, cookie string) ([]byte, error) {
	b, _, err := post(addr, cookie, payload(listDocument, nil), 0)
	return b, err
}

// open opens a socket as the reply's guest and subscribes to the reply.
func (r reply) open(addr string, i int) (*client.WS, error) {
	w, err := client.DialWS(addr, path, i, origin(addr), "Cookie: "+r.cookie)
	if err != nil {
		return nil, err
	}
	if err := w.Subscribe(payload(followDoc, map[string]string{"r": r.id})); err != nil {
		w.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return w, nil
}

// openFloor opens a socket to the websocket floor and orders tokens.
func openFloor(addr string, o wire.Order, i int) (*client.WS, error) {
	w, err := client.DialWS(addr, path, i)
	if err != nil {
		return nil, err
	}
	if err := w.Subscribe(payload(o.String(), nil)); err != nil {
		w.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return w, nil
}

// tally counts the tokens of one stream. Only tokens in the window are timed.
type tally struct {
	window window
	got    int   // all tokens, the whole stream long
	twice  int   // tokens that had come before
	last   int64 // when the newest token was due
	in     int64 // those in the window
	first  func(added time.Duration, at time.Time)
	added  *hist.H // nil: not timed
	late   *hist.H
}

func newTally(w window) *tally { return &tally{window: w, added: new(hist.H), late: new(hist.H)} }

// tokens counts all markers in a message, leaving out the first skip of them.
func (t *tally) tokens(m []byte, skip int) {
	due, written, rest, ok := wire.Find(m)
	if !ok {
		return
	}
	now := time.Now()
	timed := t.window.holds(now)
	for ; ok; due, written, rest, ok = wire.Find(rest) {
		if skip > 0 {
			skip--
			continue
		}
		if due <= t.last {
			t.twice++
			continue
		}
		t.last = due
		if t.got == 0 && t.first != nil {
			t.first(time.Duration(now.UnixNano()-written), now)
		}
		t.got++
		if timed {
			t.in++
			if t.added != nil {
				t.added.Add(time.Duration(now.UnixNano() - written))
				t.late.Add(time.Duration(now.UnixNano() - due))
			}
		}
	}
}

var (
	snapshotMark = []byte(`"ReplySnapshot"`)
	finishedMark = []byte(`"ReplyFinished"`)
	failedMark   = []byte(`"ReplyFailed"`)
	completeMark = []byte(`"type":"complete"`)
	errorMark    = []byte(`"error`)
	deltaMark    = []byte(`"ReplyDelta"`)
)

// errEarly means that a subscription ended without its reply having finished.
var errEarly = errors.New("the subscription ended early")

// follow reads a subscription to its end and counts its tokens. A snapshot repeats
// what has come already, which is not counted again.
func follow(w *client.WS, t *tally) error {
	finished := false
	for {
		m, err := w.Read()
		switch {
		case err != nil:
			return fmt.Errorf("after %d tokens: %w", t.got, err)
		case bytes.Contains(m, deltaMark):
			t.tokens(m, 0)
		case bytes.Contains(m, snapshotMark):
			t.tokens(m, t.got)
		case bytes.Contains(m, finishedMark):
			finished = true
		case bytes.Contains(m, completeMark):
			if !finished && t.got == 0 {
				return errEarly
			}
			return nil
		case bytes.Contains(m, failedMark), bytes.Contains(m, errorMark):
			return fmt.Errorf("after %d tokens: %.300s", t.got, m)
		}
	}
}

// relayBody is the request of a stream through the relay.
func relayBody(o wire.Order) string {
	return `{"model":"bench","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":` + strconv.Quote(o.String()) + `}]}`
}
