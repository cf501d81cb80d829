package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// purchase is one that was begun, and whether its webhooks were first carried when its
// owner was gone.
type purchase struct {
	id            string
	paid, carried bool
	late          bool
}

// deletion deletes whoever the browser is, over either instance.
func (i *interleaving) deletion() []func() {
	there, word := i.b.at(i.c.any(i.rng)), "DELETE"
	if !i.guest {
		word = i.email
	}
	return []func(){func() { i.erase(there, word) }}
}

// reply is a message whose reply is written as far as it is let, followed on the other
// instance, sometimes taken over by it, and gives the conversation its title in the end.
func (i *interleaving) reply() []func() {
	here, there, words := i.b.at(i.c.all[0]), i.b.at(i.c.all[1]), i.words("asks for a reply")
	if i.rng.IntN(2) == 0 {
		here, there = there, here
	}
	g := i.c.sluiceOf(i.n, words)
	var reply any
	steps := []func(){
		func() {
			sent := i.ask(here, sendDocument, map[string]any{"input": map[string]any{"clientId": i.words("reply"), "text": words}})
			reply = at(sent, "messageSend", "reply", "id")
		},
		func() {
			if reply != nil {
				i.late.Go(func() { i.follow(there, reply) })
			}
		},
		g.more.open, g.end.open, g.title.open,
	}
	if i.rng.IntN(2) == 0 {
		at := 1 + i.rng.IntN(3)
		steps = append(steps[:at], append([]func(){i.takeover}, steps[at:]...)...)
	}
	return steps
}

// follow reads a reply's events until there are no more.
func (i *interleaving) follow(b *browser, reply any) {
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply})
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // it may be cut
	if strings.Contains(string(text), `"INTERNAL"`) {
		i.fault("who follows is told %s", text)
	}
}

// takeover ends the leases of the owner's runs, and waits a little for the other instance
// to take one.
func (i *interleaving) takeover() {
	db := i.c.all[0].server.db.Gorm(i.c.t.Context())
	if err := db.Exec(`UPDATE runs SET lease_expires_at = now() - interval '1 second' WHERE owner_id = ? AND status = 'RUNNING'`, i.was.OwnerID).Error; err != nil {
		i.fault("end a lease: %v", err)
	}
	i.c.soon(1500*time.Millisecond, func() bool {
		var left int
		err := db.Raw(`SELECT count(*) FROM runs WHERE owner_id = ? AND status = 'RUNNING' AND lease_expires_at <= now()`, i.was.OwnerID).Scan(&left).Error
		return err != nil || left == 0
	})
}

// program is an answer to a program, whole or streamed, that is asked for again under its
// idempotency key.
func (i *interleaving) program() []func() {
	words, stream := i.words("asks by a program"), i.rng.IntN(2) == 0
	made := at(i.ask(i.b, keyDocument, map[string]any{"i": map[string]any{"name": i.words("key")}}), "apiKeyCreate")
	secret, _ := at(made, "secret").(string)
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + secret}}
	if i.rng.IntN(2) == 0 {
		header.Set("Idempotency-Key", i.words("again"))
	}
	body := asking(words, fmt.Sprintf(`,"stream":%t`, stream))
	g := i.c.sluiceOf(i.n, words)
	call := func(p *product) {
		if status, text := i.c.send(p.url+"/v1/chat/completions", strings.NewReader(body), header); status == http.StatusInternalServerError {
			i.fault("a program is told %d %s", status, text)
		}
	}
	first, second := i.c.any(i.rng), i.c.any(i.rng)
	return []func(){
		func() {
			over := make(chan struct{})
			i.late.Go(func() {
				defer close(over)
				call(first)
			})
			select {
			case <-g.began.c:
			case <-over:
			}
		},
		g.more.open, g.end.open,
		func() { i.late.Go(func() { call(second) }) },
	}
}

// checkout is a purchase: begun, paid, told by webhooks two times at once and again, and
// sometimes given back.
func (i *interleaving) checkout() []func() {
	here, p, back := i.b.at(i.c.any(i.rng)), &purchase{}, i.rng.IntN(3) == 0
	carry := func() {
		if !p.paid {
			return
		}
		if !p.carried {
			p.late = i.isGone()
		}
		p.carried = true
		i.c.carry(p.id)
	}
	return []func(){
		func() {
			answer := i.ask(here, `mutation { creditCheckoutCreate(input: {packId: "small", provider: STRIPE}) { checkout { id } userErrors { code } } }`, nil)
			p.id, _ = at(answer, "creditCheckoutCreate", "checkout", "id").(string)
			if p.id == "" {
				return
			}
			i.mu.Lock()
			defer i.mu.Unlock()
			i.bought = append(i.bought, p)
		},
		func() {
			if p.id == "" {
				return
			}
			if _, err := i.c.stripe.Pay(p.id); err != nil {
				i.fault("pay: %v", err)
				return
			}
			p.paid = true
			i.c.until("the webhooks of a payment", func() bool { return len(i.c.kept(p.id)) >= 3 })
		},
		carry, carry,
		func() {
			if !p.paid || !back {
				return
			}
			if _, err := i.c.stripe.Refund(p.id, 0); err != nil {
				i.fault("give back: %v", err)
			}
			i.c.until("the webhook of a refund", func() bool { return len(i.c.kept(p.id)) >= 4 })
			carry()
		},
	}
}

// isGone reports whether the owner's row is.
func (i *interleaving) isGone() bool {
	var n int
	err := i.c.all[0].server.db.Gorm(i.c.t.Context()).Raw(`SELECT count(*) FROM owners WHERE id = ?`, i.was.OwnerID).Scan(&n).Error
	return err == nil && n == 0
}

// export is a file that is made, and fetched when it is there.
func (i *interleaving) export() []func() {
	here, there := i.b.at(i.c.any(i.rng)), i.b.at(i.c.any(i.rng))
	look := func() {
		list := at(i.ask(there, exportList, nil), "viewer", "exports")
		if path, _ := at(list, 0, "url").(string); path != "" {
			if resp, _ := there.fetch(http.MethodGet, path, nil); resp.StatusCode == http.StatusInternalServerError {
				i.fault("fetch an export: %s", resp.Status)
			}
		}
	}
	return []func(){func() { i.ask(here, exportStart, nil) }, look, look}
}

// sharing is the first conversation that goes out by a link, read by strangers on both
// instances, and sometimes taken back.
func (i *interleaving) sharing() []func() {
	here, back := i.b.at(i.c.any(i.rng)), i.rng.IntN(4) == 0
	var l link
	read := func(p *product) func() {
		return func() {
			if l.url == "" {
				return
			}
			statuses, text := p.browser().reads(l)
			if gone := statuses == "410 410"; !gone && statuses != "200 200" && statuses != "200 410" || gone && strings.Contains(text, mark) {
				i.fault("who reads what is shared is told %s %s", statuses, text)
			}
		}
	}
	return []func(){
		func() { i.ask(here, consentDocument, map[string]any{"kind": "SHARE", "granted": true}) },
		func() {
			made := at(i.ask(here, shareDocument, map[string]any{"i": map[string]any{"conversationId": i.first}}), "conversationShare", "share")
			l.id, _ = at(made, "id").(string)
			l.url, _ = at(made, "url").(string)
			if l.url == "" {
				return
			}
			i.mu.Lock()
			defer i.mu.Unlock()
			i.links = append(i.links, l)
		},
		read(i.c.all[0]), read(i.c.all[1]),
		func() {
			if back && l.id != "" {
				i.ask(here, revokeDocument, map[string]any{"id": l.id})
			}
		},
	}
}

// linksEnd wants what was shared to open on no instance any more.
func (i *interleaving) linksEnd() {
	for _, l := range i.links {
		for _, p := range i.c.all {
			if statuses, text := p.browser().reads(l); statuses != "410 410" || strings.Contains(text, mark) {
				i.fault("after the deletion a link still gives %s %s", statuses, text)
			}
		}
	}
}

// mail is one to a new address, which has to be confirmed.
func (i *interleaving) mail() []func() {
	here := i.b.at(i.c.any(i.rng))
	return []func(){func() {
		i.ask(here, `mutation($email: String!) { accountUpdate(input: {email: $email, name: "kanari renamed"}) { userErrors { code } } }`, map[string]any{"email": "new" + i.name() + "@example.org"})
	}}
}

// bring is a file of conversations that comes in two parts.
func (i *interleaving) bring() []func() {
	there := i.b.at(i.c.any(i.rng))
	var file strings.Builder
	for k := range 20 {
		title, words := i.words(fmt.Sprint("brings a title ", k)), i.words(fmt.Sprint("brings words ", k))
		fmt.Fprintf(&file, `%s{"title":%q,"create_time":1700000000,"update_time":1700000000,"current_node":"b","mapping":{"a":{"id":"a","children":["b"],"message":{"author":{"role":"user"},"create_time":1700000000,"content":{"content_type":"text","parts":[%q]}}},"b":{"id":"b","parent":"a","children":[],"message":{"author":{"role":"assistant"},"create_time":1700000001,"content":{"content_type":"text","parts":[%q]}}}}}`,
			map[bool]string{true: "[", false: ","}[k == 0], title, words, words)
	}
	text := file.String() + "]"
	r, w := io.Pipe()
	return []func(){
		func() {
			i.late.Go(func() {
				defer r.Close()
				if status, answer := i.c.sendAs(there, "/imports", r); status == http.StatusInternalServerError {
					i.fault("an import: %d %s", status, answer)
				}
			})
			_, _ = io.WriteString(w, text[:len(text)/2]) // it may be refused already
		},
		func() {
			_, _ = io.WriteString(w, text[len(text)/2:])
			_ = w.Close()
		},
	}
}

// sendAs posts a body as a page does. A body that isn't read to its end breaks the request.
func (c *crossing) sendAs(b *browser, path string, body io.Reader) (status int, answer string) {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, b.p.url+path, body)
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Origin", b.p.url)
	resp, err := b.http.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // as much as there is
	return resp.StatusCode, string(text)
}

// clear deletes all conversations.
func (i *interleaving) clear() []func() {
	here := i.b.at(i.c.any(i.rng))
	return []func(){func() { i.ask(here, deleteAll, map[string]any{"word": "DELETE"}) }}
}

// claim is a guest who signs in to a new account, and deletes that.
func (i *interleaving) claim() []func() {
	p, b := i.c.any(i.rng), i.c.any(i.rng).browser()
	i.email = i.name() + "@example.org"
	entered := false
	return []func(){
		func() {
			e, err := p.signInAs(i.email, i.was)
			if _, refused := fault.Of(err); err != nil && !refused {
				i.fault("sign in: %v", err)
			}
			if err != nil {
				return
			}
			i.owned(e.Viewer.OwnerID)
			b.enter(e)
			entered = true
		},
		func() {
			if entered {
				i.ask(b, sendDocument, map[string]any{"input": map[string]any{"clientId": i.words("claimed"), "text": i.words("is an account")}})
			}
		},
		func() {
			if entered {
				i.erase(b, i.email)
			}
		},
	}
}
