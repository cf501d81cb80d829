package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The provider leads back to the public address, where cookies of another name of this
// machine are not: who came under one is sent there first.
func TestSignInBeginsUnderThePublicName(t *testing.T) {
	p := start(t, "GITHUB_CLIENT_ID=id", "GITHUB_CLIENT_SECRET=secret")
	public, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for host, leads := range map[string]string{
		"127.0.0.1:" + public.Port():         p.url + "/sign-in?return=%2Fprivacy",
		"LOCALHOST:" + public.Port():         "https://github.com/login/oauth/authorize?",
		strings.TrimPrefix(p.url, "http://"): "https://github.com/login/oauth/authorize?",
		"[::1]:" + public.Port():             p.url + "/sign-in?return=%2Fprivacy",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/auth/github?return=/privacy", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, leads) {
			t.Errorf("%s: %d %s", host, res.StatusCode, to)
		}
	}
}
