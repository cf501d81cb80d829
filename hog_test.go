package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// R-LIMIT: of an account that sends 500 requests at once, the engine gets so many as it
// takes, 400 wait, and what is beyond is refused and charged nothing. A small user's requests
// have the second turn at the latest that comes free: they wait for one of the hog's, not
// for 400.
func TestAHogWaitsBehindItself(t *testing.T) {
	const streams, queued, sent = 4, 400, 500
	p := start(t, fmt.Sprint("ENGINE_STREAMS=", streams), fmt.Sprint("ENGINE_QUEUE_PER_OWNER=", queued), "RATE_STREAMS_PER_KEY=0", "RATE_STREAMS_PER_ACCOUNT=0")
	turn := make(chan struct{})
	p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return append(inferencetest.Script{inferencetest.Wait(turn)}, inferencetest.Reply("Hello")...)
	})
	hog, small := p.signIn("hog"), p.signIn("small")
	greedy, modest := hog.program(map[string]any{}), small.program(map[string]any{})
	ask := func(g *program, text string) int {
		resp := g.call(t.Context(), "/v1/chat/completions", asking(text, ""))
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return resp.StatusCode
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range sent {
		all.Go(func() {
			status := ask(greedy, "more")
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	refused := func() int {
		mu.Lock()
		defer mu.Unlock()
		return answers[http.StatusTooManyRequests]
	}
	reach := func(what string, there func() bool) {
		t.Helper()
		look, late := time.NewTicker(time.Millisecond), time.After(patience)
		defer look.Stop()
		for !there() {
			select {
			case <-look.C:
			case <-late:
				t.Fatalf("%s: not so; %d at the engine, %d wait, %v", what, p.server.queue.Active(), p.server.queue.Waiting(), answers)
			}
		}
	}
	reach("what the engine doesn't take waits, and what is more is refused", func() bool {
		return p.server.queue.Active() == streams && p.server.queue.Waiting() == queued && refused() == sent-queued-streams
	})
	const rounds = 20
	for n := range rounds {
		before := len(p.engine.Requests())
		all.Go(func() {
			if status := ask(modest, "mine"); status != http.StatusOK {
				t.Errorf("the small user is answered %d", status)
			}
		})
		reach("the small user waits", func() bool { return p.server.queue.Waiting() == queued-n+1 })
		for came := 1; came <= 2; came++ {
			turn <- struct{}{}
			reach("a turn came free", func() bool { return len(p.engine.Requests()) == before+came })
		}
		mine := 0
		for _, r := range p.engine.Requests()[before:] {
			if r.LastUser() == "mine" {
				mine++
			}
		}
		if mine != 1 {
			t.Errorf("round %d: %d of two turns were the small user's", n, mine)
		}
	}
	close(turn)
	all.Wait()
	if n := answers[http.StatusOK]; n != streams+queued {
		t.Errorf("answers to the hog: %v", answers)
	}
	if n := len(p.engine.Requests()); n != streams+queued+rounds {
		t.Errorf("%d requests reached the engine", n)
	}
	p.books()
}
