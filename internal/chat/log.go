package chat

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// A position in the event stream of a reply is one rising number, the seq: the run's
// epoch in the upper bits, the count of produced bytes in the lower 24. A take-over
// raises the epoch, so that what a dead owner announced and never stored can't be
// mistaken for what its successor writes.
const (
	epochShift = 24
	// maxBytes bounds text and reasoning of one reply together.
	maxBytes = 1<<epochShift - 1
	maxEpoch = 1<<(31-epochShift) - 1
)

func seqOf(epoch, pos int) int { return epoch<<epochShift | pos }
func epochOf(seq int) int      { return seq >> epochShift }
func posOf(seq int) int        { return seq & maxBytes }

type kind uint8

const (
	kindText kind = iota
	kindReasoning
)

// segment is a stretch of one kind that ends at byte position end.
type segment struct {
	kind kind
	end  int
}

// ending is how a reply ended; it is announced only after it is stored.
type ending struct {
	Status  models.MessageStatus
	Usage   *models.Usage
	Credits *models.Credits
	Error   *models.ReplyError
}

// replyLog is what a reply has produced: an append-only run of bytes in segments of
// text and reasoning. Its writer is the run's owner or, on other instances, a replica.
// Followers hold a position in it, never a queue: whoever is slow reads more at once.
type replyLog struct {
	// replica logs lag behind a writer elsewhere: a position beyond their end is one
	// to wait for. For all others it can't be.
	replica  bool
	applying sync.Mutex // of a replica: one chunk at a time

	mu       sync.Mutex
	ownerID  string
	heir     viewer.Viewer // who it is of when it has moved
	epoch    int
	buf      []byte
	segs     []segment
	end      *ending
	frozen   bool // no more text, the end is being stored
	replaced bool // another log continues this reply
	queued   int  // its place in the line at the engine, 0 when it has its turn or needs none
	waiters  map[*waiter]struct{}
	sole     *waiter // the only one, if there is just one
}

// waiter is told of changes: by a token in its channel, which never waits; or, while it
// is the only one, by a call of push on the writer's goroutine, which saves waking
// another for every token. push must not block; what it can't do at once, saying so by
// false, is left to whoever reads the channel.
type waiter struct {
	changed chan struct{}
	push    func() bool
}

func (w *waiter) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func newLog(ownerID string, epoch int) *replyLog {
	return &replyLog{ownerID: ownerID, epoch: epoch, waiters: map[*waiter]struct{}{}}
}

// preload puts in what an earlier epoch produced.
func (l *replyLog) preload(text, reasoning string) {
	l.append(kindReasoning, reasoning)
	l.append(kindText, text)
}

// append adds text; it reports false when the reply is full or has ended.
func (l *replyLog) append(k kind, text string) bool {
	if text == "" {
		return true
	}
	ok, w := l.add(k, text)
	if w != nil && !w.push() {
		w.signal()
	}
	return ok
}

// add is append but for a sole waiter with a push: it is returned, to be told without
// the lock.
func (l *replyLog) add(k kind, text string) (ok bool, w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil || l.frozen || l.replaced || len(l.buf)+len(text) > maxBytes {
		return false, nil
	}
	l.queued = 0
	l.buf = append(l.buf, text...)
	if n := len(l.segs); n > 0 && l.segs[n-1].kind == k {
		l.segs[n-1].end = len(l.buf)
	} else {
		l.segs = append(l.segs, segment{k, len(l.buf)})
	}
	if l.sole != nil && l.sole.push != nil {
		return true, l.sole
	}
	l.wake()
	return true, nil
}

// freeze makes later appends fail without announcing an end.
func (l *replyLog) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = true
}

// finish announces the end. The log stays readable.
func (l *replyLog) finish(e ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == nil {
		l.end = &e
	}
	l.wake()
}

// replace sends followers to look for the log that continues the reply.
func (l *replyLog) replace() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replaced = true
	l.wake()
}

// queue notes the reply's place in the line at the engine.
func (l *replyLog) queue(place int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued != place && l.end == nil {
		l.queued = place
		l.wake()
	}
}

// place is the reply's place in the line at the engine.
func (l *replyLog) place() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queued
}

// wake tells the waiters; the caller holds the lock.
func (l *replyLog) wake() {
	for w := range l.waiters {
		w.signal()
	}
}

// watch registers a waiter that is told of every change until stop is called; push may
// be nil.
func (l *replyLog) watch(push func() bool) (changed <-chan struct{}, stop func()) {
	w := &waiter{changed: make(chan struct{}, 1), push: push}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters[w] = struct{}{}
	l.choose()
	return w.changed, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiters, w)
		l.choose()
	}
}

// choose finds the sole waiter; the caller holds the lock.
func (l *replyLog) choose() {
	l.sole = nil
	if len(l.waiters) != 1 {
		return
	}
	for w := range l.waiters {
		l.sole = w
	}
}

// content is all so far.
func (l *replyLog) content() (seq int, text, reasoning string, status models.MessageStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.contentLocked()
}

func (l *replyLog) contentLocked() (seq int, text, reasoning string, status models.MessageStatus) {
	var parts [2]strings.Builder
	at := 0
	for _, s := range l.segs {
		parts[s.kind].Write(l.buf[at:s.end])
		at = s.end
	}
	return seqOf(l.epoch, len(l.buf)), parts[kindText].String(), parts[kindReasoning].String(), l.statusLocked()
}

func (l *replyLog) statusLocked() models.MessageStatus {
	switch {
	case l.end != nil:
		return l.end.Status
	case len(l.buf) == 0:
		return models.MessagePending
	default:
		return models.MessageStreaming
	}
}

// piece is what a read found after a position.
type piece struct {
	kind     kind
	text     string
	seq      int // position after text
	end      *ending
	gap      bool // the position is not of this log: a snapshot is needed
	replaced bool
}

// read returns the longest stretch of one kind after seq, or the end when there is
// nothing more to come. A piece without text, end, gap and replaced means: wait.
func (l *replyLog) read(seq int) piece {
	l.mu.Lock()
	defer l.mu.Unlock()
	pos := posOf(seq)
	if l.replica && seq > seqOf(l.epoch, len(l.buf)) {
		return piece{seq: seq, replaced: l.replaced}
	}
	if epochOf(seq) != l.epoch || pos > len(l.buf) || (pos < len(l.buf) && !utf8.RuneStart(l.buf[pos])) {
		return piece{gap: true, seq: seq}
	}
	at := pos
	for _, s := range l.segs {
		if s.end > at {
			return piece{kind: s.kind, text: string(l.buf[at:s.end]), seq: seqOf(l.epoch, s.end)}
		}
	}
	return piece{seq: seq, end: l.end, replaced: l.replaced && l.end == nil}
}

// peek calls use with the longest stretch of one kind after seq, which is valid during the
// call only and must not be kept, and reports its end; more means that another stretch
// follows. ok is false when there is nothing, or something else to say: see read.
func (l *replyLog) peek(seq int, use func(seq int, text []byte, reasoning bool)) (end int, more, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pos := posOf(seq)
	if epochOf(seq) != l.epoch || pos >= len(l.buf) || !utf8.RuneStart(l.buf[pos]) {
		return 0, false, false
	}
	for _, s := range l.segs {
		if s.end > pos {
			end = seqOf(l.epoch, s.end)
			use(end, l.buf[pos:s.end], s.kind == kindReasoning)
			return end, s.end < len(l.buf), true
		}
	}
	return 0, false, false
}

// beyond reports whether seq is a position that nobody can have been given.
func (l *replyLog) beyond(seq int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.replica && seq > seqOf(l.epoch, len(l.buf))
}

// plain reports whether all reasoning precedes all text, as stored messages assume.
func (l *replyLog) plain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.segs) < 2 || (len(l.segs) == 2 && l.segs[0].kind == kindReasoning)
}

// since returns the stretches after byte position pos, for checkpoints.
func (l *replyLog) since(pos int) (parts []part, end int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segs {
		if s.end > pos {
			parts = append(parts, part{s.kind, string(l.buf[pos:s.end])})
			pos = s.end
		}
	}
	return parts, len(l.buf)
}

// part is a stretch of one kind.
type part struct {
	kind kind
	text string
}
