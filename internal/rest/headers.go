package rest

import (
	"net/http"
	"strconv"
	"time"
)

// limitHeaders are the names of what is told of each limit, as net/http spells them.
var limitHeaders = map[string][3]string{
	"requests": {"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"},
	"tokens":   {"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
	"streams":  {"X-Ratelimit-Limit-Streams", "X-Ratelimit-Remaining-Streams", "X-Ratelimit-Reset-Streams"},
	"cost":     {"X-Ratelimit-Limit-Cost", "X-Ratelimit-Remaining-Cost", "X-Ratelimit-Reset-Cost"},
}

// openAILimits tells what is left: of each limit as OpenAI does, and of the tightest under
// the names that all routes use.
func openAILimits(h http.Header, limits []Allowance) {
	values := make([]string, 0, 3*len(limits)+4)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	for i, l := range limits {
		limit, remaining, names := strconv.FormatInt(l.Limit, 10), strconv.FormatInt(max(0, l.Remaining), 10), limitHeaders[l.Name]
		set(names[0], limit)
		set(names[1], remaining)
		set(names[2], l.Reset.Round(time.Millisecond).String())
		if i == 0 {
			set("X-Ratelimit-Resource", l.Name)
			set("X-Ratelimit-Limit", limit)
			set("X-Ratelimit-Remaining", remaining)
			set("X-Ratelimit-Reset", strconv.FormatInt(int64((l.Reset+time.Second-1)/time.Second), 10))
		}
	}
}

const maxIdempotencyKey = 255

// idempotencyKey is the client's own name for a request, "" when it gives none.
func idempotencyKey(r *http.Request) (string, *problem) {
	all := r.Header.Values("Idempotency-Key")
	if len(all) == 0 {
		return "", nil
	}
	key := all[0]
	good := len(all) == 1 && key != "" && len(key) <= maxIdempotencyKey
	for i := range len(key) {
		good = good && key[i] > ' ' && key[i] < 0x7f
	}
	if !good {
		return "", invalid("", "Idempotency-Key must be one header of 1 to 255 visible ASCII characters")
	}
	return key, nil
}
