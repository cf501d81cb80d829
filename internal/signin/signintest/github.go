package signintest

import (
	"net/http"
	"strings"
)

// github speaks GitHub's wire.
type github struct{ *codes }

func newGitHub(w *World) *github { return &github{newCodes(w)} }

func (g *github) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET github.com/login/oauth/authorize":     g.authorize,
		"POST github.com/login/oauth/access_token": g.token,
		"GET api.github.com/user":                  g.user,
		"GET api.github.com/user/emails":           g.emails,
	}
}

// token refuses with 200, as GitHub does.
func (g *github) token(w http.ResponseWriter, r *http.Request) {
	if _, token, ok := g.exchange(w, r, http.StatusOK); ok {
		writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "scope": "read:user,user:email"})
	}
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// user shows a public address that GitHub has never checked.
func (g *github) user(w http.ResponseWriter, r *http.Request) {
	if p, ok := g.whose(w, bearer(r)); ok {
		writeJSON(w, http.StatusOK, map[string]any{"id": p.Number, "login": p.Login, "name": p.Name, "email": "public-" + p.Email})
	}
}

func (g *github) emails(w http.ResponseWriter, r *http.Request) {
	p, ok := g.whose(w, bearer(r))
	if !ok {
		return
	}
	list := []map[string]any{{"email": "old-" + p.Email, "primary": false, "verified": true}}
	if p.Email != "" {
		list = append(list, map[string]any{"email": p.Email, "primary": true, "verified": p.Verified})
	}
	writeJSON(w, http.StatusOK, list)
}
