// Package signin asks Google, GitHub or a company's OpenID Connect provider who
// somebody is. It alone builds rows of sign_ins.
//
// It drives goth's providers and none of goth's helpers: the state is made here,
// kept as a hash, good once, for ten minutes and in one browser; the code is bound to
// it by PKCE and the ID token by a nonce; the token's signature, issuer, audience and
// time are checked here, because goth checks none of them fully. What the provider
// handed out besides is thrown away. Whose account a proof opens is not decided here.
package signin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// Bounds of sign-ins.
const (
	// TTL is how long a sign-in may take, from leaving for the provider to coming back.
	TTL = 10 * time.Minute
	// PerMinute is how often one network may begin, how often it may come back to what was
	// begun, and how often to nothing.
	PerMinute = 10

	defaultTimeout = 10 * time.Second
	minKey         = 32
)

// Client is what a provider knows this installation by; without an ID the provider
// is not offered.
type Client struct{ ID, Secret string }

// OIDC is a company's OpenID Connect provider.
type OIDC struct {
	Client
	Issuer string // its URL, as it writes it itself
	Name   string // what people call it
}

// Config is what a Service is made of.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	Log   *slog.Logger
	// Key is a secret of the installation of at least 32 bytes, such as the
	// key-encryption key: verifiers and nonces are derived from it.
	Key []byte
	// PublicURL is where providers send people back to, whatever a request claims.
	PublicURL *url.URL
	Google    Client
	GitHub    Client
	OIDC      OIDC
	// Timeout bounds one call to a provider; zero means 10 seconds.
	Timeout time.Duration
	// Egress must reach the providers' hosts (see Hosts); those that a company's provider
	// names besides are put on its list.
	Egress *egress.Guard
	// Transport leads to the providers instead of Egress; nil means the machine's own way,
	// proxies of the environment included.
	Transport http.RoundTripper
}

// Hosts are the addresses that a provider with fixed ones is asked at.
var Hosts = map[models.Provider][]string{
	models.ProviderGoogle: {"https://oauth2.googleapis.com", "https://www.googleapis.com"},
	models.ProviderGitHub: {"https://github.com", "https://api.github.com"},
}

// Proof is what a provider said about somebody. Subject never changes and is never
// given to another; the e-mail may do both.
type Proof struct {
	Provider models.Provider
	Subject  string // for OpenID Connect led by the issuer
	Name     string
	Email    string
	Verified bool // the provider checked that the e-mail is theirs
	// At is when the provider last asked who they are; zero when it does not say, as GitHub.
	At time.Time
}

// Info is a provider that can be chosen.
type Info struct {
	Provider models.Provider
	Name     string // what people call it
	Path     string // where a browser begins
}

// Service begins and completes sign-ins.
type Service struct {
	db        *database.DB
	clock     clock.Clock
	log       *slog.Logger
	key       []byte
	sealer    *seal.Key // of what browsers keep
	timeout   time.Duration
	transport http.RoundTripper
	idle      *http.Transport // ours to close; nil when the transport was given
	order     []Info
	sources   map[models.Provider]source
	begins    *attempts
	returns   *attempts
	strays    *attempts // that come back to nothing
}

// New makes the service of the providers that have a client. It asks nobody; a
// provider that cannot be reached is noticed when somebody chooses it.
func New(c Config) (*Service, error) {
	if len(c.Key) < minKey {
		return nil, fmt.Errorf("the key of sign-ins must have at least %d bytes", minKey)
	}
	s := &Service{
		db: c.DB, clock: c.Clock, log: c.Log, key: derive(c.Key, "sign-in v1"), timeout: c.Timeout, transport: c.Transport,
		sources: map[models.Provider]source{}, begins: newAttempts(c.Clock, PerMinute), returns: newAttempts(c.Clock, PerMinute), strays: newAttempts(c.Clock, PerMinute),
	}
	var err error
	if s.sealer, err = seal.KeyOf(derive(c.Key, "pending sign-in v1")); err != nil {
		return nil, fmt.Errorf("the key of sign-ins: %w", err)
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	if s.transport == nil {
		s.idle = newTransport(c.Egress)
		s.transport = s.idle
	}
	back := func(path string) string { return strings.TrimRight(c.PublicURL.String(), "/") + path + "/callback" }
	if c.Google.ID != "" {
		s.offer(models.ProviderGoogle, "Google", "/auth/google", newGoogle(c.Google, back("/auth/google"), c.Clock))
	}
	if c.GitHub.ID != "" {
		s.offer(models.ProviderGitHub, "GitHub", "/auth/github", &githubSource{client: c.GitHub, back: back("/auth/github")})
	}
	if c.OIDC.ID != "" {
		s.offer(models.ProviderOIDC, c.OIDC.Name, "/auth/oidc", newOIDC(c.OIDC, back("/auth/oidc"), c.Clock, c.Egress))
	}
	return s, nil
}

func (s *Service) offer(p models.Provider, name, path string, from source) {
	s.order = append(s.order, Info{Provider: p, Name: name, Path: path})
	s.sources[p] = from
}

// Providers lists what can be chosen, in the order to show it in.
func (s *Service) Providers() []Info { return append([]Info(nil), s.order...) }

// Offers reports whether the provider can be chosen.
func (s *Service) Offers(p models.Provider) bool { return s.sources[p] != nil }

// Attempt counts a try of the network to get in by a link. It refuses like Begin.
func (s *Service) Attempt(network netip.Addr) error { return s.begins.admit(network) }

// Close lets go of the connections to providers; requests under way go on.
func (s *Service) Close() {
	if s.idle != nil {
		s.idle.CloseIdleConnections()
	}
}

// derive makes a key or a text for one use out of a secret. Parts can't run into each other.
func derive(secret []byte, parts ...string) []byte {
	var purpose strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&purpose, "%d:%s", len(p), p) // a builder never fails
	}
	return seal.Derive(secret, purpose.String())
}

// flow is one sign-in's conversation with its provider.
type flow struct {
	ctx     context.Context //nolint:containedctx // goth takes none: the courier hands this one on
	courier *courier
	client  *http.Client
	nonce   string
	// since is when a confirmation began: the provider must have asked anew after it.
	// Zero for other purposes.
	since time.Time
}

func (s *Service) flow(ctx context.Context, state string) *flow {
	c := &courier{ctx: ctx, next: s.transport, timeout: s.timeout, verifier: s.verifier(state)}
	return &flow{ctx: ctx, courier: c, client: c.client(), nonce: s.nonce(state)}
}

// verifier and nonce follow from the state, so that nothing secret has to be kept.
func (s *Service) verifier(state string) string { return encode(derive(s.key, "verifier", state)) }
func (s *Service) nonce(state string) string    { return encode(derive(s.key, "nonce", state)) }
