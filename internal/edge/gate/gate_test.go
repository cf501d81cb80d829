package gate_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
)

func TestOneNetworkIsOneAddress(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		g := gate.New(gate.Limits{PerIP: 1})
		if _, err := g.Enter(netip.MustParseAddr(tc.a)); err != nil {
			t.Fatal(err)
		}
		_, err := g.Enter(netip.MustParseAddr(tc.b))
		if (err != nil) != tc.same {
			t.Errorf("%s after %s: %v", tc.b, tc.a, err)
		}
	}
}

func TestUnknownAddressesCountInTotalOnly(t *testing.T) {
	g := gate.New(gate.Limits{Total: 3, PerIP: 1})
	for range 3 {
		if _, err := g.Enter(netip.Addr{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := g.Enter(netip.Addr{})
	var full *gate.Refusal
	if !errors.As(err, &full) || full.Scope != gate.Total || full.Status() != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestNegativeLimitsAreNone(t *testing.T) {
	g := gate.New(gate.Limits{Total: -1, PerIP: -1})
	for range 20_000 {
		p, err := g.Enter(netip.MustParseAddr("192.0.2.1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Claim("somebody", -1); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever happens in whatever order: the counts are those of a plain model, and
// nothing is left at the end.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := gate.Limits{Total: rapid.IntRange(1, 6).Draw(t, "total"), PerIP: rapid.IntRange(1, 3).Draw(t, "per IP")}
		g := gate.New(limits)
		type place struct {
			pass     *gate.Pass
			from     netip.Addr
			claim    string
			departed bool
		}
		var places []*place
		count := func(is func(*place) bool) (n int) {
			for _, p := range places {
				if !p.departed && is(p) {
					n++
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				from := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "address") % 3})
				inside := count(func(*place) bool { return true })
				near := count(func(p *place) bool { return p.from == from })
				pass, err := g.Enter(from)
				if (err == nil) != (inside < limits.Total && near < limits.PerIP) {
					t.Fatalf("%d inside, %d from there: %v", inside, near, err)
				}
				if err == nil {
					places = append(places, &place{pass: pass, from: from})
				}
			},
			"claim": func(t *rapid.T) {
				if len(places) == 0 {
					t.Skip()
				}
				p := rapid.SampledFrom(places).Draw(t, "place")
				who := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "who")
				others := count(func(o *place) bool { return o.claim == who })
				err := p.pass.Claim(who, 2)
				if p.departed || who == p.claim {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if (err == nil) != (who == "" || others < 2) {
					t.Fatalf("%q has %d: %v", who, others, err)
				}
				if err == nil {
					p.claim = who
				}
			},
			"leave": func(t *rapid.T) {
				if len(places) == 0 {
					t.Skip()
				}
				p := rapid.SampledFrom(places).Draw(t, "place")
				p.pass.Leave()
				p.departed = true
			},
			"": func(t *rapid.T) {
				if n := count(func(*place) bool { return true }); g.Open() != n {
					t.Fatalf("%d are open, %d counted", n, g.Open())
				}
			},
		})
		for _, p := range places {
			p.pass.Leave()
		}
		if g.Open() != 0 {
			t.Fatalf("%d left", g.Open())
		}
	})
}

// Everybody behind a proxy that is not trusted has one address: the log says so, but not
// for each of them, and not which address.
func TestRefusalsByAddressAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := gate.New(gate.Limits{PerIP: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		for minute := range 3 {
			for range 5 {
				_, _ = g.Enter(netip.MustParseAddr("192.0.2.77"))
			}
			if n := strings.Count(log.String(), "TRUSTED_PROXIES"); n != minute+1 {
				t.Errorf("in minute %d it was told %d times", minute, n)
			}
			synctest.Wait()
			<-time.After(time.Minute)
		}
		if strings.Contains(log.String(), "192.0.2.77") {
			t.Error("the log names the address")
		}
	})
}
