package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// letters has one subscriber, whose link is "good".
type letters struct{ ended int }

func (l *letters) CheckUnsubscribe(token string) error {
	if token != "good" {
		return fault.New(fault.NotFound, "this link is not complete")
	}
	return nil
}

func (l *letters) Unsubscribe(_ context.Context, token string) error {
	err := l.CheckUnsubscribe(token)
	if err == nil {
		l.ended++
	}
	return err
}

// P114: what only looks at the link ends nothing; a post does, from a mail program without
// a browser's headers and from a page of anybody, and never sets a cookie. The token stands
// in no log.
func TestAPostToTheLinkEndsNews(t *testing.T) {
	l := &letters{}
	f := newFixture(t, "https://chat.example", func(c *web.Config) { c.Newsletters = l })
	res := f.ask(t, http.MethodGet, "/unsubscribe/good", "Host", "chat.example")
	body := bodyOf(t, res)
	if res.StatusCode != http.StatusOK || l.ended != 0 || !strings.Contains(body, `action="/unsubscribe/good"`) || !strings.Contains(body, "Stop these mails") || res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	for i, headers := range [][]string{{}, {"Sec-Fetch-Site", "cross-site", "Origin", "https://webmail.example"}, {"Accept-Language", "zh-CN"}} {
		res := f.ask(t, http.MethodPost, "/unsubscribe/good", append([]string{"Host", "chat.example", "Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
		if res.StatusCode != http.StatusOK || l.ended != i+1 || len(res.Cookies()) != 0 {
			t.Errorf("%v: %d, ended %d times", headers, res.StatusCode, l.ended)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if res := f.ask(t, method, "/unsubscribe/bad", "Host", "chat.example"); res.StatusCode != http.StatusBadRequest || l.ended != 3 {
			t.Errorf("%s of a wrong link: %d", method, res.StatusCode)
		}
	}
	if strings.Contains(f.log.String(), "good") {
		t.Errorf("the link stands in the log: %s", f.log.String())
	}
}
