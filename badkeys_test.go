package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var made int

// invented is a key of the right form that nobody made.
func invented() string {
	made++
	return summed(fmt.Sprintf("k2_live_%010d_%032d", made, made))
}

// summed is what looks like a key, with its checksum.
func summed(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := make([]byte, 6)
	n := crc32.ChecksumIEEE([]byte(body))
	for i := len(sum) - 1; i >= 0; i-- {
		sum[i], n = digits[n%62], n/62
	}
	return body + string(sum)
}

// tries shows a key from an address, and says what came of it.
func (p *product) tries(key, from, path string) (status int, header http.Header, words string) {
	p.t.Helper()
	method, body := http.MethodGet, ""
	switch path {
	case "/graphql":
		method, body = http.MethodPost, `{"query":"{ viewer { kind } }"}`
	case "/keys/revoke":
		method, body = http.MethodPost, fmt.Sprintf(`{"key":%q}`, key)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", from)
	req.Header.Set("Content-Type", "application/json")
	if path != "/keys/revoke" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(all)
}

// T29, R-LIMIT: keys that are invented, revoked or expired cost their address: of many at once
// exactly as many are looked at as an address may try, whichever interface they come to, the
// rest gets 429 with Retry-After. Who shows a key that was good goes on, from that address too.
func TestBadKeysCostTheirAddress(t *testing.T) {
	p := start(t, "TRUSTED_PROXIES=127.0.0.1", "RATE_BAD_KEYS_PER_ADDRESS=20")
	b := p.signIn("builder")
	good, late, revoked, expired := b.program(map[string]any{}), b.program(map[string]any{}), b.program(map[string]any{}), b.program(map[string]any{})
	b.ask(`mutation($i: ApiKeyRevokeInput!) { apiKeyRevoke(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": revoked.id}})
	if err := p.server.db.Gorm(t.Context()).Exec("UPDATE api_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 second' WHERE id = ?", expired.id).Error; err != nil {
		t.Fatal(err)
	}
	const here = "203.0.113.7"
	if status, _, words := p.tries(good.secret, here, "/graphql"); status != http.StatusOK {
		t.Fatal(status, words)
	}
	paths := []string{"/graphql", "/v1/models", "/keys/revoke"}
	keys := []string{revoked.secret, expired.secret}
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[int]int{}
	for i := range 120 {
		key, path := invented(), paths[i%3]
		if i%2 == 0 && path != "/keys/revoke" { // that a revoked one is revoked again is no failure
			key = keys[i/2%2]
		}
		wg.Go(func() {
			status, header, words := p.tries(key, here, path)
			wait, _ := strconv.Atoi(header.Get("Retry-After"))
			if status == http.StatusTooManyRequests && (wait < 1 || wait > 3 || !strings.Contains(words, "too many API keys that are not good")) {
				t.Errorf("%s: come again in %d s: %s", path, wait, words)
			}
			if status == http.StatusTooManyRequests && path != "/v1/models" && !strings.Contains(words, `"retryAfterMs":`) {
				t.Errorf("%s: %s", path, words)
			}
			if status == http.StatusNotFound && path == "/keys/revoke" {
				status = http.StatusUnauthorized
			}
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
		if i%10 == 0 {
			if status, _, words := p.tries(good.secret, here, "/graphql"); status != http.StatusOK {
				t.Errorf("a good key amid bad ones: %d %s", status, words)
			}
		}
	}
	wg.Wait()
	// Less than the three seconds in which one comes back go by, or a few more are looked at.
	if n := answers[http.StatusUnauthorized]; n < 20 || n > 23 || n+answers[http.StatusTooManyRequests] != 120 {
		t.Errorf("%v", answers)
	}
	for range 3 { // what came back is used up
		p.tries(invented(), here, "/graphql")
	}
	if status, _, _ := p.tries("k2_live_"+strings.Repeat("0", 49), here, "/graphql"); status != http.StatusUnauthorized {
		t.Errorf("what is no key at all: %d", status)
	}
	if status, _, _ := p.tries(late.secret, here, "/v1/models"); status != http.StatusTooManyRequests {
		t.Errorf("a key that this instance has not seen: %d", status)
	}
	for _, from := range []string{"203.0.113.8", here} { // once it was good it is known
		if status, _, words := p.tries(late.secret, from, "/v1/models"); status != http.StatusOK {
			t.Errorf("from %s: %d %s", from, status, words)
		}
	}
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for range 15 { // longer than a key is believed without the database
		<-ticks.C
		if status, _, words := p.tries(good.secret, here, "/graphql"); status != http.StatusOK {
			t.Fatalf("a good key after bad ones: %d %s", status, words)
		}
	}
	if rows := b.refusals(revoked.id) + b.refusals(expired.id); rows < 1 || rows > 23 {
		t.Errorf("%d rows of refusals", rows)
	}
}

// refusals are how many rows the account has of a key's refused requests.
func (b *browser) refusals(keyID string) (n int) {
	b.p.t.Helper()
	for deadline := time.Now().Add(patience); b.p.server.requests.Stats().Waiting > 0 && time.Now().Before(deadline); {
	}
	_, rows := b.requests(1)
	for _, row := range rows {
		if at(row, "keyId") == keyID && at(row, "status") == 401.0 {
			n++
		}
	}
	return n
}

// P69, R-LIMIT: however often, and from however many addresses, a revoked key is shown, its
// account gets at most sixty rows of it a minute from an instance.
func TestARevokedKeysRowsAreBounded(t *testing.T) {
	p := start(t, "TRUSTED_PROXIES=127.0.0.1")
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	b.ask(`mutation($i: ApiKeyRevokeInput!) { apiKeyRevoke(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": g.id}})
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if status, _, words := p.tries(g.secret, fmt.Sprintf("198.51.100.%d", i), "/v1/models"); status != http.StatusUnauthorized {
				t.Errorf("%d %s", status, words)
			}
		})
	}
	wg.Wait()
	if n, most := b.refusals(g.id), 61+int(time.Since(began).Seconds()); n < 60 || n > most {
		t.Errorf("%d rows, not 60 to %d", n, most)
	}
}

// T29, R-LIMIT: a socket's key costs its address too: in the upgrade it gets 429, in
// connection_init the socket is closed with 1013, after which clients come again.
func TestBadKeysOverSocketsCostTheirAddress(t *testing.T) {
	p := start(t, "RATE_BAD_KEYS_PER_ADDRESS=3")
	g := p.signIn("builder").program(map[string]any{})
	for n := range 6 {
		over := n >= 3
		if n%2 == 0 {
			want := http.StatusUnauthorized
			if over {
				want = http.StatusTooManyRequests
			}
			_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+"/graphql", http.Header{"Authorization": {"Bearer " + invented()}})
			if err == nil || resp == nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want || over == (resp.Header.Get("Retry-After") == "") {
				t.Errorf("upgrade %d: %d %v", n, resp.StatusCode, resp.Header)
			}
			continue
		}
		want := 4401
		if over {
			want = 1013
		}
		_, err := (&program{p, "", invented()}).dial(false)
		if closed := new(websocket.CloseError); !errors.As(err, &closed) || closed.Code != want {
			t.Errorf("init %d: %v, not %d", n, err, want)
		}
	}
	if _, answer := g.post(`{ viewer { kind } }`, nil); code(answer) != "RATE_LIMITED" {
		t.Errorf("a key that was never seen: %v", answer)
	}
}
