package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	exportStart = `mutation { exportStart(input: {}) { export { id status } userErrors { code } } }`
	exportList  = `{ viewer { exports { id status progress bytes url expiresAt finishedAt } } }`
)

// fetch gets or posts something as the page does.
func (b *browser) fetch(method, path string, body []byte, header ...string) (*http.Response, []byte) {
	b.p.t.Helper()
	req, err := http.NewRequestWithContext(b.p.t.Context(), method, b.p.url+path, bytes.NewReader(body))
	if err != nil {
		b.p.t.Fatal(err)
	}
	req.Header.Set("Origin", b.p.url)
	for n := 0; n < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.p.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.p.t.Fatal(err)
	}
	return resp, raw
}

// export makes one and says where its file is.
func (b *browser) export() (path string) {
	b.p.t.Helper()
	want(b.p.t, at(b.ask(exportStart, nil), "data", "exportStart", "userErrors"), `[]`)
	b.p.server.exports.Kick() // in case nothing was free
	deadline := time.Now().Add(patience)
	for {
		list, _ := at(b.ask(exportList, nil), "data", "viewer", "exports").([]any)
		if len(list) > 0 && at(list[0], "status") == "READY" {
			path, _ = at(list[0], "url").(string)
			return path
		}
		if time.Now().After(deadline) {
			b.p.t.Fatalf("the export is not ready: %v", list)
		}
	}
}

// P111, P112, P115, P41: whoever it is, at the guest's limit, in debt or before a new policy
// is accepted, exports everything, fetches it under its own name and brings it back; the
// secrets of the installation are not in it.
func TestEverybodyTakesEverythingAlong(t *testing.T) {
	p := start(t, "GUEST_MESSAGE_LIMIT=1", "SIGNUP_CREDITS=1", "CHARGE=on")
	guest := p.browser()
	want(t, at(guest.send("one", "from a guest"), "data", "messageSend", "userErrors"), `[]`)
	want(t, at(guest.send("two", "too many"), "data", "messageSend", "userErrors", 0, "code"), `"GUEST_LIMIT_REACHED"`)
	ada := p.signIn("ada")
	want(t, at(ada.send("three", "from ada"), "data", "messageSend", "userErrors"), `[]`)
	made := ada.ask(`mutation { apiKeyCreate(input: {name: "k", scopes: ["models:read"]}) { secret } }`, nil)
	secret, _ := at(made, "data", "apiKeyCreate", "secret").(string)
	for _, sql := range []string{`UPDATE ledger_balances SET owed = 5000000`, `DELETE FROM policy_acceptances`} {
		if err := p.server.db.Gorm(t.Context()).Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string]*browser{"from a guest": guest, "from ada": ada} {
		path := b.export()
		resp, raw := b.fetch(http.MethodGet, path, nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment; filename=\"export-") {
			t.Fatalf("%s: %v %v", name, resp.Status, resp.Header)
		}
		data := dataOf(t, raw)
		if !bytes.Contains(data, []byte(name)) || secret == "" || bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s: not in it, or a secret is", name)
		}
		resp, answer := b.fetch(http.MethodPost, "/imports", raw)
		var result struct{ Conversations, Messages int }
		if err := json.Unmarshal(answer, &result); err != nil || resp.StatusCode != http.StatusOK || result.Conversations != 1 || result.Messages != 2 {
			t.Errorf("%s: %v %s", name, resp.Status, answer)
		}
	}
}

// P111, R-AUTH: the address of a file is of no use to anybody else, and an export asks for
// a fresh sign-in; a page of another site brings no file.
func TestAFileIsItsOwners(t *testing.T) {
	p := start(t)
	ada, bob := p.signIn("ada"), p.signIn("bob")
	path := ada.export()
	stranger, guest := p.browser(), p.browser()
	guest.send("one", "hello")
	for b, status := range map[*browser]int{stranger: 401, guest: 404, bob: 404, ada: 200} {
		if resp, raw := b.fetch(http.MethodGet, path, nil); resp.StatusCode != status || status != 200 && bytes.Contains(raw, []byte("PK")) {
			t.Errorf("%d, want %d", resp.StatusCode, status)
		}
	}
	if strings.Contains(p.logs.String(), strings.TrimPrefix(path, "/exports/")) {
		t.Error("the log holds the address")
	}
	stale := p.session("carl")
	carl := p.browser()
	carl.enter(stale)
	p.age(stale, 11*time.Minute)
	want(t, at(carl.ask(exportStart, nil), "errors", 0, "extensions", "code"), `"REAUTHENTICATION_REQUIRED"`)
	if resp, _ := ada.fetch(http.MethodPost, "/imports", []byte("[]"), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); resp.StatusCode != http.StatusForbidden {
		t.Error(resp.Status)
	}
	resp, raw := ada.fetch(http.MethodPost, "/imports", []byte("[]"))
	if resp.StatusCode != http.StatusBadRequest || !bytes.Contains(raw, []byte("no conversations")) {
		t.Errorf("%s %s", resp.Status, raw)
	}
}

func dataOf(t *testing.T, raw []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := z.Open("data.json")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
