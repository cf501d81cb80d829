package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/models"
)

// Live data go between instances over the bus: the owner of a run answers asks for
// the log after a position, and while somebody asks it publishes what follows. A
// replica applies pieces by position, so lost, doubled and reordered ones do no harm:
// a hole asks again.
const (
	askEvery   = time.Second     // a replica renews its interest and finds silent holes
	interest   = 4 * time.Second // how long an ask keeps the owner publishing
	askTimeout = 2 * time.Second
	idleAfter  = 10 * time.Second // a replica that nobody follows ends
	chunkBytes = 128 << 10        // a chunk's text stays below the bus' limit of 1 MiB even when JSON escapes all of it
)

func dataSubject(replyID string) string   { return "reply." + replyID }
func askSubject(instanceID string) string { return "instance." + instanceID + ".ask" }

// ask is a question to the instance that owns a run.
type ask struct {
	Reply string `json:"reply"`
	Seq   int    `json:"seq"`
	Stop  bool   `json:"stop,omitempty"`
}

// chunk is a stretch of a log from a position on.
type chunk struct {
	Gone  bool        `json:"gone,omitempty"` // the instance doesn't own the run
	More  bool        `json:"more,omitempty"` // ask again: this is not all
	Epoch int         `json:"epoch"`
	From  int         `json:"from"`
	Parts []chunkPart `json:"parts,omitempty"`
	// Queued is the place in the line at the engine of a reply without text.
	Queued int `json:"queued,omitempty"`
}

type chunkPart struct {
	Kind kind   `json:"k"`
	Text string `json:"t"`
}

// chunkAfter is what the log holds after seq: from its start when seq is of another
// epoch or no boundary.
func (l *replyLog) chunkAfter(seq int) chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := chunk{Epoch: l.epoch, From: posOf(seq), Queued: l.queued}
	if epochOf(seq) != l.epoch || c.From > len(l.buf) {
		c.From = 0
	}
	at := c.From
	for _, s := range l.segs {
		if s.end > at {
			end := min(s.end, c.From+chunkBytes)
			for end < s.end && !utf8.RuneStart(l.buf[end]) {
				end--
			}
			c.Parts = append(c.Parts, chunkPart{s.kind, string(l.buf[at:end])})
			if at = end; at < s.end {
				break
			}
		}
	}
	c.More = at < len(l.buf)
	return c
}

// apply adds what the chunk has beyond the log; it reports false on a hole.
func (l *replyLog) apply(c chunk) bool {
	l.applying.Lock() // the bus and an answered ask may come at once
	defer l.applying.Unlock()
	l.mu.Lock()
	if c.Epoch != l.epoch {
		if c.Epoch < l.epoch {
			l.mu.Unlock()
			return true // late mail of a former owner
		}
		if c.From != 0 {
			l.mu.Unlock()
			return false
		}
		l.epoch, l.buf, l.segs = c.Epoch, nil, nil
		l.wake()
	}
	have := len(l.buf)
	l.mu.Unlock()
	if c.From > have {
		return false
	}
	if c.From == have && len(c.Parts) == 0 {
		l.queue(c.Queued)
	}
	at := c.From
	for _, p := range c.Parts {
		end := at + len(p.Text)
		if end > have {
			l.append(p.Kind, p.Text[max(0, have-at):])
			have = end
		}
		at = end
	}
	return true
}

// answer serves asks of other instances about runs of this one.
func (s *Service) answer(data []byte, reply func([]byte) error) {
	var a ask
	if json.Unmarshal(data, &a) != nil {
		return
	}
	r := s.hub.run(a.Reply)
	respond := func(c chunk) {
		b, err := json.Marshal(c)
		if err == nil {
			err = reply(b)
		}
		if err != nil {
			s.log.Warn("answer another instance", "err", err)
		}
	}
	if r == nil {
		respond(chunk{Gone: true})
		return
	}
	if a.Stop {
		r.stop()
		s.workers.start(func() {
			<-r.done
			respond(chunk{Gone: true})
		})
		return
	}
	r.publish(s)
	respond(r.log.chunkAfter(a.Seq))
}

// publisher sends a run's log over the bus while somebody is interested.
type publisher struct {
	mu      sync.Mutex
	until   time.Time
	running bool
}

// publish renews the interest and starts the publisher if it rests.
func (r *activeRun) publish(s *Service) {
	p := &r.pub
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = s.clock.Now().Add(interest)
	if p.running {
		return
	}
	p.running = s.workers.start(func() { r.publishing(s) })
}

func (r *activeRun) publishing(s *Service) {
	changed, stop := r.log.watch(nil)
	defer stop()
	idle := time.NewTicker(interest)
	defer idle.Stop()
	seq, _, _, _ := r.log.content()
	place := 0
	for {
		c := r.log.chunkAfter(seq)
		if len(c.Parts) > 0 || c.Queued != place {
			place = c.Queued
			n := c.From
			for _, p := range c.Parts {
				n += len(p.Text)
			}
			seq = seqOf(c.Epoch, n)
			if b, err := json.Marshal(c); err == nil {
				if err := s.bus.Publish(dataSubject(r.row.ReplyID), b); err != nil {
					s.log.Warn("publish reply", "reply", r.row.ReplyID, "err", err)
				}
			}
		}
		if c.More {
			continue
		}
		select {
		case <-changed:
		case <-idle.C:
			r.pub.mu.Lock()
			over := s.clock.Now().After(r.pub.until)
			r.pub.running = !over
			r.pub.mu.Unlock()
			if over {
				return
			}
		case <-r.done:
			return
		}
	}
}

// replicate finds or starts the replica of a run on another instance.
func (s *Service) replicate(m *models.Message) *replyLog {
	fresh := newLog(m.OwnerID, epochOf(m.LastSeq))
	fresh.replica = true
	l, isFresh := s.hub.replica(m.ID, fresh)
	if isFresh && !s.workers.start(func() { s.replicating(m.ID, l) }) {
		s.hub.drop(m.ID, l)
		l.replace()
	}
	return l
}

// replicating keeps a replica in step until the reply ends, moves or is followed no more.
func (s *Service) replicating(replyID string, l *replyLog) {
	defer l.replace() // followers look again: for what is stored, or the next owner
	defer s.hub.drop(replyID, l)
	hole := make(chan struct{}, 1)
	stop, err := s.bus.Subscribe(dataSubject(replyID), func(data []byte, _ func([]byte) error) {
		var c chunk
		if json.Unmarshal(data, &c) == nil && !l.apply(c) {
			select {
			case hole <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		s.log.Warn("follow another instance", "err", err)
		return
	}
	defer stop()
	idleSince := s.clock.Now()
	for s.ctx.Err() == nil {
		l.mu.Lock()
		followed, replaced := len(l.waiters) > 0, l.replaced
		l.mu.Unlock()
		if followed {
			idleSince = s.clock.Now()
		}
		if replaced || s.clock.Now().Sub(idleSince) > idleAfter {
			return
		}
		owned, wait := s.catchUp(replyID, l)
		if !owned {
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-hole:
		case <-t.C:
		case <-s.ctx.Done():
		}
		t.Stop()
	}
}

// catchUp asks the run's owner for what the replica lacks. It reports false when the
// reply has ended; while no owner answers it asks again soon, because a dead one is
// replaced as soon as its lease ends.
func (s *Service) catchUp(replyID string, l *replyLog) (live bool, wait time.Duration) {
	ctx, cancel := s.patiently(queryTimeout)
	defer cancel()
	run, err := s.findRun(ctx, l.owner(), replyID)
	if isNotFound(err) {
		run, err = s.movedRun(ctx, replyID, l)
	}
	switch {
	case err != nil && !isNotFound(err):
		s.log.Warn("follow another instance", "reply", replyID, "err", err)
		return true, askEvery
	case err != nil || run.Status != models.RunRunning:
		return false, 0
	}
	seq, _, _, _ := l.content()
	var c chunk
	if err := s.request(s.ctx, run.InstanceID, ask{Reply: replyID, Seq: seq}, &c); err != nil || c.Gone {
		return true, 100 * time.Millisecond
	}
	l.apply(c)
	if c.More {
		return true, 0
	}
	return true, askEvery
}

// request asks the instance that owns a run; out may be nil.
func (s *Service) request(ctx context.Context, instanceID string, q ask, out *chunk) error {
	b, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("ask instance: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if b, err = s.bus.Request(ctx, askSubject(instanceID), b); err != nil {
		return fmt.Errorf("ask instance: %w", err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("ask instance: %w", err)
	}
	return nil
}
