package chat_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P95: all running replies of one owner stop at once, also those that another instance
// writes, and nobody else's.
func TestAllRepliesOfAnOwnerAreStopped(t *testing.T) {
	h := newHouse(t)
	here, there := h.open(), h.open()
	script := inferencetest.Script{inferencetest.Say("so far "), inferencetest.Hang()}
	h.engine.Queue(script, script, script)
	mine, other := here.guest(), here.guest()
	first := here.send(mine, "one")
	mine = first.Viewer
	second := there.send(mine, "two")
	others := here.send(other, "three")
	for range 3 {
		receive(t, "a request upstream", h.engine.Started())
	}
	if err := here.StopAll(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first.Reply.ID, second.Reply.ID} {
		if m := here.find(mine, id); m.Status != models.MessageStopped {
			t.Errorf("%s is %s", id, m.Status)
		}
	}
	if m := here.find(others.Viewer, others.Reply.ID); !m.Status.Live() {
		t.Errorf("somebody else's reply is %s", m.Status)
	}
	if err := here.StopAll(t.Context(), viewer.Viewer{}); err != nil {
		t.Errorf("nobody: %v", err)
	}
}
