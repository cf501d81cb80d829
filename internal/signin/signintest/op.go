package signintest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// startOP starts the OpenID provider; it makes its key when it is first asked.
func (w *World) startOP(t testing.TB) {
	t.Helper()
	var setUp func() http.Handler
	w.op = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if do := w.fault("op" + r.URL.Path); do != nil {
			do(rw, r)
			return
		}
		setUp().ServeHTTP(rw, r)
	}))
	w.Issuer = "http://" + w.op.Listener.Addr().String()
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, w.back...)}
	setUp = sync.OnceValue(func() http.Handler {
		return exampleop.SetupServer(w.Issuer, storage.NewStorageWithClients(users{w.people}, clients), nil, false)
	})
	w.op.Start()
	t.Cleanup(w.op.Close)
}

const password = "a good one"

// users are the people as the provider's storage wants them.
type users struct{ people *people }

// GetUserByID is storage.UserStore's.
func (u users) GetUserByID(id string) *storage.User {
	p, ok := u.people.find(id)
	if !ok {
		return nil
	}
	return &storage.User{ID: p.ID, Username: p.ID, Password: password, FirstName: p.Name, LastName: "Test", Email: p.Email, EmailVerified: p.Verified}
}

// GetUserByUsername is storage.UserStore's: people sign in there by their IDs.
func (u users) GetUserByUsername(name string) *storage.User { return u.GetUserByID(name) }

// ExampleClientID is storage.UserStore's.
func (u users) ExampleClientID() string { return "nobody" }

// approveAtOP fills in the provider's form.
func (w *World) approveAtOP(t testing.TB, client *http.Client, address *url.URL, person string) url.Values {
	t.Helper()
	form := follow(t, client, address.String())
	res, err := client.PostForm(w.Issuer+form.Path, url.Values{"id": {form.Query().Get("authRequestID")}, "username": {person}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	next, err := res.Location()
	if err != nil {
		t.Fatalf("the provider's form answers %d: %s", res.StatusCode, body)
	}
	return w.landed(t, client, next.String()).Query()
}
