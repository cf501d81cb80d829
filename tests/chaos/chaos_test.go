// Package chaos_test runs instances of the product as processes, kills them with
// kill -9, loses messages between them, and looks whether anything is lost.
package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// answerTo is what the engine writes for a prompt: the same whole text however often
// it is asked, and what is missing of it when it is asked to continue.
func answerTo(prompt string, tokens int) string {
	var b strings.Builder
	for i := range tokens {
		fmt.Fprintf(&b, "%s-tök%d 词🙂 ", prompt, i)
	}
	return b.String()
}

// paced streams the rest of the answer a token every so often. usage is what the engine
// says of it; without one it counts messages and pieces.
func paced(t *testing.T, tokens int, every time.Duration, usage ...func(r inferencetest.Request, pieces int) openai.Usage) func(inferencetest.Request) inferencetest.Script {
	return func(r inferencetest.Request) inferencetest.Script {
		whole := answerTo(r.LastUser(), tokens)
		if last := r.Messages[len(r.Messages)-1]; last.Role == "assistant" {
			rest, ok := strings.CutPrefix(whole, last.Content)
			if !ok {
				t.Errorf("asked to continue what was never written: %.80q", last.Content)
			}
			whole = rest
		}
		tick := time.NewTicker(every)
		s := inferencetest.Script{}
		pieces := inferencetest.Pieces(whole)
		for _, piece := range pieces {
			s = append(s, inferencetest.Wait(tick.C), inferencetest.Say(piece))
		}
		var used []openai.Usage
		for _, of := range usage {
			used = append(used, of(r, len(pieces)))
		}
		return append(s, inferencetest.Do(tick.Stop), inferencetest.Finish("stop"), inferencetest.Usage(used...), inferencetest.Done())
	}
}

// F4, P17: two instances on one database lose 30 % of their messages to each other and
// are killed again and again while guests send, reload and switch between them. In the
// end every acknowledged message is there and every reply is, byte for byte, what the
// engine wrote.
func TestChaosKillsLossAndReloadsLoseNothing(t *testing.T) {
	c := newTown(t, 0.3)
	c.live(t, func(ctx context.Context, i *process) {
		pause(ctx, time.Duration(500+rand.IntN(1500))*time.Millisecond)
		i.kill()
		pause(ctx, time.Duration(rand.IntN(1000))*time.Millisecond)
		i.launch()
	})
	if c.bus.lost.Load() == 0 {
		t.Error("nothing was lost on the bus: the test tested nothing")
	}
}

// SIGTERM, one instance after the other, as a rolling deployment does: no message fails,
// no stream breaks for good, and every process ends cleanly in time.
func TestChaosRollingRestartsLoseNothing(t *testing.T) {
	newTown(t, 0).live(t, func(ctx context.Context, i *process) {
		pause(ctx, 500*time.Millisecond)
		i.terminate()
		i.launch()
	})
}

// town is two instances on one database, one engine, and guests.
type town struct {
	guests, faults, tokens int
	engine                 *inferencetest.Engine
	bus                    *lossyBus
	instances              []*process
}

func newTown(t *testing.T, loss float64) *town {
	t.Helper()
	c := &town{guests: 4, faults: 4, tokens: 600, engine: inferencetest.New(t), bus: startBus(t, loss)}
	if os.Getenv("CHAOS") != "" {
		c.guests, c.faults, c.tokens = 10, 40, 900
	}
	c.engine.Answer(paced(t, c.tokens, 5*time.Millisecond))
	env := []string{"DATABASE_URL=" + dbtest.URL(t), "INFERENCE_URL=" + c.engine.URL(), "NATS_URL=" + c.bus.url}
	c.instances = []*process{newInstance(t, "one", env...), newInstance(t, "two", env...)}
	for _, i := range c.instances {
		i.launch()
	}
	return c
}

// live lets guests live while a fault strikes one instance after the other.
func (c *town) live(t *testing.T, strike func(ctx context.Context, i *process)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.faults)*5*time.Second+4*patience)
	defer cancel()
	over := make(chan struct{})
	var wg sync.WaitGroup
	for g := range c.guests {
		wg.Go(func() {
			if err := guestLife(ctx, g, c.instances, c.tokens, over); err != nil {
				t.Errorf("guest %d: %v", g, err)
			}
		})
	}
	for k := range c.faults {
		strike(ctx, c.instances[k%2])
	}
	close(over)
	wg.Wait()
	t.Logf("%d guests, %d faults, %d of %d live messages lost on the bus, %d requests to the engine",
		c.guests, c.faults, c.bus.lost.Load(), c.bus.lost.Load()+c.bus.kept.Load(), len(c.engine.Requests()))
}

// guestLife sends, watches to the end with 20 reloads, and checks, until it is over.
func guestLife(ctx context.Context, g int, instances []*process, tokens int, over <-chan struct{}) error {
	b, err := newBrowser(instances)
	if err != nil {
		return err
	}
	var turns []turn
	for n := 0; ; n++ {
		sent, err := b.send(ctx, fmt.Sprintf("guest-%d-%d", g, n), fmt.Sprintf("g%dn%d", g, n))
		if err != nil {
			return err
		}
		turns = append(turns, sent)
		if err := b.live(ctx, sent, tokens); err != nil {
			return fmt.Errorf("%s: %w", sent.reply, err)
		}
		select {
		case <-over:
			return b.check(ctx, turns, tokens)
		default:
		}
	}
}

// live watches a reply to its end: 20 reloads with what the tab knows or from nothing,
// on either instance, and then for good.
func (b *browser) live(ctx context.Context, sent turn, tokens int) error {
	var p page
	for n := 0; p.end == ""; n++ {
		if ctx.Err() != nil {
			return fmt.Errorf("no end in time, %d bytes so far", len(p.text))
		}
		reload := 1 << 30
		if n < 20 {
			reload = 1 + rand.IntN(10)
		}
		if err := b.watch(ctx, b.any(), sent.reply, &p, reload); err != nil {
			return err
		}
		if n < 20 && n%4 == 3 && p.end == "" {
			p = page{} // a reload that forgets
		}
		pause(ctx, 10*time.Millisecond)
	}
	if p.end != "COMPLETE" || p.text != answerTo(sent.text, tokens) {
		return fmt.Errorf("ended %s with %d of %d bytes", p.end, len(p.text), len(answerTo(sent.text, tokens)))
	}
	return nil
}

// check reads every acknowledged message and its reply back.
func (b *browser) check(ctx context.Context, turns []turn, tokens int) error {
	for _, sent := range turns {
		var got struct {
			Viewer struct {
				Conversation *struct {
					Branch struct {
						Nodes []struct{ ID, Text, Status string }
					}
				}
			}
		}
		err := error(nil)
		for ctx.Err() == nil {
			if err = b.ask(b.any(), `query($id: ID!) { viewer { conversation(id: $id) { branch { nodes { id text status } } } } }`, map[string]any{"id": sent.conversation}, &got); err == nil {
				break
			}
			pause(ctx, 100*time.Millisecond)
		}
		if err != nil {
			return err
		}
		c := got.Viewer.Conversation
		if c == nil || len(c.Branch.Nodes) != 2 || c.Branch.Nodes[1].Text != sent.text || c.Branch.Nodes[1].ID != sent.message {
			return fmt.Errorf("the acknowledged message %s is not there: %+v", sent.message, c)
		}
		if r := c.Branch.Nodes[0]; r.Status != "COMPLETE" || r.Text != answerTo(sent.text, tokens) {
			return fmt.Errorf("stored reply %s: %s, %d bytes", r.ID, r.Status, len(r.Text))
		}
	}
	return nil
}
