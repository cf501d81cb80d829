package ratelimit_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// hand is a clock that tests move.
type hand struct{ at atomic.Int64 }

func newHand() *hand {
	h := new(hand)
	h.at.Store(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return h
}

func (h *hand) Now() time.Time       { return time.Unix(0, h.at.Load()).UTC() }
func (h *hand) move(d time.Duration) { h.at.Add(int64(d)) }
func key(owner, id string) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.APIKey, OwnerID: owner, KeyID: id}
}

// open is one instance on a database.
func open(t testing.TB, db *database.DB, now *hand, l ratelimit.Limits) *ratelimit.Service {
	t.Helper()
	s := ratelimit.New(ratelimit.Config{DB: db, Clock: now, Exact: now, Log: slog.New(slog.DiscardHandler), Limits: l})
	t.Cleanup(s.Close)
	return s
}

// three are three instances on one database, each with connections of its own.
func three(t *testing.T, l ratelimit.Limits) ([]*ratelimit.Service, *hand) {
	t.Helper()
	url, now := dbtest.URL(t), newHand()
	var out []*ratelimit.Service
	for range 3 {
		out = append(out, open(t, dbtest.Open(t, url), now, l))
	}
	return out, now
}

// storm has n callers ask at once, spread over the instances, and counts who is let in.
func storm(t *testing.T, all []*ratelimit.Service, n int, who func(i int) viewer.Viewer, ask ratelimit.Ask) (admitted []*ratelimit.Permit, refused []error) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			p, err := all[i%len(all)].Admit(t.Context(), who(i), ask)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused = append(refused, err)
				return
			}
			admitted = append(admitted, p)
		})
	}
	close(begin)
	wg.Wait()
	for _, err := range refused {
		if list, ok := fault.Of(err); !ok || list[0].Code != fault.RateLimited || list[0].RetryAfter <= 0 {
			t.Fatalf("refused otherwise: %v", err)
		}
	}
	return admitted, refused
}

func one(v viewer.Viewer) func(int) viewer.Viewer { return func(int) viewer.Viewer { return v } }

// P74, R-LIMIT: requests and tokens a minute, streams at once, and the cost of documents end
// exactly at their edge however many ask at once on three instances; a moment later as
// many pass as have come back.
func TestEachLimitEndsExactlyAtItsEdge(t *testing.T) {
	for name, c := range map[string]struct {
		limits ratelimit.Limits
		ask    ratelimit.Ask
		says   string
	}{
		"requests of a key":        {ratelimit.Limits{RequestsPerKey: 60}, ratelimit.Ask{Route: ratelimit.RouteCompletions}, "this API key may send 60 requests a minute: try again in a second"},
		"tokens of a key":          {ratelimit.Limits{TokensPerKey: 60_000}, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 1000}, "this API key may use 60000 tokens a minute: try again in a second"},
		"requests of an account":   {ratelimit.Limits{RequestsPerAccount: 60}, ratelimit.Ask{Route: ratelimit.RouteGraphQL}, "your API keys together may send 60 requests a minute: try again in a second"},
		"tokens of an account":     {ratelimit.Limits{TokensPerAccount: 60_000}, ratelimit.Ask{Route: ratelimit.RouteMessage, Tokens: 1000}, "your API keys together may use 60000 tokens a minute: try again in a second"},
		"cost of an account's key": {ratelimit.Limits{CostPerAccount: 6000}, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, "your API keys together may ask for documents of a cost of 6000 a minute"},
	} {
		t.Run(name, func(t *testing.T) {
			all, now := three(t, c.limits)
			v := key("own_1", "key_1")
			in, out := storm(t, all, 180, one(v), c.ask)
			if len(in) != 60 || len(out) != 120 {
				t.Fatalf("%d of 180 were let in, %d not", len(in), len(out))
			}
			if !strings.Contains(out[0].Error(), c.says) {
				t.Errorf("told: %v", out[0])
			}
			now.move(time.Second - time.Nanosecond)
			if in, _ := storm(t, all, 9, one(v), c.ask); len(in) != 0 {
				t.Errorf("%d were let in too early", len(in))
			}
			now.move(2*time.Second + time.Nanosecond)
			if in, _ := storm(t, all, 30, one(v), c.ask); len(in) != 3 {
				t.Errorf("%d were let in after three seconds", len(in))
			}
			if in, _ := storm(t, all, 3, one(key("own_2", "key_2")), c.ask); len(in) != 3 {
				t.Errorf("another's limit is used up too: %d of 3", len(in))
			}
		})
	}
}

// P74: a request is taken off all its limits or off none: what one refuses is not counted
// by the others.
func TestARefusedRequestUsesNothingUp(t *testing.T) {
	all, _ := three(t, ratelimit.Limits{RequestsPerKey: 10, RequestsPerAccount: 25, TokensPerAccount: 2500})
	var in int
	for i, want := range []int{10, 10, 5} {
		got, _ := storm(t, all, 60, one(key("own_1", "key_"+string(rune('a'+i)))), ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 100})
		if in += len(got); len(got) != want {
			t.Errorf("key %d: %d were let in, want %d", i, len(got), want)
		}
	}
	states, err := all[0].States(t.Context(), key("own_1", "key_c"))
	if err != nil || in != 25 {
		t.Fatal(in, err)
	}
	left := map[models.RateLimitScope]map[models.RateLimitName]int64{models.LimitOfKey: {}, models.LimitOfAccount: {}}
	for _, s := range states {
		left[s.Scope][s.Name] = s.Remaining
	}
	if left[models.LimitOfKey][models.LimitRequests] != 5 || left[models.LimitOfAccount][models.LimitRequests] != 0 || left[models.LimitOfAccount][models.LimitTokens] != 0 {
		t.Errorf("%v", left)
	}
}

// P74: many keys of many accounts, each in an order of its own, wait in no circle.
func TestManyAccountsAtOnceWaitInNoCircle(t *testing.T) {
	all, _ := three(t, ratelimit.Limits{RequestsPerKey: 8, RequestsPerAccount: 8, TokensPerKey: 8, StreamsPerAccount: 8})
	var byOwner [12]atomic.Int64
	var wg sync.WaitGroup
	for caller := range 48 {
		wg.Go(func() {
			for _, n := range rand.Perm(len(byOwner)) {
				v := key("own_"+string(rune('a'+n)), "key_"+string(rune('a'+n)))
				p, err := all[caller%3].Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 1, Stream: true})
				switch {
				case err == nil:
					byOwner[n].Add(1)
					p.Done(1)
				case !fault.Is(err, fault.RateLimited):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for n := range byOwner {
		if got := byOwner[n].Load(); got != 8 {
			t.Errorf("owner %d: %d were let in", n, got)
		}
	}
}

// P74: places are exact over instances, come back when a stream ends, and those of an
// instance that died when its lease has ended.
func TestPlacesComeBack(t *testing.T) {
	all, _ := three(t, ratelimit.Limits{StreamsPerKey: 20})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	in, out := storm(t, all, 90, one(v), ask)
	if len(in) != 20 || !strings.Contains(out[0].Error(), "20 streams at once") {
		t.Fatalf("%d were let in: %v", len(in), out[0])
	}
	for _, p := range in[:7] {
		p.Done(-1)
		p.Done(-1) // only once
	}
	settled(t, all[0], v, 7)
	if in, _ := storm(t, all, 60, one(v), ask); len(in) != 7 {
		t.Errorf("%d were let in for 7 that ended", len(in))
	}
}

// P74: the places of an instance that died are free when its lease has ended, not before;
// those of one that is alive stay.
func TestADeadInstancesPlacesAreFreed(t *testing.T) {
	url, now, l := dbtest.URL(t), newHand(), ratelimit.Limits{StreamsPerKey: 20}
	silenced := dbtest.Open(t, url)
	dead, alive, third := open(t, silenced, now, l), open(t, dbtest.Open(t, url), now, l), open(t, dbtest.Open(t, url), now, l)
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	for s, n := range map[*ratelimit.Service]int{dead: 5, alive: 10} {
		if in, _ := storm(t, []*ratelimit.Service{s}, n, one(v), ask); len(in) != n {
			t.Fatalf("%d of %d", len(in), n)
		}
	}
	if err := silenced.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	now.move(15*time.Second - 1)
	if err := alive.RenewOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in, _ := storm(t, []*ratelimit.Service{third}, 30, one(v), ask); len(in) != 5 {
		t.Errorf("%d were let in before the lease ended", len(in))
	}
	now.move(1)
	if in, _ := storm(t, []*ratelimit.Service{third, alive}, 30, one(v), ask); len(in) != 5 {
		t.Errorf("%d were let in for the dead one's 5", len(in))
	}
}

// settled waits until the database says that so many places are free.
func settled(t *testing.T, s *ratelimit.Service, v viewer.Viewer, free int64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		states, err := s.States(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range states {
			if st.Name == models.LimitStreams && st.Remaining == free {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("never %d free: %v", free, states)
		}
	}
}

// P74: an instance that is alive keeps its places beyond the lease, and gives them back
// when it closes.
func TestALivingInstanceKeepsItsPlaces(t *testing.T) {
	const lease = 1500 * time.Millisecond // a busy machine is late by some hundred
	url := dbtest.URL(t)
	l := ratelimit.Limits{StreamsPerAccount: 2}
	start := func() *ratelimit.Service {
		return ratelimit.New(ratelimit.Config{DB: dbtest.Open(t, url), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Limits: l, Lease: lease})
	}
	a, b := start(), start()
	defer b.Close()
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	for range 2 {
		if _, err := a.Admit(t.Context(), v, ask); err != nil {
			t.Fatal(err)
		}
	}
	asks := time.NewTicker(20 * time.Millisecond)
	defer asks.Stop()
	for began := time.Now(); time.Since(began) < 2*lease; <-asks.C {
		if _, err := b.Admit(t.Context(), v, ask); !fault.Is(err, fault.RateLimited) {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
	}
	a.Close()
	if _, err := b.Admit(t.Context(), v, ask); err != nil {
		t.Error(err)
	}
}

// P74: a place that is left to whoever goes on counts until a lease after its instance closed;
// who goes on holds it unasked, and lets nobody else in for it.
func TestAPlaceThatIsLeftIsKept(t *testing.T) {
	all, now := three(t, ratelimit.Limits{StreamsPerKey: 3, StreamsPerAccount: 5})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteMessage, Stream: true}
	in, _ := storm(t, all[:1], 9, one(v), ask)
	if len(in) != 3 {
		t.Fatalf("%d were let in", len(in))
	}
	in[0].Leave()
	in[0].Done(0) // comes too late
	in[1].Leave()
	all[0].Close()
	settled(t, all[1], v, 1)
	if in, _ := storm(t, all[1:], 9, one(v), ask); len(in) != 1 {
		t.Errorf("%d were let in for the one that wasn't left", len(in))
	}
	kept := []*ratelimit.Permit{all[1].Keep(v, ratelimit.RouteMessage), all[2].Keep(v, ratelimit.RouteMessage)}
	settled(t, all[1], v, 0)
	now.move(15*time.Second - 1)
	for _, s := range all[1:] {
		if err := s.RenewOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now.move(1)
	if in, _ := storm(t, all[1:], 9, one(v), ask); len(in) != 0 {
		t.Errorf("%d were let in beside those that were kept", len(in))
	}
	kept[0].Done(-1)
	settled(t, all[2], v, 1)
	if in, _ := storm(t, all[1:], 9, one(v), ask); len(in) != 1 {
		t.Errorf("%d were let in for one that has ended", len(in))
	}
	if in, _ := storm(t, all[1:], 9, one(key("own_1", "key_2")), ask); len(in) != 2 {
		t.Errorf("of the account's five %d are left, not 2", len(in))
	}
}

// P74: tokens are guessed first and corrected afterwards, upwards and downwards; an ask
// larger than a minute's tokens waits for all of them, and is paid off.
func TestGuessedTokensAreCorrected(t *testing.T) {
	all, now := three(t, ratelimit.Limits{TokensPerKey: 6000}) // 100 a second
	s, v := all[0], key("own_1", "key_1")
	admit := func(tokens int64) (*ratelimit.Permit, error) {
		return s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: tokens})
	}
	p, err := admit(5000)
	if err != nil || p.Status().Tokens != (ratelimit.Window{Limit: 6000, Remaining: 1000, Reset: 50 * time.Second}) {
		t.Fatal(p, err)
	}
	p.Done(2000)
	p, err = admit(4000) // the correction goes with the next batch at the latest
	if err != nil || p.Status().Remaining != 0 || p.Status().What != models.LimitTokens {
		t.Fatal(p, err)
	}
	p.Done(7000)
	_, err = admit(1)
	if list, _ := fault.Of(err); len(list) == 0 || list[0].RetryAfter != 30*time.Second+10*time.Millisecond {
		t.Errorf("3000 too many: %v", err)
	}
	now.move(90*time.Second - 1)
	if _, err = admit(9000); !fault.Is(err, fault.RateLimited) {
		t.Errorf("more than a minute's tokens before all are there: %v", err)
	}
	now.move(1)
	if _, err = admit(9000); err != nil {
		t.Error(err)
	}
	if _, err = admit(1); !strings.Contains(err.Error(), "try again in 31 seconds") {
		t.Error(err)
	}
	if status, ok := ratelimit.StatusOf(err); !ok || status.Limit != 6000 || status.Remaining != 0 || status.Reset != 90*time.Second {
		t.Errorf("%+v %v", status, ok)
	}
}

// A key's own limits count when they are lower than those of every key.
func TestAKeysOwnLimits(t *testing.T) {
	for name, c := range map[string]struct {
		all, own int64
		want     int
	}{"lower": {20, 5, 5}, "higher": {5, 20, 5}, "none of every key": {0, 5, 5}, "none of its own": {5, 0, 5}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dbtest.New(t), newHand(), ratelimit.Limits{RequestsPerKey: c.all})
			v := key("own_1", "key_1")
			v.KeyRequestsPerMinute = c.own
			if in, _ := storm(t, []*ratelimit.Service{s}, 30, one(v), ratelimit.Ask{Route: ratelimit.RouteModels}); len(in) != c.want {
				t.Errorf("%d were let in", len(in))
			}
		})
	}
}

// R-GQL: pages spend 20,000 a minute, guests 2,000, without a look into the database;
// visitors share by address, those without a cookie too. Messages are counted apart.
func TestPagesSpendInMemory(t *testing.T) {
	db, now := dbtest.New(t), newHand()
	s := open(t, db, now, ratelimit.Limits{CostPerAccount: 20_000, CostPerGuest: 2000, MessagesPerAccount: 30, MessagesPerGuest: 10})
	account := viewer.Viewer{Kind: viewer.Account, OwnerID: "own_1"}
	guest := viewer.Viewer{Kind: viewer.Guest, OwnerID: "own_2"}
	visitor := viewer.Viewer{Kind: viewer.Visitor, Network: netip.MustParseAddr("192.0.2.7")}
	sixth := viewer.Viewer{Kind: viewer.Visitor, Network: netip.MustParseAddr("2001:db8::1")}
	neighbour := viewer.Viewer{Kind: viewer.Visitor, Network: netip.MustParseAddr("2001:db8::2")}
	messages := ratelimit.Ask{Route: ratelimit.RouteMessage, Tokens: 100_000}
	for _, c := range []struct {
		v    viewer.Viewer
		ask  ratelimit.Ask
		want int
	}{
		{account, messages, 30}, {guest, messages, 10},
		{account, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 200},
		{guest, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 20},
		{visitor, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 200},
		{sixth, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 200},
		{neighbour, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 0},
		{viewer.Viewer{Network: visitor.Network}, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 0},
		{viewer.Viewer{Network: netip.MustParseAddr("192.0.2.8")}, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 200},
		{viewer.Viewer{Kind: viewer.Visitor, Network: netip.MustParseAddr("192.0.2.8")}, ratelimit.Ask{Route: ratelimit.RouteModels}, 300},
		{viewer.Viewer{}, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 200},
		{viewer.Viewer{Kind: viewer.Visitor}, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}, 0},
	} {
		if in, _ := storm(t, []*ratelimit.Service{s}, 300, one(c.v), c.ask); len(in) != c.want {
			t.Errorf("%v: %d were let in, want %d", c.v, len(in), c.want)
		}
	}
	states, err := s.States(t.Context(), guest)
	if err != nil || len(states) != 2 || states[0] != (models.RateLimitState{Name: models.LimitCost, Scope: models.LimitOfGuest, Limit: 2000, ResetAt: now.Now().Add(time.Minute)}) ||
		states[1].Name != models.LimitRequests || states[1].Remaining != 0 {
		t.Errorf("%+v %v", states, err)
	}
	now.move(3 * time.Second)
	if in, _ := storm(t, []*ratelimit.Service{s}, 5, one(guest), ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 100}); len(in) != 1 {
		t.Errorf("%d after three seconds", len(in))
	}
	if err := db.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admit(t.Context(), account, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 0}); err != nil {
		t.Error(err)
	}
}

// R-LIMIT: without the database nothing reaches the engine, and reading goes on; it is
// warned of once a minute.
func TestWithoutADatabaseOnlyReadingGoesOn(t *testing.T) {
	db, now := dbtest.New(t), newHand()
	var logs lines
	s := ratelimit.New(ratelimit.Config{DB: db, Clock: now, Log: slog.New(slog.NewTextHandler(&logs, nil)), Limits: ratelimit.Limits{RequestsPerKey: 100}})
	defer s.Close()
	if err := db.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	v := key("own_1", "key_1")
	for range 5 {
		if _, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions}); err == nil || fault.Is(err, fault.RateLimited) {
			t.Fatalf("a completion: %v", err)
		}
		if p, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: 3}); err != nil || p == nil {
			t.Fatalf("a query: %v", err)
		}
	}
	var fresh lines // nothing has been tried by this one: its first request finds out
	s2 := ratelimit.New(ratelimit.Config{DB: db, Clock: now, Log: slog.New(slog.NewTextHandler(&fresh, nil)), Limits: ratelimit.Limits{RequestsPerKey: 100}})
	defer s2.Close()
	for range 3 {
		if _, err := s2.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteModels}); err != nil {
			t.Fatal(err)
		}
	}
	const warning = "limits can't be counted"
	if n, m := logs.count(warning), fresh.count(warning); n > 1 || m != 1 {
		t.Errorf("warned %d and %d times", n, m)
	}
}

// Who gives up waiting keeps no place.
func TestWhoGivesUpKeepsNoPlace(t *testing.T) {
	s := open(t, dbtest.New(t), newHand(), ratelimit.Limits{StreamsPerKey: 3})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			p, err := s.Admit(ctx, v, ask)
			switch {
			case err == nil:
				p.Done(-1)
			case !errors.Is(err, context.Canceled) && !fault.Is(err, fault.RateLimited):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	settled(t, s, v, 3)
}

// What counts for nothing any more is forgotten, and an owner's rows go with it.
func TestIdleBucketsAreForgotten(t *testing.T) {
	db, now := dbtest.New(t), newHand()
	s := open(t, db, now, ratelimit.Limits{RequestsPerKey: 60, StreamsPerKey: 5})
	for _, owner := range []string{"own_1", "own_2"} {
		if _, err := db.Pool().Exec(t.Context(), `INSERT INTO owners (id, kind, key_wrapped, messages_used, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x01', 0, now(), now())`, owner); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Admit(t.Context(), key(owner, "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}); err != nil {
			t.Fatal(err)
		}
	}
	rows := func() (n int) {
		if err := db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM rate_buckets WHERE tat > 0) + (SELECT count(*) FROM rate_places)`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := rows(); n != 4 {
		t.Fatalf("%d rows", n)
	}
	if _, err := db.Pool().Exec(t.Context(), `DELETE FROM owners WHERE id = 'own_1'`); err != nil {
		t.Fatal(err)
	}
	if n := rows(); n != 2 {
		t.Errorf("%d rows after an owner was removed", n)
	}
	now.move(5 * time.Minute)
	if _, err := s.Sweep(t.Context()); err != nil || rows() != 2 {
		t.Errorf("forgotten too early: %d rows, %v", rows(), err)
	}
	now.move(time.Hour)
	if _, err := s.Sweep(t.Context()); err != nil || rows() != 0 {
		t.Errorf("%d rows are kept, %v", rows(), err)
	}
}

// lines counts log lines.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.all.String(), words)
}
