package chat

import "sync"

// hub knows the logs of this instance by the id of their reply: those of its own
// runs and replicas of runs elsewhere.
type hub struct {
	mu   sync.Mutex
	logs map[string]*replyLog
	runs map[string]*activeRun
	last int // number of the newest run
}

func newHub() *hub {
	return &hub{logs: map[string]*replyLog{}, runs: map[string]*activeRun{}}
}

// find is the log of the reply on this instance, nil when there is none.
func (h *hub) find(replyID string) *replyLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.logs[replyID]
}

// run is this instance's run of the reply, nil when it has none.
func (h *hub) run(replyID string) *activeRun {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runs[replyID]
}

// own puts in the log of a run of this instance; a replica there is replaced.
func (h *hub) own(r *activeRun) {
	h.mu.Lock()
	h.last++
	r.number = h.last
	old := h.logs[r.row.ReplyID]
	h.logs[r.row.ReplyID] = r.log
	h.runs[r.row.ReplyID] = r
	h.mu.Unlock()
	if old != nil {
		old.replace()
	}
}

// replica puts in log unless there is one already, and returns the one that counts.
func (h *hub) replica(replyID string, log *replyLog) (found *replyLog, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.logs[replyID]; l != nil {
		return l, false
	}
	h.logs[replyID] = log
	return log, true
}

// drop forgets the log if it is still the one of the reply.
func (h *hub) drop(replyID string, log *replyLog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.logs[replyID] == log {
		delete(h.logs, replyID)
		delete(h.runs, replyID)
	}
}

// all are this instance's runs.
func (h *hub) all() []*activeRun { return h.some(0, 1) }

// some are those of this instance's runs whose turn it is.
func (h *hub) some(turn, turns int) []*activeRun {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*activeRun, 0, len(h.runs)/turns+1)
	for _, r := range h.runs {
		if r.number%turns == turn {
			out = append(out, r)
		}
	}
	return out
}

// tasks are goroutines that can be waited for.
type tasks struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// start runs f on a goroutine of its own; it reports false once closed.
func (t *tasks) start(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// close refuses further starts and waits for all.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.wg.Wait()
}
