package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// browser is one guest who talks to whichever instance answers.
type browser struct {
	instances []*process
	http      *http.Client
	settled   bool // age and policy
}

func newBrowser(instances []*process) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &browser{instances: instances, http: &http.Client{Jar: jar, Timeout: 10 * time.Second}}, nil
}

func (b *browser) any() string { return b.instances[rand.IntN(len(b.instances))].addr }

// ask posts a document to one instance.
func (b *browser) ask(addr, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "http://"+addr)
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("status %d: %.200s", resp.StatusCode, raw)
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, into)
}

// turn is an acknowledged message and its reply.
type turn struct{ conversation, message, reply, text string }

// send sends until some instance acknowledges, under one client id as a browser does.
func (b *browser) send(ctx context.Context, clientID, text string) (turn, error) {
	var last error
	for ctx.Err() == nil {
		if last = b.settle(); last != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		var got struct {
			MessageSend struct {
				Conversation, Message, Reply *struct{ ID string }
				UserErrors                   []struct{ Code, Message string }
			}
		}
		last = b.ask(b.any(), `mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { id } message { id } reply { id } userErrors { code message } } }`,
			map[string]any{"i": map[string]any{"clientId": clientID, "text": text}}, &got)
		if s := got.MessageSend; last == nil && s.Reply != nil {
			return turn{s.Conversation.ID, s.Message.ID, s.Reply.ID, text}, nil
		} else if last == nil {
			last = fmt.Errorf("%v", s.UserErrors)
		}
		pause(ctx, 100*time.Millisecond)
	}
	return turn{}, fmt.Errorf("send: %w", last)
}

// settle confirms age and policy, which come before a first message.
func (b *browser) settle() error {
	if b.settled {
		return nil
	}
	var got struct {
		Policy                   struct{ Version string }
		AgeConfirm, PolicyAccept struct{ UserErrors []struct{ Code string } }
	}
	if err := b.ask(b.any(), `{ policy { version } }`, nil, &got); err != nil {
		return err
	}
	if err := b.ask(b.any(), `mutation { ageConfirm(input: {birthYear: 1990, birthMonth: 5}) { userErrors { code } } }`, nil, &got); err != nil {
		return err
	}
	err := b.ask(b.any(), `mutation($v: String!) { policyAccept(input: {version: $v}) { userErrors { code } } }`, map[string]any{"v": got.Policy.Version}, &got)
	if refused := append(got.AgeConfirm.UserErrors, got.PolicyAccept.UserErrors...); err == nil && len(refused) > 0 {
		err = fmt.Errorf("settle age and policy: %v", refused)
	}
	b.settled = err == nil
	return err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// page is what a tab knows of a reply.
type page struct {
	text string
	seq  int
	end  string // the final status
}

const eventsDocument = `subscription($id: ID!, $after: Int) { replyEvents(replyId: $id, afterSeq: $after) { __typename
  ... on ReplySnapshot { seq text } ... on ReplyDelta { seq text } ... on ReplyFinished { seq status } ... on ReplyFailed { seq error { code message } } } }`

// watch follows the reply on one instance until its end, a broken connection, or
// reload events.
func (b *browser) watch(ctx context.Context, addr, reply string, p *page, reload int) error {
	d := websocket.Dialer{Jar: b.http.Jar, Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 5 * time.Second}
	conn, resp, err := d.DialContext(ctx, "ws://"+addr+"/graphql", http.Header{"Origin": {"http://" + addr}})
	if err != nil {
		return nil // the instance is dead just now
	}
	_ = resp.Body.Close()
	defer func() { _ = conn.Close() }()
	vars := map[string]any{"id": reply}
	if p.seq > 0 {
		vars["after"] = p.seq
	}
	payload, err := json.Marshal(map[string]any{"query": eventsDocument, "variables": vars})
	if err != nil {
		return err
	}
	for _, m := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":` + string(payload) + `}`} {
		if conn.WriteMessage(websocket.TextMessage, []byte(m)) != nil {
			return nil
		}
	}
	for n := 0; n < reload && p.end == "" && ctx.Err() == nil; {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if conn.ReadJSON(&m) != nil {
			return nil
		}
		switch m.Type {
		case "next":
			if err := p.apply(m.Payload); err != nil {
				return err
			}
			n++
		case "error":
			if !strings.Contains(string(m.Payload), "restarting") && !strings.Contains(string(m.Payload), "STORAGE") {
				return fmt.Errorf("refused: %s", m.Payload)
			}
			return nil
		case "complete":
			return nil
		}
	}
	return nil
}

// apply does what every client does with an event.
func (p *page) apply(payload json.RawMessage) error {
	var got struct {
		Data struct {
			ReplyEvents struct {
				Type         string `json:"__typename"`
				Seq          int
				Text, Status string
				Error        struct{ Code, Message string }
			}
		}
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		return err
	}
	if len(got.Errors) > 0 {
		if c := got.Errors[0].Extensions.Code; c == "SHUTTING_DOWN" || c == "STORAGE_UNAVAILABLE" {
			return nil
		}
		return fmt.Errorf("error event: %v", got.Errors)
	}
	switch e := got.Data.ReplyEvents; e.Type {
	case "ReplySnapshot":
		if e.Seq < p.seq {
			return fmt.Errorf("a snapshot at %d after %d", e.Seq, p.seq)
		}
		p.text, p.seq = e.Text, e.Seq
	case "ReplyDelta":
		if e.Seq <= p.seq {
			return fmt.Errorf("seq %d after %d", e.Seq, p.seq)
		}
		p.text += e.Text
		p.seq = e.Seq
	case "ReplyFinished":
		p.end = e.Status
	case "ReplyFailed":
		p.end = "FAILED " + e.Error.Code + " " + e.Error.Message
	}
	return nil
}
