package signintest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// codes are what Google and GitHub hand out: codes for who agreed, good once, and
// tokens for codes. Both insist on PKCE, so that a test notices when it is missing.
type codes struct {
	world *World

	mu     sync.Mutex
	codes  map[string]grant
	tokens map[string]string // token → person
}

type grant struct{ person, redirect, challenge, nonce string }

func newCodes(w *World) *codes {
	return &codes{world: w, codes: map[string]grant{}, tokens: map[string]string{}}
}

// authorize lets the person of the address agree.
func (c *codes) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect := q.Get("redirect_uri")
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || !slices.Contains(c.world.back, redirect) {
		http.Error(w, "not a client of ours", http.StatusBadRequest)
		return
	}
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		http.Error(w, "no PKCE or no state", http.StatusBadRequest)
		return
	}
	code := "code-" + rand.Text()
	c.mu.Lock()
	c.codes[code] = grant{person: q.Get("person"), redirect: redirect, challenge: q.Get("code_challenge"), nonce: q.Get("nonce")}
	c.mu.Unlock()
	http.Redirect(w, r, redirect+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

// exchange uses a code up; ok is false after it has answered with a refusal.
func (c *codes) exchange(w http.ResponseWriter, r *http.Request, refused int) (g grant, token string, ok bool) {
	if r.ParseForm() != nil {
		return g, "", false
	}
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if u, p, basic := r.BasicAuth(); basic {
		id, secret = u, p
	}
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	c.mu.Lock()
	defer c.mu.Unlock()
	g, known := c.codes[r.PostForm.Get("code")]
	if id != ClientID || secret != ClientSecret || !known || g.redirect != r.PostForm.Get("redirect_uri") ||
		g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		writeJSON(w, refused, map[string]any{"error": "invalid_grant", "error_description": "the code <b>is not good</b>"})
		return g, "", false
	}
	delete(c.codes, r.PostForm.Get("code"))
	token = "token-" + rand.Text()
	c.tokens[token] = g.person
	return g, token, true
}

// whose is the person of a token; ok is false after it has answered with a refusal.
func (c *codes) whose(w http.ResponseWriter, token string) (Person, bool) {
	c.mu.Lock()
	person := c.tokens[token]
	c.mu.Unlock()
	p, ok := c.world.people.find(person)
	if !ok {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	}
	return p, ok
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}
