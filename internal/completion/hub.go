package completion

import (
	"maps"
	"slices"
	"sync"
)

// hub knows the runs of this instance.
type hub struct {
	mu   *sync.Mutex
	runs map[*Run]struct{}
	idle chan struct{} // nil until closed; then closed when the last run leaves
}

func newHub() hub { return hub{mu: new(sync.Mutex), runs: map[*Run]struct{}{}} }

// add refuses a run once the hub is closed.
func (h *hub) add(r *Run) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.idle != nil {
		return false
	}
	h.runs[r] = struct{}{}
	return true
}

func (h *hub) drop(r *Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.runs[r]; !ok {
		return
	}
	delete(h.runs, r)
	if h.idle != nil && len(h.runs) == 0 {
		close(h.idle)
	}
}

// close takes no more runs; the channel closes when there are none any more.
func (h *hub) close() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.idle == nil {
		h.idle = make(chan struct{})
		if len(h.runs) == 0 {
			close(h.idle)
		}
	}
	return h.idle
}

func (h *hub) closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.idle != nil
}

func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.runs)
}

func (h *hub) all() []*Run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.runs))
}

// breakOff ends the runs that match, and returns them.
func (h *hub) breakOff(match func(*Run) bool, why error) (ended []*Run) {
	for _, r := range h.all() {
		if match(r) {
			r.cancel(why)
			ended = append(ended, r)
		}
	}
	return ended
}

// leave ends what the service knows of a run.
func (s *Service) leave(r *Run, tokens int64) {
	r.spent(tokens)
	r.cancel(nil)
	s.hub.drop(r)
	close(r.left)
}
