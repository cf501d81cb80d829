package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Keys is what this package needs to know about API keys.
type Keys interface {
	// Authenticate is whom a key acts for.
	Authenticate(ctx context.Context, key string, from netip.Addr) (viewer.Viewer, error)
	// Surrender revokes a key for whoever holds it.
	Surrender(ctx context.Context, key string, from netip.Addr) error
}

// bringsKey reports whether a request says itself who asks: no cookie of its browser
// counts then. Below /v1/ nothing else is ever asked.
func (s *server) bringsKey(r *http.Request) bool {
	return s.Keys != nil && (len(r.Header.Values("Authorization")) > 0 || s.isAPI(r))
}

// keyed puts the viewer of the request's API key into its context.
func (s *server) keyed(w http.ResponseWriter, r *http.Request, next http.Handler) {
	v, err := s.keyViewer(r)
	if err != nil {
		s.recordRefusal(r, err)
		s.refuseKey(w, r, err)
		return
	}
	v.Network = s.clientIP(r)
	s.noticeProxy(r)
	next.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
}

// keyViewer is whom the request's key acts for, whichever header it came in.
func (s *server) keyViewer(r *http.Request) (viewer.Viewer, error) {
	key, err := s.carriedKey(r)
	if err != nil {
		return viewer.Viewer{}, err
	}
	return s.Keys.Authenticate(r.Context(), key, s.clientIP(r))
}

// errKeys is for requests that bring keys in a way that leaves doubt.
var errKeys = fault.New(fault.Unauthenticated, "send one header `Authorization: Bearer` with an API key, or none")

// carriedKey is the key of the Authorization header or, below /v1/, of X-Api-Key, which
// clients of Anthropic send. Both may be there if they agree.
func (s *server) carriedKey(r *http.Request) (string, error) {
	headers, own := r.Header.Values("Authorization"), []string(nil)
	if s.isAPI(r) {
		own = r.Header.Values("X-Api-Key")
	}
	switch {
	case len(headers) > 1 || len(own) > 1:
		return "", errKeys
	case len(headers)+len(own) == 0:
		return "", fault.New(fault.Unauthenticated, "send an API key as `Authorization: Bearer` or `x-api-key`: cookies don't count here")
	case len(headers) == 0:
		return own[0], nil
	}
	key, ok := apikey.Bearer(headers[0])
	if !ok || len(own) > 0 && own[0] != key {
		return "", errKeys
	}
	return key, nil
}

// recordRefusal keeps a row for a request under a key that was good once: its account sees
// that somebody goes on using it. The route is a pattern of ours.
func (s *server) recordRefusal(r *http.Request, err error) {
	var known *apikey.Refusal
	if s.Requests == nil || !errors.As(err, &known) || !known.Listed {
		return
	}
	route := "graphql"
	if r.Pattern != "/graphql" {
		route = routeName(r.Pattern)
	}
	s.Requests.Record(requestlog.Entry{ID: RequestID(r.Context()), OwnerID: known.OwnerID, KeyID: known.KeyID, Route: route,
		Status: http.StatusUnauthorized, Code: string(known.Fault.Code)})
}

// refuseKey answers 401 in words that tell what to do, without the key.
func (s *server) refuseKey(w http.ResponseWriter, r *http.Request, err error) {
	if s.isAPI(r) {
		s.refuseProgram(w, r, err)
		return
	}
	faults, ok := fault.Of(err)
	if ok && faults[0].Code == fault.RateLimited {
		tooMany(w, faults[0])
		return
	}
	if !ok || len(faults) == 0 || faults[0].Code != fault.Unauthenticated && faults[0].Code != fault.KeyRevoked {
		s.unidentified(w, r, err)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="API key", error="invalid_token"`)
	refuse(w, http.StatusUnauthorized, string(faults[0].Code), faults[0].Message)
}

// tooMany answers 429 and says when to come again.
func tooMany(w http.ResponseWriter, f *fault.Fault) {
	w.Header().Set("Retry-After", strconv.Itoa(max(retryAfter(f), 1)))
	refuseFor(w, http.StatusTooManyRequests, f)
}

// noKeyInURL refuses a key in an address before anything is done with it: addresses lie in
// logs and histories on the way, and the key must count as leaked.
func (s *server) noKeyInURL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, apikey.Prefix) || keyInQuery(r.URL.RawQuery) {
			const advice = "an API key doesn't belong into an address, where it lies in logs: revoke this one, make another, and send it as `Authorization: Bearer`"
			if s.isAPI(r) {
				s.API.Refuse(w, r, fault.New(fault.Invalid, advice))
				return
			}
			refuse(w, http.StatusBadRequest, "INVALID", advice)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// keyInQuery looks for a key in what a query says; a part that can't be decoded is looked at
// as it is.
func keyInQuery(query string) bool {
	for part := range strings.SplitSeq(query, "&") {
		if said, err := url.QueryUnescape(part); err == nil {
			part = said
		}
		if strings.Contains(part, apikey.Prefix) {
			return true
		}
	}
	return false
}

// foreign lets pages of other sites ask with an API key, and with nothing else: whatever
// their browser adds of itself is taken away.
func (s *server) foreign(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Keys == nil || r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		preflight := r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
		if preflight && forPrograms(r.URL.Path) {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", allowedHeaders(r.URL.Path))
			h.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if s.bringsKey(r) && forPrograms(r.URL.Path) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Expose-Headers", exposedHeaders(r.URL.Path))
			if fromBrowser(r) {
				outer := r
				r = r.Clone(r.Context())
				defer func() { outer.Pattern = r.Pattern }() // which the log names
				for _, name := range addedHeaders {
					r.Header.Del(name)
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// addedHeaders are what browsers add by themselves.
var addedHeaders = [...]string{"Cookie", "Origin", "Sec-Fetch-Site"}

func fromBrowser(r *http.Request) bool {
	for _, name := range addedHeaders {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

// forPrograms reports whether a path answers to API keys.
func forPrograms(path string) bool { return path == "/graphql" || inAPI(path) }

// allowedHeaders are what pages of other sites may send. Clients of the compatible
// interfaces send many of their own; Authorization has to be named for all that.
func allowedHeaders(path string) string {
	if inAPI(path) {
		return "authorization, *"
	}
	return "accept, authorization, content-type, last-event-id"
}

// exposedHeaders are what they may read of an answer.
func exposedHeaders(path string) string {
	if inAPI(path) {
		return "*"
	}
	return "retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-ratelimit-resource"
}

const surrenderLimit = 4 << 10

// keyRoutes are for who finds a key: what finds them in text, and what ends them.
func (s *server) keyRoutes(mux *http.ServeMux) {
	if s.Keys == nil {
		return
	}
	mux.HandleFunc("POST /keys/revoke", s.surrender)
	mux.HandleFunc("GET /.well-known/api-key-pattern.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"pattern": apikey.Pattern, "checksum": "the last 6 characters are the CRC-32 (IEEE) of all before them, in base 62 with the digits 0-9A-Za-z, padded with 0",
			"revoke": "POST " + strings.TrimSuffix(s.PublicURL.String(), "/") + "/keys/revoke {\"key\": \"…\"}"})
	})
}

// surrender revokes the key in the body. Whoever holds a key may end it; nobody needs to
// be signed in, and no page of another site gains anything by it.
func (s *server) surrender(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Key string `json:"key"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, surrenderLimit)).Decode(&body); err != nil || body.Key == "" {
		refuse(w, http.StatusBadRequest, "INVALID", `send {"key": "k2_live_…"} as JSON`)
		return
	}
	err := s.Keys.Surrender(r.Context(), body.Key, s.clientIP(r))
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, map[string]bool{"revoked": true})
	case fault.Is(err, fault.Unauthenticated):
		refuse(w, http.StatusNotFound, "NOT_FOUND", "this is no API key of this installation")
	case fault.Is(err, fault.RateLimited):
		faults, _ := fault.Of(err)
		tooMany(w, faults[0])
	default:
		s.unidentified(w, r, err)
	}
}
