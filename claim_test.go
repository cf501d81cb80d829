package main

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P38, P39: 50 sends at once over three instances, by a guest who may send 10, are
// exactly 10 requests to the engine; the other 40 are told why.
func TestTheGuestLimitIsExactOnThreeInstances(t *testing.T) {
	engine := inferencetest.New(t)
	all := instances(t, 3, "INFERENCE_URL="+engine.URL(), "GUEST_MESSAGE_LIMIT=10", "STREAMS_PER_GUEST=100", "STREAMS_PER_ACCOUNT=100", "RATE_MESSAGES_PER_GUEST=0") // 50 are more than a minute's
	b := all[0].browser()
	b.pass()
	var g errgroup.Group
	codes := make(chan any, 50)
	for n := range 50 {
		g.Go(func() error {
			sent := b.at(all[n%3]).plainSend(fmt.Sprint("c", n), "Hi!")
			codes <- at(sent, "userErrors", 0, "code")
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	close(codes)
	told := map[any]int{}
	for code := range codes {
		told[code]++
	}
	if told[nil] != 10 || told["GUEST_LIMIT_REACHED"] != 40 {
		t.Errorf("%v", told)
	}
	for range 10 {
		inferencetest.Await(t, engine.Started(), "a request to the engine")
	}
	if n := len(engine.Requests()); n != 10 {
		t.Errorf("%d requests to the engine", n)
	}
	if n := all[0].owners(); n != 1 {
		t.Errorf("%d guests", n)
	}
	want(t, at(b.at(all[2]).ask(`{ viewer { guest { messagesLeft messageLimit } } }`, nil), "data", "viewer", "guest"), `{"messagesLeft":0,"messageLimit":10}`)
}

// P43: a guest of one instance signs in on another while its reply is being written;
// on the third the account follows it to its end. The old cookie is nobody's.
func TestAGuestSignsInWhileAReplyIsWritten(t *testing.T) {
	engine := inferencetest.New(t)
	all := instances(t, 3, "INFERENCE_URL="+engine.URL())
	release := make(chan struct{})
	engine.Queue(inferencetest.Script{inferencetest.Say("Hello "), inferencetest.Wait(release), inferencetest.Say("you"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
	all[1].session("ann")
	b := all[0].browser()
	sent := at(b.send("c1", "Hi!"), "data", "messageSend")
	reply, conversation := at(sent, "reply", "id"), at(sent, "conversation", "id")
	inferencetest.Await(t, engine.Started(), "the engine")

	guest, err := all[1].server.accounts.Viewer(t.Context(), b.cookies()["guest"])
	if err != nil || guest.Kind != viewer.Guest {
		t.Fatal(guest, err)
	}
	e, err := all[1].server.accounts.SignIn(t.Context(), account.SignIn{From: guest, Device: account.ParseDevice(firefox),
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: "ann", Name: "ann", Email: "ann@example.org", Verified: true}})
	if err != nil {
		t.Fatal(err)
	}
	old := b.cookies()["guest"]
	b = all[2].browser()
	b.enter(e)
	s := b.socket()
	s.subscribe("1", eventsDocument, map[string]any{"id": reply})
	text, seq := "", -1.0
	for finished := false; !finished; {
		m := s.read()
		event := at(m, "payload", "data", "replyEvents")
		now, _ := at(event, "seq").(float64)
		switch at(event, "__typename") {
		case "ReplySnapshot":
			text = at(event, "text").(string)
		case "ReplyDelta":
			if now <= seq {
				t.Errorf("seq %v after %v", now, seq)
			}
			text += at(event, "text").(string)
		case "ReplyFinished":
			finished = true
		default:
			t.Fatalf("%v", m)
		}
		seq = now
		if text == "Hello " && release != nil {
			close(release)
			release = nil
		}
	}
	if text != "Hello you" {
		t.Errorf("followed %q", text)
	}
	got := b.ask(`query($id: ID!) { viewer { kind conversation(id: $id) { title leaf { text status } } conversations { nodes { id } } } }`, map[string]any{"id": conversation})
	want(t, got["data"], fmt.Sprintf(`{"viewer":{"kind":"ACCOUNT","conversation":{"title":"Hi!","leaf":{"text":"Hello you","status":"COMPLETE"}},"conversations":{"nodes":[{"id":%q}]}}}`, conversation))
	if v, err := all[0].server.accounts.Viewer(t.Context(), old); err != nil || v.Kind != viewer.Visitor {
		t.Error("the guest's cookie is", v, err)
	}
	if n := all[0].owners(); n != 1 {
		t.Errorf("%d owners", n)
	}
}
