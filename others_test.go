package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

var ownWord = regexp.MustCompile(`canary_\d{7}`)

// reader is somebody with a word of its own, who hears everything that comes back.
type reader struct {
	t    *testing.T
	word string
	read *atomic.Int64 // how often somebody's own word came back
}

// hears looks for words of others in an answer.
func (r *reader) hears(where, answer string) {
	for _, word := range ownWord.FindAllString(answer, -1) {
		if word != r.word {
			r.t.Errorf("%s: %s gets what is %s's", where, r.word, word)
			return
		}
		r.read.Add(1)
	}
}

// good is an answer without errors.
func (r *reader) good(answer map[string]any) string {
	if answer["errors"] != nil {
		r.t.Errorf("%v", answer)
	}
	return fmt.Sprint(answer)
}

// drains reads a body, or leaves in the middle of it.
func (r *reader) drains(where string, resp *http.Response, leave context.CancelFunc) {
	defer resp.Body.Close()
	body := make([]byte, 0, 4096)
	buf, leaves := make([]byte, 512), rand.IntN(3) == 0
	for n := 0; ; n++ {
		got, err := resp.Body.Read(buf)
		body = append(body, buf[:got]...)
		if err != nil {
			break
		}
		if leaves && n == 2 {
			leave()
		}
	}
	r.hears(where, string(body))
}

// T31: two hundred people and programs ask at once, over shared connections, each with a word
// that nobody else has, and leave and stop at random; the engine repeats what it was told.
// Whatever comes back, streamed, whole, listed or searched, holds nobody else's word.
func TestNobodyGetsAnothersWords(t *testing.T) {
	const people = 200
	p := start(t, "RATE_COST_PER_ACCOUNT=0", "RATE_COST_PER_GUEST=0", "SOCKETS_PER_IP=1000", "SIGNUP_CREDITS=0")
	p.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
		word := ownWord.FindString(r.Messages[len(r.Messages)-1].Content)
		out := inferencetest.Script{inferencetest.Think("about " + word)}
		for range 20 {
			out = append(out, inferencetest.Say("You said "+word+". "))
		}
		return append(out, inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done())
	})
	shared := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(shared.CloseIdleConnections)
	var read atomic.Int64
	var all sync.WaitGroup
	for n := range people {
		r := &reader{t, fmt.Sprintf("canary_%07d", n), &read}
		all.Go(func() {
			var b *browser
			if n%2 == 0 {
				b = p.browser()
			} else {
				b = p.signIn("somebody" + fmt.Sprint(n))
			}
			b.http.Transport = shared
			if n%2 == 0 {
				r.chats(b)
			} else {
				r.asks(b.program(map[string]any{}))
			}
			r.hears("the lists", r.good(b.ask(`{ viewer { id conversations(first: 10) { nodes { title branch { nodes { text reasoning } } } } } }`, nil)))
			r.hears("the search", r.good(b.ask(`{ viewer { conversations(first: 10, filter: {text: "canary"}) { nodes { title } } } }`, nil)))
		})
	}
	all.Wait()
	if n := read.Load(); n < 10*people {
		t.Errorf("only %d own words came back", n)
	}
}

// chats sends from the page and follows the reply.
func (r *reader) chats(b *browser) {
	sent := b.send("c", "my word is "+r.word)
	r.hears("what was sent", fmt.Sprint(sent))
	reply, ok := at(sent, "data", "messageSend", "reply", "id").(string)
	if !ok {
		r.t.Errorf("not sent: %v", sent)
		return
	}
	ctx, leave := context.WithCancel(r.t.Context())
	defer leave()
	body := fmt.Sprintf(`{"query":%q,"variables":{"id":%q}}`, eventsDocument, reply)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.p.url+"/graphql", strings.NewReader(body))
	if err != nil {
		r.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	resp, err := b.http.Do(req)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.drains("a reply", resp, leave)
	if rand.IntN(4) == 0 {
		r.hears("a stopped reply", fmt.Sprint(b.ask(`mutation($i: ReplyStopInput!) { replyStop(input: $i) { reply { text } } }`, map[string]any{"i": map[string]any{"replyId": reply}})))
	}
	b.end(reply)
}

// asks asks below /v1/, streamed and whole, in both dialects.
func (r *reader) asks(g *program) {
	for n, c := range []struct{ path, more string }{{"/v1/chat/completions", `,"stream":true`}, {"/v1/chat/completions", ""}, {"/v1/messages", `,"max_tokens":100,"stream":true`}} {
		ctx, leave := context.WithCancel(r.t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.p.url+c.path, strings.NewReader(asking("my word is "+r.word, c.more)))
		if err != nil {
			r.t.Error(err)
			leave()
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+g.secret)
		req.Header.Set("Idempotency-Key", fmt.Sprint("the-same-for-all-", n))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Error(err)
			leave()
			return
		}
		if resp.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(resp.Body)
			r.t.Errorf("%s: %d %s", c.path, resp.StatusCode, body)
		}
		r.drains(c.path+c.more, resp, leave)
		leave()
	}
}
