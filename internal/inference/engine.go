package inference

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/inference/wire"
)

// Kind says where the engine stands.
type Kind string

// The kinds of engine.
const (
	// KindDemo is the built-in demo, which is no language model.
	KindDemo Kind = "DEMO"
	// KindLocal runs on this machine: nothing that is typed leaves it.
	KindLocal Kind = "LOCAL"
	// KindExternal is reached over the network.
	KindExternal Kind = "EXTERNAL"
)

// State is the engine's health as far as our requests show it.
type State string

// The states of an engine.
const (
	StateOK       State = "OK"
	StateDegraded State = "DEGRADED" // something failed recently
	StateDown     State = "DOWN"     // requests are refused at once, or it cannot be reached
)

// Names of engines that are treated specially.
const (
	NameDemo     = "demo"
	NameOllama   = "Ollama"
	NameVLLM     = "vLLM"
	NameSGLang   = "SGLang"
	NameLMStudio = "LM Studio"
	NameLlamaCPP = "llama.cpp"
	NameMoonshot = "Moonshot AI"
)

// Config describes one engine. BaseURL leads to the API's root ("/v1" is added when
// it has no path). Kind and Name are worked out when empty. Zero limits mean the
// defaults: 3 minutes to the first token, 20 s between tokens, lines of 1 MiB, 4 MiB of
// output. Catalogue, Clock, Log and Transport have working defaults too; a Transport
// of one's own must not change requests. Egress must reach the engine; nil reaches
// loopback addresses.
type Config struct {
	BaseURL, APIKey                 string
	Kind                            Kind
	Name                            string
	Catalogue                       *Catalogue
	FirstTokenTimeout, TokenTimeout time.Duration
	MaxLine, MaxOutputBytes         int
	Breaker                         Breaker
	Clock                           clock.Clock
	Log                             *slog.Logger
	Transport                       http.RoundTripper
	Egress                          *egress.Guard
}

// Engine is the client of one inference engine. It is safe for concurrent use. The
// key never leaves it but in the Authorization header to the configured host.
type Engine struct {
	base         *url.URL
	completions  *url.URL
	key          string
	kind         Kind
	catalogue    *Catalogue
	firstTimeout time.Duration
	tokenTimeout time.Duration
	maxLine      int
	maxOutput    int
	clock        clock.Clock
	log          *slog.Logger
	client       *http.Client
	breaker      *breaker

	mu      sync.RWMutex
	name    string
	models  []Model
	listed  bool   // the engine has told its models at least once
	listing string // why the last list failed, "" when it did not
	last    string // the latest trouble's message
}

// New checks the configuration and makes the client; it asks nothing of the engine.
// Its errors are one line each and name the setting.
func New(cfg Config) (*Engine, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if strings.IndexFunc(cfg.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return nil, errors.New("INFERENCE_API_KEY holds spaces, line ends or characters that are not ASCII")
	}
	if cfg.Catalogue == nil {
		if cfg.Catalogue, err = LoadCatalogue(""); err != nil {
			return nil, fmt.Errorf("load the built-in model catalogue: %w", err)
		}
	}
	e := &Engine{
		base: base, completions: base.JoinPath("chat/completions"), key: cfg.APIKey, kind: cfg.Kind, name: cfg.Name, catalogue: cfg.Catalogue,
		firstTimeout: orDefault(cfg.FirstTokenTimeout, 3*time.Minute),
		tokenTimeout: orDefault(cfg.TokenTimeout, 20*time.Second),
		maxLine:      orDefault(cfg.MaxLine, 1<<20),
		maxOutput:    orDefault(cfg.MaxOutputBytes, 4<<20),
		clock:        cfg.Clock, log: cfg.Log,
	}
	if e.clock == nil {
		e.clock = clock.System{}
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.kind == "" {
		e.kind = kindOf(base)
	}
	if e.name == "" {
		e.name = nameOfHost(base, e.kind)
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(base, cfg.Egress)
	}
	e.client = &http.Client{Transport: cfg.Transport, CheckRedirect: neverRedirect}
	e.breaker = &breaker{rule: cfg.Breaker.withDefaults(), clock: e.clock}
	e.models = e.unlisted()
	return e, nil
}

// Close drops the idle connections; streams under way are ended by their contexts.
func (e *Engine) Close() { e.client.CloseIdleConnections() }

// neverRedirect keeps the key and the conversation from going to another host.
func neverRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// poolSize is how many idle connections are kept: enough that a thousand streams at
// once find theirs again.
const poolSize = 1024

// idleTimeout is how long a connection is kept for the next request.
const idleTimeout = 90 * time.Second

// newTransport speaks HTTP/1.1: one connection for each stream keeps a slow one from
// holding up others, and ending one ends it at the engine at once. Without encryption and
// without a proxy in between we speak it ourselves.
func newTransport(base *url.URL, way *egress.Guard) http.RoundTripper {
	t := way.Transport()
	t.DisableCompression = true
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = poolSize, poolSize, idleTimeout
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	if base.Scheme != "http" || egress.Proxy(base.String()) != nil {
		return t
	}
	return &wire.Transport{Dial: way.DialContext, Next: t, MaxIdle: poolSize, IdleTimeout: idleTimeout}
}

func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case s == "":
		return nil, errors.New("INFERENCE_URL is empty")
	case err != nil:
		return nil, errors.New("INFERENCE_URL is not a URL; an example: http://127.0.0.1:8000/v1")
	case u.User != nil:
		return nil, errors.New("INFERENCE_URL must not hold a user or password; use INFERENCE_API_KEY")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("INFERENCE_URL must begin with http:// or https:// and a host; an example: http://127.0.0.1:8000/v1")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("INFERENCE_URL must not hold a query or a fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if strings.HasSuffix(u.Path, "/chat/completions") {
		return nil, errors.New("INFERENCE_URL must be the base of the API, without /chat/completions")
	}
	if u.Path == "" {
		u.Path = "/v1"
	}
	u.RawPath = ""
	return u, nil
}

func kindOf(base *url.URL) Kind {
	if isLoopback(base.Hostname()) {
		return KindLocal
	}
	return KindExternal
}

// nameOfHost is what the address tells; the list of models may tell more later.
func nameOfHost(base *url.URL, kind Kind) string {
	host := base.Hostname()
	switch {
	case kind == KindDemo:
		return NameDemo
	case strings.HasSuffix(host, ".moonshot.ai"), strings.HasSuffix(host, ".moonshot.cn"):
		return NameMoonshot
	}
	return ""
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Info is what may be shown of an engine. Host is host and port without the rest of
// the address. Message says in plain words what is wrong, "" when nothing is.
type Info struct {
	Kind       Kind
	Name, Host string
	State      State
	Message    string
}

// Info tells what is known now; it never waits.
func (e *Engine) Info() Info {
	e.mu.RLock()
	defer e.mu.RUnlock()
	i := Info{Kind: e.kind, Name: e.name, Host: e.base.Host, State: e.breaker.state()}
	if i.Name == "" {
		i.Name = "OpenAI-compatible engine"
	}
	switch {
	case i.State != StateOK:
		i.Message = e.last
	case e.listing != "" && !e.listed:
		i.State, i.Message = StateDown, e.listing
	case e.listing != "":
		i.State, i.Message = StateDegraded, e.listing
	}
	return i
}

// note keeps the message of the latest trouble for Info.
func (e *Engine) note(t *trouble) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = t.fault.Message
}

func orDefault[T time.Duration | int](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// drain reads what is left of a body, so that its connection can be used again.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxErrorBody) }
