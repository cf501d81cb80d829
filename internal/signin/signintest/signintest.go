// Package signintest is the world outside for tests of signing in: a real OpenID
// provider, a front that answers as Google and GitHub do under a certificate of its
// own authority, and a transport that leads to them and to nothing else.
package signintest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// What the providers know the installation by.
const (
	ClientID     = "kimi-client"
	ClientSecret = "kimi-secret"
)

// Person is somebody with an account at every provider.
type Person struct {
	ID       string // the subject at Google and at the OpenID provider
	Number   int    // at GitHub
	Login    string // at GitHub
	Name     string
	Email    string
	Verified bool
}

// World is the providers.
type World struct {
	// Issuer is the OpenID provider's.
	Issuer string

	front  *httptest.Server
	op     *httptest.Server
	back   []string
	people *people
	google *google
	github *github

	mu      sync.Mutex
	faults  map[string]http.HandlerFunc
	dialled []string
}

// New starts the providers, which send people back to the given addresses only. They
// end with the test.
func New(t testing.TB, back ...string) *World {
	t.Helper()
	w := &World{back: back, people: &people{}, faults: map[string]http.HandlerFunc{}}
	w.google, w.github = newGoogle(w), newGitHub(w)
	w.front = httptest.NewUnstartedServer(http.HandlerFunc(w.answer))
	cert, pool := certificate(t, "accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com", "github.com", "api.github.com")
	w.front.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, MinVersion: tls.VersionTLS12}
	w.front.StartTLS()
	t.Cleanup(w.front.Close)
	w.startOP(t)
	return w
}

// Know makes the person known to the providers, or changes who has its ID.
func (w *World) Know(p Person) { w.people.put(p) }

// Fault makes an address of a provider, such as oauth2.googleapis.com/token or
// op/oauth/token, do something else until it is given nil.
func (w *World) Fault(address string, do http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[address] = do
}

func (w *World) fault(address string) http.HandlerFunc {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults[address]
}

// Hang never answers.
func Hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the end of the connection is noticed only then
	<-r.Context().Done()
}

// Answer answers with a status and a body.
func Answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// answer is the front of Google and GitHub.
func (w *World) answer(rw http.ResponseWriter, r *http.Request) {
	address := r.Host + r.URL.Path
	if do := w.fault(address); do != nil {
		do(rw, r)
		return
	}
	for _, routes := range []map[string]http.HandlerFunc{w.google.routes(), w.github.routes()} {
		if do := routes[r.Method+" "+address]; do != nil {
			do(rw, r)
			return
		}
	}
	http.NotFound(rw, r)
}

// Transport leads to the providers; every other host is refused. Its connections end
// with the test.
func (w *World) Transport(t testing.TB) *http.Transport {
	leaf := w.front.TLS.RootCAs
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: leaf, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to, err := w.dial(addr)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

var hosts = []string{"accounts.google.com:443", "oauth2.googleapis.com:443", "www.googleapis.com:443", "github.com:443", "api.github.com:443"}

func (w *World) dial(addr string) (string, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, addr)
	w.mu.Unlock()
	if addr == w.op.Listener.Addr().String() {
		return addr, nil
	}
	if slices.Contains(hosts, addr) {
		return w.front.Listener.Addr().String(), nil
	}
	return "", fmt.Errorf("%s is none of the providers", addr)
}

// Dialled lists the hosts that were asked for so far, each once, in order of the
// alphabet; the OpenID provider is op.
func (w *World) Dialled() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, addr := range w.dialled {
		if addr == w.op.Listener.Addr().String() {
			addr = "op"
		}
		out = append(out, strings.TrimSuffix(addr, ":443"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Approve takes a browser from the address that a sign-in begins with, past the
// provider, where the person agrees, and returns what it brings back.
func (w *World) Approve(t testing.TB, address, person string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: w.Transport(t), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if u.Scheme == "http" {
		return w.approveAtOP(t, client, u, person)
	}
	q := u.Query()
	q.Set("person", person)
	u.RawQuery = q.Encode()
	return w.landed(t, client, u.String()).Query()
}

// landed is where a page sends the browser to: an address of ours.
func (w *World) landed(t testing.TB, client *http.Client, address string) *url.URL {
	t.Helper()
	to := follow(t, client, address)
	if !slices.Contains(w.back, to.Scheme+"://"+to.Host+to.Path) {
		t.Fatalf("the provider sends people to %s", to)
	}
	return to
}

func follow(t testing.TB, client *http.Client, address string) *url.URL {
	t.Helper()
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	to, err := res.Location()
	if err != nil {
		t.Fatalf("%s answers %d: %s", res.Request.URL.Host, res.StatusCode, body)
	}
	return to
}

// people are known by their IDs.
type people struct {
	mu   sync.Mutex
	list map[string]Person
}

func (p *people) put(one Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list == nil {
		p.list = map[string]Person{}
	}
	p.list[one.ID] = one
}

func (p *people) find(id string) (Person, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.list[id]
	return one, ok
}

// pool of one certificate.
func poolOf(cert *x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}
