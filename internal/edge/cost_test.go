package edge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

const aCost = `"extensions":{"cost":{"requested":1,"limit":1000}}`

// R-GQL: a program is told what each of its operations costs, on every transport and in
// the first answer alone; others are told when they ask.
func TestCostIsTold(t *testing.T) {
	kind := authz.APIKey
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Principal = func(context.Context) authz.Principal { return authz.Principal{Kind: kind} }
	})
	post(t, s, `{"query":"{me{id}}"}`).want(t, http.StatusOK, `"data":{"me"`, aCost)
	post(t, s, `{"query":"{me{id}}"}`).want(t, http.StatusOK, aCost) // known by now
	do(t, http.MethodGet, s.URL+"?query={me{id}}", "", nil).want(t, http.StatusOK, aCost)
	post(t, s, `{"query":"query($n:Int){users(first:$n){nodes{id}}}","variables":{"n":30}}`).want(t, http.StatusOK, `"requested":31,`)
	post(t, s, `{"query":"{hello(name:"}`).want(t, http.StatusOK, "GRAPHQL_PARSE_FAILED")
	events := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	r := do(t, http.MethodPost, s.URL, `{"query":"subscription{counter(to:3)}"}`, events)
	r.want(t, http.StatusOK, `data: {"data":{"counter":1},"extensions":{"cost":{"requested":0,"limit":1000}}}`, `data: {"data":{"counter":3}}`)
	if n := strings.Count(r.body, `"cost"`); n != 1 {
		t.Errorf("told %d times: %s", n, r.body)
	}
	if got := overSocket(t, s, `{"query":"{me{id}}"}`); !strings.Contains(got, aCost) {
		t.Error(got)
	}

	kind = authz.Account
	for body, told := range map[string]bool{
		`{"query":"{me{id}}"}`:                                false,
		`{"query":"{me{id}}","extensions":{"cost":true}}`:     true,
		`{"query":"{me{id}}","extensions":{"cost":"please"}}`: false,
	} {
		if r := post(t, s, body); strings.Contains(r.body, aCost) != told || r.status != http.StatusOK {
			t.Errorf("%s: %s", body, r.body)
		}
	}
}

// overSocket is the first answer to an operation over a websocket.
func overSocket(t *testing.T, s *edgetest.Server, payload string) string {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{wsconn.Subprotocol}}
	ws, resp, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), http.Header{"Origin": {s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	defer ws.Close()
	answer := ""
	for _, m := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":` + payload + `}`} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			t.Fatal(err)
		}
		_, b, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		answer = string(b)
	}
	return answer
}
