package ratelimit

import (
	"net/netip"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// address names a bucket in the database.
type address struct{ owner, name string }

func (a address) compare(b address) int {
	if c := strings.Compare(a.owner, b.owner); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

// bucket is one limit of somebody.
type bucket struct {
	address
	what   models.RateLimitName
	scope  models.RateLimitScope
	limit  int64
	memory bool // counted by this instance alone
}

// places reports whether the limit is of things at once.
func (b bucket) places() bool { return b.what == models.LimitStreams }

// unit is how long a unit takes to come back, in nanoseconds; for places it is one.
func (b bucket) unit() int64 {
	if b.places() {
		return 1
	}
	return int64(time.Minute) / b.limit
}

// most is what the full bucket holds, in the measure of unit.
func (b bucket) most() int64 { return b.unit() * b.limit }

// used is how much is taken off the bucket, by its level.
func (b bucket) used(level, now int64) int64 {
	if b.places() {
		return level
	}
	return max(level-now, 0)
}

// left is how many units are left, and when all are there again.
func (b bucket) left(level, now int64) (remaining int64, reset time.Duration) {
	used := b.used(level, now)
	remaining = max(b.most()-used, 0) / b.unit()
	if !b.places() {
		reset = time.Duration(used)
	}
	return remaining, reset
}

// take is so many units of a bucket.
type take struct {
	bucket
	units int64
}

// maxTaken keeps the sum of what is taken from overflowing: three years of waiting.
const maxTaken = int64(100_000_000) * int64(time.Second)

// measure is what is taken, in the measure of unit.
func (t take) measure() int64 { return measure(t.bucket, t.units) }

// measure is so many units of the bucket; negative ones too.
func measure(b bucket, units int64) int64 {
	most := maxTaken / b.unit()
	return max(min(units, most), -most) * b.unit()
}

// takes are the limits that concern a request, and what it needs of each: first those
// of the key, then those of the account.
func (s *Service) takes(v viewer.Viewer, ask Ask) []take {
	all := s.buckets(v, ask.Route)
	out := make([]take, 0, len(all))
	for _, b := range all {
		if n := ask.units(v, b); n > 0 {
			out = append(out, take{b, n})
		}
	}
	return out
}

// units is what an ask needs of a bucket. A message of a key was counted as a request
// when its document came.
func (a Ask) units(v viewer.Viewer, b bucket) int64 {
	switch b.what {
	case models.LimitRequests:
		if !a.Counted && (a.Route != RouteMessage || v.Kind != viewer.APIKey) {
			return 1
		}
	case models.LimitTokens:
		return max(a.Tokens, 0)
	case models.LimitStreams:
		if a.Stream {
			return 1
		}
	case models.LimitCost:
		return int64(a.Cost)
	}
	return 0
}

// mostBuckets is how many limits somebody has at most.
const mostBuckets = 7

// buckets are the limits of a viewer on a route.
func (s *Service) buckets(v viewer.Viewer, r Route) (out []bucket) {
	l := s.Limits
	out = make([]bucket, 0, mostBuckets)
	add := func(scope models.RateLimitScope, what models.RateLimitName, limit int64, name string) {
		if limit > 0 {
			out = append(out, bucket{address: address{v.OwnerID, name}, what: what, scope: scope, limit: limit})
		}
	}
	switch {
	case v.Kind == viewer.APIKey:
		add(models.LimitOfKey, models.LimitRequests, least(l.RequestsPerKey, v.KeyRequestsPerMinute), v.KeyID+" requests")
		add(models.LimitOfKey, models.LimitTokens, least(l.TokensPerKey, v.KeyTokensPerMinute), v.KeyID+" tokens")
		add(models.LimitOfKey, models.LimitStreams, l.StreamsPerKey, v.KeyID+" streams")
		s.together(add)
		add(models.LimitOfAccount, models.LimitCost, l.CostPerAccount, "keys cost")
	case r == RouteGraphQL || r == RouteModels:
		return s.reading(v)
	case v.Kind == viewer.Account && r == RouteCompletions:
		s.together(add)
	case v.Kind == viewer.Account:
		add(models.LimitOfAccount, models.LimitRequests, l.MessagesPerAccount, "page messages")
	case v.Kind == viewer.Guest:
		add(models.LimitOfGuest, models.LimitRequests, l.MessagesPerGuest, "page messages")
	}
	return out
}

// together are the limits of all of an account's keys.
func (s *Service) together(add func(models.RateLimitScope, models.RateLimitName, int64, string)) {
	add(models.LimitOfAccount, models.LimitRequests, s.Limits.RequestsPerAccount, "keys requests")
	add(models.LimitOfAccount, models.LimitTokens, s.Limits.TokensPerAccount, "keys tokens")
	add(models.LimitOfAccount, models.LimitStreams, s.Limits.StreamsPerAccount, "keys streams")
}

// reading is the limit of what a page asks for, which each instance counts for itself.
// Visitors, of whom nothing is stored, and those without a cookie share that of an account with
// all of their address.
func (s *Service) reading(v viewer.Viewer) []bucket {
	b := bucket{address: address{owner: v.OwnerID}, what: models.LimitCost, scope: models.LimitOfGuest, memory: true}
	switch v.Kind {
	case viewer.Guest:
		b.limit = s.Limits.CostPerGuest
	case viewer.Account:
		b.scope, b.limit = models.LimitOfAccount, s.Limits.CostPerAccount
	case viewer.Visitor, "":
		b.owner, b.limit = network(v.Network), s.Limits.CostPerAccount
	case viewer.System, viewer.APIKey:
	}
	if b.limit == 0 {
		return nil
	}
	return []bucket{b}
}

// network is what counts as one address: with IPv6, what one household has. Those whose
// address isn't known count as one.
func network(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // a valid address has it
	return p.String()
}

// least is the lower of two limits of which 0 is none.
func least(all, own int64) int64 {
	if all == 0 || own > 0 && own < all {
		return own
	}
	return all
}
