package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// trouble is a failure of the engine: what the person is told, whether it speaks
// against the engine's health, and the cause for the log.
type trouble struct {
	fault  *fault.Fault
	broken bool
	cause  error
}

// The reasons of faults that the same request meets again, however often it is repeated.
const (
	// ReasonRefused is what the engine doesn't take: what is asked has to change.
	ReasonRefused = "refused"
	// ReasonOperator is what the operator has to mend first.
	ReasonOperator = "operator"
)

// maxForeign is how much of an engine's own words is passed on, in characters.
const maxForeign = 200

// maxErrorBody is how much of a refusal's body is read, in bytes.
const maxErrorBody = 64 << 10

// maxRetryAfter keeps a nonsensical Retry-After from locking anybody out.
const maxRetryAfter = time.Hour

// refusal is what an engine's error says in its many spellings.
type refusal struct {
	message, kind, code string
	status              int
}

// readRefusal reads an error object, {"error": {…}}, {"error": "…"}, {"message": …},
// {"detail": …} or {"object": "error", …}; ok is false when it is none of these.
func readRefusal(raw []byte) (r refusal, ok bool) {
	raw = bytes.TrimSpace(raw)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return refusal{message: text}, text != ""
	}
	var o struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
		Msg     json.RawMessage `json:"msg"`
		Type    json.RawMessage `json:"type"`
		Code    json.RawMessage `json:"code"`
		Status  json.RawMessage `json:"status"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return refusal{}, false
	}
	if len(o.Error) > 0 && string(o.Error) != "null" {
		return readRefusal(o.Error)
	}
	r = refusal{kind: plain(o.Type), code: plain(o.Code)}
	for _, m := range []json.RawMessage{o.Message, o.Detail, o.Msg} {
		if r.message == "" {
			r.message = plain(m)
		}
	}
	for _, s := range []string{r.code, plain(o.Status)} {
		if n, err := strconv.Atoi(s); err == nil && n >= 400 && n < 600 {
			r.status = n
		}
	}
	return r, r.message != "" || r.kind != "" || r.code != ""
}

// plain is a JSON value as text, "" for null and objects' absence.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	return string(raw)
}

var (
	tooLong = regexp.MustCompile(`(?i)context.{0,3}length|context.{0,3}(size|window)|maximum context|prompt is too long|too many tokens|token limit|input.{0,20}too long|reduce the length`)
	noModel = regexp.MustCompile(`(?i)model.{0,80}(not found|does not exist|not exist|is not available|unknown)|(unknown|no such) model|resource_not_found|model_not_found`)
	noFunds = regexp.MustCompile(`(?i)quota|balance|billing|insufficient|suspended|payment`)
	secret  = regexp.MustCompile(`(?i)\b(bearer\s+\S+|(sk|pk|rk|hf|org|proj|key|user|req|gsk|nvapi)[-_][a-z0-9_-]{6,}|eyJ[a-z0-9_-]{10,}\S*|[\w.+-]+@[\w-]+\.\w+)`)
	markup  = regexp.MustCompile(`(?i)<(!doctype|html|head|body|title|h1|p|div|br|script|center)\b`)
)

// refused is the trouble of an answer that was not 2xx, or of an error inside a
// stream (status 0).
func (e *Engine) refused(status int, header http.Header, body []byte) *trouble {
	r, ok := readRefusal(body)
	if status == 0 {
		status = r.status
	}
	words := e.quote(r.message)
	said := r.message + " " + r.kind + " " + r.code
	t := &trouble{cause: fmt.Errorf("the engine answered with status %d, type %q, code %q", status, e.clean(r.kind), e.clean(r.code))}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		t.fault = fault.New(fault.UpstreamAuth, "The inference engine does not accept our key (%d). The operator must check INFERENCE_API_KEY.", status)
	case status == http.StatusTooManyRequests || strings.Contains(r.kind, "rate_limit"):
		t.fault = rateLimited(said, retryAfter(header, e.clock.Now()))
	case status == http.StatusRequestEntityTooLarge || tooLong.MatchString(said):
		t.fault = fault.New(fault.ContextTooLong, "This conversation is too long for the model%s. Start a new conversation, or choose a model with a larger context.", words)
	case status == http.StatusPaymentRequired:
		t.fault = fault.New(fault.UpstreamFailed, "The operator's account with the inference engine has no funds left. The operator must top it up.").Because(ReasonOperator, nil)
	case status >= 300 && status < 400:
		t.fault = fault.New(fault.UpstreamFailed, "The inference engine redirects to another address (%d). The operator must set INFERENCE_URL to the final address.", status).Because(ReasonOperator, nil)
	case status == http.StatusNotFound && !ok:
		t.fault = fault.New(fault.ModelUnavailable, "There is no chat service at the address of the inference engine (404). The operator must check INFERENCE_URL: it usually ends in /v1.")
	case status == http.StatusNotFound || status < 500 && noModel.MatchString(said):
		t.fault = fault.New(fault.ModelUnavailable, "The inference engine does not serve this model%s. Choose another model.", words)
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		t.fault = unwanted(status, words)
	case status == 0:
		t.broken = true
		t.fault = fault.New(fault.UpstreamFailed, "The inference engine broke off with an error%s. Try again.", words)
	default:
		t.broken = true
		t.fault = fault.New(fault.UpstreamFailed, "The inference engine has a fault of its own (%d)%s. Try again in a moment.", status, words)
		t.fault.RetryAfter = retryAfter(header, e.clock.Now())
	}
	return t
}

// unwanted is the fault of a request that the engine doesn't take.
func unwanted(status int, words string) *fault.Fault {
	reason := reasonOf(status)
	if reason == ReasonOperator {
		words += ". The operator must check INFERENCE_URL and the engine"
	}
	return fault.New(fault.UpstreamFailed, "The inference engine refused the request (%d)%s.", status, words).Because(reason, nil)
}

// reasonOf tells a refusal of what was asked from one that may pass, and both from what only
// the operator can mend.
func reasonOf(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return ReasonRefused
	case http.StatusConflict, http.StatusLocked, http.StatusTooEarly:
		return ""
	}
	return ReasonOperator
}

// forOperator reports whether a fault stays until the operator mends something: nobody else
// can, and repeating the request doesn't help.
func forOperator(f *fault.Fault) bool {
	return f.Reason == ReasonOperator || f.Code == fault.UpstreamAuth || f.Code == fault.ModelUnavailable
}

// IsBusy reports whether err says that the engine takes no more requests for now, and after
// what time it may be asked again, 0 when it does not say. An exhausted account is not busy.
func IsBusy(err error) (retryAfter time.Duration, busy bool) {
	list, ok := fault.Of(err)
	if !ok || len(list) == 0 || list[0].Code != fault.UpstreamRateLimit || list[0].Reason == ReasonOperator {
		return 0, false
	}
	return list[0].RetryAfter, true
}

// rateLimited tells an exhausted account from a busy engine.
func rateLimited(said string, wait time.Duration) *fault.Fault {
	f := fault.New(fault.UpstreamRateLimit, "The inference engine is busy and takes no more requests for now. Try again in a moment.")
	if noFunds.MatchString(said) {
		f = fault.New(fault.UpstreamRateLimit, "The operator's account with the inference engine has used up its quota. The operator must top it up or raise the limit.").Because(ReasonOperator, nil)
	}
	f.RetryAfter = wait
	return f
}

// retryAfter reads Retry-After in seconds or as a date, 0 when there is none. A date is
// held against the engine's own clock where it tells its time, else against now.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return min(time.Duration(min(s, maxRetryAfter.Seconds())*float64(time.Second)), maxRetryAfter)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// quote is a foreign message as `: "…"`, short, on one line, without secrets; "" for
// none and for pages of HTML.
func (e *Engine) quote(s string) string {
	s = e.clean(s)
	if s == "" {
		return ""
	}
	return `: "` + strings.TrimRight(s, ". ") + `"`
}

func (e *Engine) clean(s string) string {
	if markup.MatchString(s) {
		return ""
	}
	if e.key != "" {
		s = strings.ReplaceAll(s, e.key, "[hidden]")
	}
	s = secret.ReplaceAllString(s, "[hidden]")
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if r := []rune(s); len(r) > maxForeign {
		return string(r[:maxForeign-1]) + "…"
	}
	return s
}

// notOurs is the trouble of a 2xx answer that is no chat completion.
func notOurs(contentType string) *trouble {
	return &trouble{
		broken: true,
		cause:  fmt.Errorf("the engine answered 200 with content type %q", contentType),
		fault:  fault.New(fault.UpstreamFailed, "INFERENCE_URL does not lead to an OpenAI-compatible API: it answers with a web page or something else. The operator must check it; it usually ends in /v1."),
	}
}

// streamed is the trouble of a stream that began well.
func (e *Engine) streamed(err error) *trouble {
	var inside engineError
	switch {
	case errors.As(err, &inside):
		return e.refused(0, nil, inside.raw)
	case errors.Is(err, errLineTooLong):
		return &trouble{broken: true, cause: err, fault: fault.New(fault.UpstreamFailed, "The inference engine sent something too large to be an answer. What came before is kept.")}
	case errors.Is(err, errCut), errors.Is(err, io.ErrUnexpectedEOF):
		return &trouble{broken: true, cause: err, fault: fault.New(fault.UpstreamFailed, "The answer ended early: the inference engine closed the connection. What came before is kept.")}
	}
	return unreachable(err)
}
