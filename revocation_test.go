package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/models"
)

// instances are products on one database and one broker.
func instances(t *testing.T, n int, settings ...string) (all []*product) {
	t.Helper()
	dirs := make([]string, n)
	for i := range dirs {
		dirs[i] = t.TempDir()
	}
	return instancesIn(t, dirs, settings...)
}

// instancesIn are instances, one in each of the folders.
func instancesIn(t *testing.T, dirs []string, settings ...string) (all []*product) {
	t.Helper()
	broker, err := nats.NewServer(&nats.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() { broker.Shutdown(); broker.WaitForShutdown() })
	if !broker.ReadyForConnections(patience) {
		t.Fatal("the broker does not start")
	}
	settings = append([]string{"DATABASE_URL=" + dbtest.URL(t), "NATS_URL=" + broker.ClientURL(), "SOCKETS_PER_IP=1000", "SOCKETS_PER_PRINCIPAL=1000"}, settings...)
	for _, dir := range dirs {
		all = append(all, start(t, append([]string{"DATA_DIR=" + dir}, settings...)...))
	}
	return all
}

// at is the same browser talking to another instance: cookies don't know ports.
func (b *browser) at(p *product) *browser { return &browser{p: p, http: b.http, passed: b.passed} }

const viewerEvents = `subscription { viewerEvents { __typename } }`

// ended tells when a connection has ended, and how.
type ended struct {
	at  time.Time
	how string
}

// follow opens a socket with a subscription and tells of its end.
func (b *browser) follow() <-chan ended {
	s := b.socket()
	s.subscribe("1", viewerEvents, nil)
	out := make(chan ended, 1)
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	go func() {
		for {
			if _, _, err := s.conn.ReadMessage(); err != nil {
				e := ended{time.Now(), err.Error()}
				var closed *websocket.CloseError
				if errors.As(err, &closed) {
					e.how = fmt.Sprint(closed.Code, " ", closed.Text)
				}
				out <- e
				return
			}
		}
	}()
	return out
}

// followStream opens an event stream and tells of its end.
func (b *browser) followStream() <-chan ended {
	resp := b.request("text/event-stream", viewerEvents, nil)
	r := bufio.NewReader(resp.Body)
	if _, err := r.ReadString('\n'); err != nil { // it is open
		b.p.t.Fatal(err)
	}
	out := make(chan ended, 1)
	go func() {
		defer resp.Body.Close()
		how := ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				out <- ended{time.Now(), how}
				return
			}
			if strings.Contains(line, "UNAUTHENTICATED") {
				how = "UNAUTHENTICATED"
			}
		}
	}()
	return out
}

func await(t *testing.T, c <-chan ended, what, how string) time.Time {
	t.Helper()
	select {
	case e := <-c:
		if e.how != how {
			t.Errorf("%s ended with %q, not %q", what, e.how, how)
		}
		return e.at
	case <-time.After(patience):
		t.Fatalf("%s doesn't end", what)
	}
	return time.Time{}
}

// P15, T3: a session that is revoked on one instance is over on all within a second:
// its sockets, its event streams, and its cookie. Other sessions are left alone.
func TestRevocationReachesEverySocketOfEveryInstance(t *testing.T) {
	all := instances(t, 3)
	revoke := `mutation($id: ID!) { sessionRevoke(input: {sessionId: $id}) { revokedId userErrors { code } } }`
	keeper := all[0].signIn("somebody")
	kept := keeper.at(all[1]).follow()
	var slowest time.Duration
	for n := range 8 {
		session := all[n%3].session("somebody")
		device := all[0].browser()
		device.enter(session)
		var ends []<-chan ended
		for _, p := range all {
			ends = append(ends, device.at(p).follow(), device.at(p).followStream())
		}
		began := time.Now()
		want(t, at(keeper.ask(revoke, map[string]any{"id": session.Viewer.SessionID}), "data", "sessionRevoke", "userErrors"), `[]`)
		for i, end := range ends {
			how := "4403 session ended"
			if i%2 == 1 {
				how = "UNAUTHENTICATED"
			}
			slowest = max(slowest, await(t, end, fmt.Sprintf("connection %d of device %d", i, n), how).Sub(began))
		}
		for _, p := range all {
			if kind := at(device.at(p).ask(`{ viewer { kind } }`, nil), "data", "viewer", "kind"); kind != "GUEST" {
				t.Errorf("the cookie of device %d is good for %v", n, kind)
			}
		}
	}
	t.Logf("the slowest of 48 connections ended %v after the revocation was sent", slowest)
	if slowest > time.Second {
		t.Errorf("the slowest connection ended after %v", slowest)
	}
	select {
	case e := <-kept:
		t.Errorf("another session's socket ended: %v", e)
	default:
	}
}

// P15: ending all others, and signing out, do the same.
func TestRevokeOthersAndSignOutEndSockets(t *testing.T) {
	all := instances(t, 2)
	keeper, first, second := all[0].signIn("somebody"), all[0].signIn("somebody"), all[1].signIn("somebody")
	stranger := all[1].signIn("stranger").follow()
	kept, one, two := keeper.at(all[1]).follow(), first.at(all[1]).follow(), second.at(all[0]).followStream()
	want(t, at(keeper.ask(`mutation { sessionRevokeOthers(input: {}) { revoked userErrors { code } } }`, nil), "data", "sessionRevokeOthers"), `{"revoked":2,"userErrors":[]}`)
	await(t, one, "the first socket", "4403 session ended")
	await(t, two, "the second stream", "UNAUTHENTICATED")
	resp, err := keeper.http.Post(all[0].url+"/auth/sign-out", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	await(t, kept, "the socket that was kept", "4403 session ended")
	select {
	case e := <-stranger:
		t.Errorf("a stranger's socket ended: %v", e)
	default:
	}
}

// A guest who signs in, here or in another tab, is told on its sockets, and comes back
// as the account with everything it had.
func TestSigningInEndsTheGuestsSockets(t *testing.T) {
	all := instances(t, 2)
	b := all[0].browser()
	conversation, _, _ := b.finished("before signing in")
	guest := b.at(all[1]).follow()
	u, err := url.Parse(all[0].url)
	if err != nil {
		t.Fatal(err)
	}
	cookie := ""
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == "guest" {
			cookie = c.Value
		}
	}
	from, err := all[0].server.accounts.Viewer(t.Context(), cookie)
	if err != nil || !from.IsOwner() {
		t.Fatalf("%v %v", from, err)
	}
	entry, err := all[0].server.accounts.SignIn(t.Context(), account.SignIn{From: from,
		Proof: account.Proof{Provider: models.ProviderGitHub, Subject: "1", Name: "Guest", Email: "guest@example.org", Verified: true}})
	if err != nil {
		t.Fatal(err)
	}
	await(t, guest, "the guest's socket", "4403 session ended")
	b.enter(entry)
	again := b.at(all[1]).socket()
	again.subscribe("1", `query($id: ID!) { viewer { kind conversation(id: $id) { id } } }`, map[string]any{"id": conversation})
	want(t, at(again.read(), "payload", "data", "viewer"), fmt.Sprintf(`{"kind":"ACCOUNT","conversation":{"id":%q}}`, conversation))
}
