package chat_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// placeLease is how long a dead instance's streams count: longer than its runs are its own.
const placeLease = 3 * time.Second

// limits are an instance's limits, where there are some.
func (h *house) limits(db *database.DB) *ratelimit.Service {
	if h.streams == 0 {
		return nil
	}
	return ratelimit.New(ratelimit.Config{DB: db, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Lease: placeLease, Limits: ratelimit.Limits{StreamsPerKey: h.streams}})
}

type messages struct{ limits *ratelimit.Service }

func (m messages) AdmitMessage(ctx context.Context, v viewer.Viewer, tokens int64) (chat.Permit, error) {
	p, err := m.limits.Admit(ctx, v, ratelimit.Ask{Route: ratelimit.RouteMessage, Tokens: tokens, Stream: true})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (m messages) KeepMessage(ownerID, keyID string) chat.Permit {
	return m.limits.Keep(viewer.Viewer{Kind: viewer.APIKey, OwnerID: ownerID, KeyID: keyID}, ratelimit.RouteMessage)
}

// begins has a key send, and says whether it was let in.
func (i *instance) begins(v viewer.Viewer) bool {
	i.t.Helper()
	_, err := i.Send(i.t.Context(), v, chat.Send{ClientID: clientID(), Text: "one more"})
	if err != nil && !fault.Is(err, fault.RateLimited) {
		i.t.Errorf("refused for another reason: %v", err)
	}
	return err == nil
}

// R-LIMIT: the place that a key's reply has among its streams is held until the reply has
// ended, wherever it is written by then: when the instance goes down in order, and when it
// dies and the run and the place outlast their leases. Then it is free.
func TestAKeysStreamIsHeldWhereverItIsWritten(t *testing.T) {
	for name, end := range map[string]func(i *instance){
		"the instance goes down": func(i *instance) { i.close() },
		"the instance dies":      func(i *instance) { _ = i.db.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.continu, h.streams = true, 1
			a, b, c := h.open(), h.open(), h.open()
			h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
				return inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()}
			})
			v := a.signIn(a.guest(), "builder")
			v.Kind, v.KeyID = viewer.APIKey, "key_1"
			reply := a.send(v, "go").Reply.ID
			eventually(t, "a piece to be stored", func() bool { return checkpointed(t, b) > 0 })
			end(a)
			running := func() int { return b.Running() + c.Running() }
			asks := time.NewTicker(20 * time.Millisecond)
			defer asks.Stop()
			for deadline := time.Now().Add(placeLease * 5 / 3); time.Now().Before(deadline); <-asks.C {
				if b.begins(v) || c.begins(v) {
					t.Fatalf("a second stream began beside the one that is written (by %d others)", running())
				}
			}
			if running() != 1 {
				t.Fatalf("%d write the reply", running())
			}
			if m, err := c.Stop(t.Context(), v, reply); err != nil || m.Status != models.MessageStopped {
				t.Fatal(m, err)
			}
			eventually(t, "the place to be free", func() bool { return b.begins(v) })
			if c.begins(v) {
				t.Error("more than one place is free")
			}
		})
	}
}
