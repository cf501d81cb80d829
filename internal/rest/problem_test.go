package rest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// errorTable is what every refusal becomes: status, OpenAI's type and code, Anthropic's
// type, and whether the official clients are told to try again.
var errorTable = map[fault.Code]string{
	fault.Invalid:             "400 invalid_request_error invalid_value invalid_request_error false",
	fault.QueryTooCostly:      "400 invalid_request_error invalid_value invalid_request_error false",
	fault.ContextTooLong:      "400 invalid_request_error context_length_exceeded invalid_request_error false",
	fault.Unauthenticated:     "401 authentication_error invalid_api_key authentication_error false",
	fault.KeyRevoked:          "401 authentication_error invalid_api_key authentication_error false",
	fault.InsufficientCredits: "402 insufficient_quota insufficient_credits billing_error false",
	fault.KeyLimitReached:     "402 insufficient_quota key_limit_reached billing_error false",
	fault.ScopeMissing:        "403 permission_error missing_scope permission_error false",
	fault.Forbidden:           "403 permission_error forbidden permission_error false",
	fault.GuestLimitReached:   "403 permission_error guest_limit_reached permission_error false",
	fault.AgeRequired:         "403 permission_error age_confirmation_required permission_error false",
	fault.AgeRefused:          "403 permission_error age_refused permission_error false",
	fault.PolicyRequired:      "403 permission_error policy_acceptance_required permission_error false",
	fault.ConsentRequired:     "403 permission_error consent_required permission_error false",
	fault.Reauthenticate:      "403 permission_error reauthentication_required permission_error false",
	fault.SharingOff:          "403 permission_error sharing_off permission_error false",
	fault.Gone:                "410 invalid_request_error gone not_found_error false",
	fault.NotFound:            "404 invalid_request_error not_found not_found_error false",
	fault.ModelUnavailable:    "404 invalid_request_error model_not_found not_found_error false",
	fault.Conflict:            "409 invalid_request_error idempotency_conflict conflict_error false",
	fault.RateLimited:         "429 rate_limit_error rate_limit_exceeded rate_limit_error true",
	fault.Internal:            "500 server_error internal_error api_error true",
	fault.UpstreamFailed:      "502 server_error upstream_failed api_error true",
	fault.UpstreamAuth:        "502 server_error upstream_unauthorized api_error false",
	fault.UpstreamRateLimit:   "503 server_error upstream_rate_limited overloaded_error true",
	fault.UpstreamStalled:     "503 server_error upstream_stalled overloaded_error true",
	fault.Interrupted:         "503 server_error interrupted overloaded_error true",
	fault.ShuttingDown:        "503 server_error shutting_down overloaded_error true",
	fault.StorageUnavailable:  "503 server_error storage_unavailable overloaded_error true",
	fault.StorageFull:         "503 server_error storage_full overloaded_error false",
	fault.PaymentUnavailable:  "503 server_error payment_unavailable overloaded_error true",
}

// Every code of the program has its line, on both wires, and docs/API.md shows the same.
func TestTheTableOfErrors(t *testing.T) {
	source, err := os.ReadFile("../fault/fault.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Code = "([A-Z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(all) != len(errorTable) {
		t.Errorf("%d codes and %d lines", len(all), len(errorTable))
	}
	f := newFixture(t, nil)
	for _, found := range all {
		code := fault.Code(found[1])
		f.refuse = fault.New(code, "Do this.")
		ours := f.chat(goodChat)
		e := f.refusal(ours).Error
		theirs := f.do("POST", "/v1/messages", goodMessage)
		var a struct {
			Type  string
			Error struct{ Type, Message string }
		}
		if err := json.Unmarshal([]byte(f.text(theirs)), &a); err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{strconv.Itoa(ours.StatusCode), e.Type, e.Code, a.Error.Type, ours.Header.Get("X-Should-Retry")}, " ")
		if got != errorTable[code] || a.Type != "error" || ours.StatusCode != theirs.StatusCode || ours.Header.Get("X-Error-Code") != string(code) {
			t.Errorf("%s: %s, want %s", code, got, errorTable[code])
		}
		if code != fault.Internal && (e.Message != "Do this." || a.Error.Message != "Do this.") {
			t.Errorf("%s: %q %q", code, e.Message, a.Error.Message)
		}
		if line := "| `" + string(code) + "` | " + strconv.Itoa(ours.StatusCode) + " | `" + e.Type + "` | `" + e.Code + "` | `" + a.Error.Type + "` | "; !strings.Contains(string(doc), line) {
			t.Errorf("docs/API.md lacks %s", line)
		}
	}
}

// What the engine refuses as it is asked is the client's to change, and what the operator has
// to mend doesn't pass by itself: neither is repeated.
func TestWhatWouldFailAgainIsNotRepeated(t *testing.T) {
	f := newFixture(t, nil)
	for _, c := range []struct {
		code                  fault.Code
		reason                string
		status                int
		kind, wire, anthropic string
	}{
		{fault.UpstreamFailed, inference.ReasonRefused, 400, "invalid_request_error", "upstream_refused", "invalid_request_error"},
		{fault.UpstreamFailed, inference.ReasonOperator, 502, "server_error", "upstream_failed", "api_error"},
		{fault.UpstreamRateLimit, inference.ReasonOperator, 503, "server_error", "upstream_rate_limited", "overloaded_error"},
	} {
		f.ends(completion.Outcome{}, fault.New(c.code, "It refused.").Because(c.reason, nil))
		resp := f.chat(goodChat)
		if e := f.refusal(resp).Error; resp.StatusCode != c.status || e.Type != c.kind || e.Code != c.wire || e.Message != "It refused." || resp.Header.Get("X-Should-Retry") != "false" || resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Error-Code") != string(c.code) {
			t.Errorf("%+v: %d %+v %v", c, resp.StatusCode, e, resp.Header)
		}
		if e := f.record(); e.Status != c.status || e.Code != string(c.code) {
			t.Errorf("%+v", e)
		}
		if text := f.message(goodMessage); !strings.Contains(text, `"type":"`+c.anthropic+`"`) {
			t.Error(text)
		}
		f.record()
	}
}

// P75: whoever is over a limit is told when to come back.
func TestALimitTellsWhenToComeBack(t *testing.T) {
	f := newFixture(t, func(f *fixture, c *rest.Config) {
		c.Limits = f
		limited := fault.New(fault.RateLimited, "Too many requests.")
		limited.RetryAfter = 1200 * time.Millisecond
		f.refuse, f.left = limited, []rest.Allowance{{Name: "requests", Limit: 60, Reset: time.Minute}}
		f.run.Limits = f.left
	})
	for _, resp := range []interface{ Get(string) string }{f.chat(goodChat).Header, f.do("GET", "/v1/models", "").Header, f.do("POST", "/v1/messages", goodMessage).Header} {
		for name, want := range map[string]string{"Retry-After": "2", "Retry-After-Ms": "1200", "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60",
			"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"} {
			if got := resp.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	if e := f.record(); e.Status != 429 || e.Code != "RATE_LIMITED" {
		t.Errorf("%+v", e)
	}
}

// P74: every request of a key is counted once and first, whatever becomes of it: over the
// limit nothing of it is read.
func TestRefusedRequestsAreCounted(t *testing.T) {
	bad := []struct {
		method, path, body string
		headers            []string
		status             int
	}{
		{"POST", "/v1/chat/completions", "{", nil, 400},
		{"POST", "/v1/chat/completions", `{"model":"kimi-k2","messages":[]}`, nil, 400},
		{"POST", "/v1/chat/completions", goodChat, []string{"Idempotency-Key", "a b"}, 400},
		{"POST", "/v1/chat/completions", strings.Repeat(" ", 4<<20+1), []string{"Expect", "100-continue"}, 413},
		{"POST", "/v1/chat/completions", goodChat, []string{"Content-Type", "text/plain"}, 415},
		{"POST", "/v1/chat/completions", strings.Replace(goodChat, "kimi-k2", "none", 1), nil, 404},
		{"POST", "/v1/chat/completions", goodChat, []string{"Test-Viewer", "no scope"}, 403},
		{"POST", "/v1/messages", "{", nil, 400},
		{"POST", "/v1/messages/count_tokens", "{", nil, 400},
		{"GET", "/v1/models/none", "", nil, 404},
		{"GET", "/v1/models", "", []string{"Test-Viewer", "no scope"}, 403},
		{"GET", "/v1/chat/completions", "", nil, 405},
		{"POST", "/v1/nothing", goodChat, nil, 404},
		{"POST", "/v1/chat/completions", goodChat, nil, 200},
	}
	asked := 0
	f := newFixture(t, func(f *fixture, c *rest.Config) {
		c.Limits = admits(func() ([]rest.Allowance, error) {
			asked++
			return f.left, f.refuse
		})
	})
	for _, full := range []bool{false, true} {
		f.left = []rest.Allowance{{Name: "requests", Limit: 60, Remaining: 7, Reset: time.Minute}}
		if full {
			f.refuse = &fault.Fault{Code: fault.RateLimited, Message: "Too many requests.", RetryAfter: time.Second}
		}
		for _, c := range bad {
			asked = 0
			resp := f.do(c.method, c.path, c.body, c.headers...)
			status := c.status
			if full {
				status = http.StatusTooManyRequests
			}
			if resp.StatusCode != status || asked != 1 || resp.Header.Get("X-RateLimit-Remaining-Requests") != "7" || (resp.Header.Get("Retry-After") == "1") != full {
				t.Errorf("over the limit %v: %s %s %.40q: %d, counted %d times, %v", full, c.method, c.path, c.body, resp.StatusCode, asked, resp.Header)
			}
			f.text(resp)
		}
	}
	if n := len(f.requests); n != 1 {
		t.Errorf("%d requests went on", n)
	}
}

// Of what the request and the completion took, the answer names the tightest limit; of a
// refusal the one that refused.
func TestTheTightestLimitIsNamed(t *testing.T) {
	f := newFixture(t, func(f *fixture, c *rest.Config) {
		c.Limits = admits(func() ([]rest.Allowance, error) { return f.left, nil })
	})
	for _, c := range []struct {
		requests, tokens int64
		refuse           error
		want             string
	}{{5, 500, nil, "requests"}, {50, 100, nil, "tokens"}, {5, 500, fault.New(fault.RateLimited, "Too many tokens."), "tokens"}} {
		f.left = []rest.Allowance{{Name: "requests", Limit: 60, Remaining: c.requests}}
		f.run.Limits, f.refuse = []rest.Allowance{{Name: "tokens", Limit: 1000, Remaining: c.tokens}}, c.refuse
		h := f.chat(goodChat).Header
		if h.Get("X-RateLimit-Resource") != c.want || h.Get("X-RateLimit-Remaining-Requests") != strconv.FormatInt(c.requests, 10) || h.Get("X-RateLimit-Remaining-Tokens") != strconv.FormatInt(c.tokens, 10) {
			t.Errorf("%+v: %v", c, h)
		}
	}
}

// admits are limits by one function.
type admits func() ([]rest.Allowance, error)

func (a admits) Admit(context.Context, viewer.Viewer, string) ([]rest.Allowance, error) { return a() }

// A request whose first attempt is still being answered may be sent again; another request
// under the same key may not.
func TestConflictsThatEnd(t *testing.T) {
	f := newFixture(t, nil)
	busy := fault.New(fault.Conflict, "The first is being answered.")
	busy.RetryAfter = time.Second
	f.refuse = busy
	if resp := f.chat(goodChat); resp.StatusCode != http.StatusConflict || resp.Header.Get("X-Should-Retry") != "true" {
		t.Error(resp.StatusCode, resp.Header)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	f := newFixture(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/v1/", 404, "unknown_url"}, {"POST", "/v1/embeddings", 404, "unknown_url"}, {"POST", "/v1/completions", 404, "unknown_url"},
		{"GET", "/v1/chat/completions", 405, "method_not_allowed"}, {"DELETE", "/v1/models/kimi-k2", 405, "method_not_allowed"}, {"POST", "/v1/models", 405, "method_not_allowed"},
		{"GET", "/v1/models/nothing", 404, "model_not_found"}, {"GET", "/v1/models/", 404, "model_not_found"},
	} {
		resp := f.do(c.method, c.path, "")
		if e := f.refusal(resp).Error; resp.StatusCode != c.status || e.Code != c.code || e.Type != "invalid_request_error" {
			t.Errorf("%s %s: %d %+v", c.method, c.path, resp.StatusCode, e)
		}
		if c.status == 405 && resp.Header.Get("Allow") == "" {
			t.Errorf("%s %s: what is allowed?", c.method, c.path)
		}
	}
	resp := f.chat(`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`)
	if e := f.refusal(resp).Error; resp.StatusCode != http.StatusNotFound || e.Code != "model_not_found" || e.Param != "model" {
		t.Error(resp.StatusCode, e)
	}
}

// Only keys are answered, and only within their scopes.
func TestKeysOnlyAndWithinTheirScopes(t *testing.T) {
	f := newFixture(t, nil)
	if resp := f.chat(goodChat, "Test-Viewer", "guest"); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" || f.refusal(resp).Error.Code != "invalid_api_key" {
		t.Error(resp.StatusCode)
	}
	for path, body := range map[string]string{"/v1/models": "", "/v1/models/kimi-k2": "", "/v1/messages/count_tokens": goodMessage, "/v1/messages": "{}", "/v1/chat/completions": "{}"} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		if resp := f.do(method, path, body, "Test-Viewer", "no scope"); resp.StatusCode != http.StatusForbidden || resp.Header.Get("X-Error-Code") != "SCOPE_MISSING" {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestModels(t *testing.T) {
	f := newFixture(t, nil)
	const model = `{"id":"kimi-k2","object":"model","created":0,"owned_by":"kimi-k2","type":"model","display_name":"Kimi K2","created_at":"1970-01-01T00:00:00Z","context_length":1000,"max_output_tokens":500}`
	same(t, f.text(f.do("GET", "/v1/models", "")), `{"object":"list","data":[`+model+`],"has_more":false,"first_id":"kimi-k2","last_id":"kimi-k2"}`+"\n")
	if e := f.record(); e.Route != "GET /v1/models" || e.Status != 200 {
		t.Errorf("%+v", e)
	}
	for _, path := range []string{"/v1/models/kimi-k2", "/v1/models/moonshotai/Kimi-K2-Instruct", "/v1/models/moonshotai%2FKimi-K2-Instruct"} {
		same(t, f.text(f.do("GET", path, "")), model+"\n")
	}
}
