package edge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
)

// What clients see of an error, and what only the log does.
func TestErrorPresenter(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.RequestID = func(context.Context) string { return "req_test" }
	})
	for query, want := range map[string]string{
		"{fails(how:FAULT)}":     `{"errors":[{"message":"somebody was faster: try again","path":["fails"],"locations":[{"line":1,"column":2}],"extensions":{"code":"CONFLICT","field":["input","how"]}}],"data":{"fails":null}}`,
		"{fails(how:LIMITED)}":   `{"errors":[{"message":"too many requests: wait a moment","path":["fails"],"locations":[{"line":1,"column":2}],"extensions":{"code":"RATE_LIMITED","retryAfterMs":1500}}],"data":{"fails":null}}`,
		"{fails(how:INTERNAL)}":  `{"errors":[{"message":"internal error (request req_test)","path":["fails"],"locations":[{"line":1,"column":2}],"extensions":{"code":"INTERNAL"}}],"data":{"fails":null}}`,
		"{fails(how:PANIC)}":     `{"errors":[{"message":"internal error (request req_test)","path":["fails"],"extensions":{"code":"INTERNAL"}}],"data":{"fails":null}}`,
		"{fails(how:CANCELLED)}": `{"errors":[{"message":"the request was cancelled","path":["fails"],"locations":[{"line":1,"column":2}],"extensions":{"code":"INTERNAL"}}],"data":{"fails":null}}`,
	} {
		if r := ask(t, s, query, ""); r.body != want {
			t.Errorf("got  %s\nwant %s", r.body, want)
		}
	}
	log := s.Log.String()
	if n := strings.Count(log, "request=req_test"); n != 2 {
		t.Errorf("%d errors logged:\n%s", n, log)
	}
	for _, part := range []string{edgetest.Secret, "path=fails", "resolver.go"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log is without %s:\n%s", part, log)
		}
	}
}

func TestWrongArgumentsAreNotOurFault(t *testing.T) {
	s := edgetest.Start(t)
	ask(t, s, "{number(n:99999999999999999999)}", "").want(t, http.StatusOK, `"code":"GRAPHQL_VALIDATION_FAILED"`)
	ask(t, s, "{even(n:3)}", "").want(t, http.StatusOK, `"message":"3 is odd"`, `"code":"INVALID"`)
	ask(t, s, "query($n:Even!){even(n:$n)}", `{"n":5}`).want(t, http.StatusOK, `"message":"5 is odd"`, `"code":"INVALID"`)
	ask(t, s, "query($n:Int!){number(n:$n)}", `{"n":"seven"}`).want(t, http.StatusOK, `"code":"GRAPHQL_VALIDATION_FAILED"`)
	ask(t, s, "query($n:Int!){number(n:$n)}", `{"n":1e400}`).want(t, http.StatusOK, `"errors"`)
	ask(t, s, "query($n:Int!){number(n:$n)}", `{}`).want(t, http.StatusOK, `"code":"GRAPHQL_VALIDATION_FAILED"`)
	if log := s.Log.String(); log != "" {
		t.Errorf("logged as ours:\n%s", log)
	}
}

// T14: an answer holds at most 5 errors and 4 KiB of them.
func TestErrorsAreFewAndShort(t *testing.T) {
	s := edgetest.Start(t)
	var q strings.Builder
	for _, c := range "abcdefghijklmnop" {
		q.WriteString(string(c) + ":fails(how:FAULT) ")
	}
	r := ask(t, s, "{"+q.String()+"}", "")
	if n := strings.Count(r.body, `"message"`); n != 5 {
		t.Errorf("%d errors: %s", n, r.body)
	}
	long := strings.Repeat("a", 6000)
	r = ask(t, s, "{"+long+":fails(how:FAULT)}", "")
	r.want(t, http.StatusOK, `"code":"CONFLICT"`)
	if n := strings.Count(r.body, long); n != 1 { // in the data
		t.Errorf("the name comes %d times", n)
	}
	middle := strings.Repeat("b", 2500)
	r = ask(t, s, "{"+middle+"1:fails(how:FAULT) "+middle+"2:fails(how:FAULT)}", "")
	if n := strings.Count(r.body, middle); n != 3 {
		t.Errorf("the names come %d times", n)
	}
	r = ask(t, s, "{"+strings.Repeat(strings.Repeat("ä", 1500)+" ", 4)+"}", "")
	if len(r.body) > 4<<10 {
		t.Errorf("%d bytes: %.100s", len(r.body), r.body)
	}
}
