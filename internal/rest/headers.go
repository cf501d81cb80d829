package rest

import (
	"net/http"
	"strconv"
	"time"
)

// openAILimits tells what is left: of each limit as OpenAI does, and of the tightest under
// the names that all routes use.
func openAILimits(h http.Header, limits []Allowance) {
	for i, l := range limits {
		limit, remaining := strconv.FormatInt(l.Limit, 10), strconv.FormatInt(max(0, l.Remaining), 10)
		h.Set("X-Ratelimit-Limit-"+l.Name, limit)
		h.Set("X-Ratelimit-Remaining-"+l.Name, remaining)
		h.Set("X-Ratelimit-Reset-"+l.Name, l.Reset.Round(time.Millisecond).String())
		if i == 0 {
			h.Set("X-Ratelimit-Resource", l.Name)
			h.Set("X-Ratelimit-Limit", limit)
			h.Set("X-Ratelimit-Remaining", remaining)
			h.Set("X-Ratelimit-Reset", strconv.FormatInt(int64((l.Reset+time.Second-1)/time.Second), 10))
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
