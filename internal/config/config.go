// Package config reads the settings from the environment: once, as one struct,
// checked as a whole, so that a wrong setting stops the start with one clear line
// instead of surfacing at three in the morning. Nothing secret is ever printed.
//
// The struct tags are the only place where a setting is described: the defaults,
// the bounds and `kimi-k2 help config` all come from them.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is every setting of the server. Load returns it checked and with its
// derived values filled in; durations and counts are inside their bounds.
//
// Tags: env is the name, envDefault the default, unit what the value is measured
// in or the words it may be (separated by "|"), min and max its bounds, help what
// it does. secret:"all" is never printed, secret:"url" is printed without its
// password.
type Config struct {
	ListenAddr     string   `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080" unit:"host:port" help:"where the server listens; port 0 takes a free one"`
	PublicURL      string   `env:"PUBLIC_URL" unit:"URL" help:"the address people use, for cookies, links and origin checks; empty: made of LISTEN_ADDR"`
	InsecureHTTP   bool     `env:"INSECURE_HTTP" envDefault:"false" unit:"true|false" help:"allow an http:// PUBLIC_URL on a name that is not this machine: everything, cookies included, then travels unencrypted"`
	TrustedProxies Prefixes `env:"TRUSTED_PROXIES" unit:"CIDRs, separated by commas" help:"proxies whose X-Forwarded-For is believed; empty: none"`

	DataDir       string `env:"DATA_DIR" envDefault:"./data" unit:"folder" help:"where everything of this installation is kept"`
	SecretKey     string `env:"SECRET_KEY" unit:"32 bytes in base64" secret:"all" help:"the key that encrypts the owners' keys; when it is lost, so are all conversations; empty on this machine: made once in DATA_DIR/secret.key"`
	SecretKeyFile string `env:"SECRET_KEY_FILE" unit:"file" help:"a file that holds SECRET_KEY, readable by its owner only"`

	SecretKeyPrevious     string `env:"SECRET_KEY_PREVIOUS" unit:"32 bytes in base64, several separated by commas" secret:"all" help:"the keys before SECRET_KEY, while it is exchanged for a new one: what they encrypt can still be read; kimi-k2 rekey says when they are no longer needed"`
	SecretKeyPreviousFile string `env:"SECRET_KEY_PREVIOUS_FILE" unit:"file" help:"a file that holds SECRET_KEY_PREVIOUS, readable by its owner only; one key a line"`

	DatabaseURL        string        `env:"DATABASE_URL" unit:"postgres:// URL" secret:"url" help:"a PostgreSQL server (15 or newer) of your own; empty: one is run inside DATA_DIR"`
	DBMaxConns         int           `env:"DB_MAX_CONNS" envDefault:"20" unit:"connections" min:"2" max:"1000" help:"the most connections to the database at once"`
	DBMinConns         int           `env:"DB_MIN_CONNS" envDefault:"2" unit:"connections" min:"0" max:"1000" help:"connections kept open when idle"`
	DBStatementTimeout time.Duration `env:"DB_STATEMENT_TIMEOUT" envDefault:"5s" unit:"duration" min:"100ms" max:"5m" help:"how long one statement may take before it is given up"`
	PGBin              string        `env:"PG_BIN" unit:"folder" help:"PostgreSQL's programs for the embedded database; empty: looked for in the usual places"`

	InferenceURL               string        `env:"INFERENCE_URL" unit:"URL" secret:"url" help:"OpenAI-compatible base, for example http://127.0.0.1:8000/v1; empty: Ollama, vLLM, LM Studio and llama.cpp are looked for on this machine, else the built-in demo engine answers"`
	InferenceAPIKey            string        `env:"INFERENCE_API_KEY" unit:"text" secret:"all" help:"sent to the inference service as its bearer token"`
	InferenceFirstTokenTimeout time.Duration `env:"INFERENCE_FIRST_TOKEN_TIMEOUT" envDefault:"3m" unit:"duration" min:"1s" max:"30m" help:"how long a reply may take to begin, the loading of its model included"`
	InferenceTokenTimeout      time.Duration `env:"INFERENCE_TOKEN_TIMEOUT" envDefault:"20s" unit:"duration" min:"1s" max:"30m" help:"how long a begun reply may fall silent"`
	ModelsFile                 string        `env:"MODELS_FILE" unit:"file" help:"a model catalogue of your own in JSON; empty: the one inside the program"`
	Titles                     string        `env:"TITLES" envDefault:"auto" unit:"auto|off" help:"let the engine name conversations after their first answer; off: their first words stay"`
	DemoTokensPerSecond        int           `env:"DEMO_TOKENS_PER_SECOND" envDefault:"60" unit:"tokens per second" min:"1" max:"100000" help:"how fast the demo engine writes"`
	DemoFaults                 bool          `env:"DEMO_FAULTS" envDefault:"false" unit:"true|false" help:"let messages ask the demo engine to stall, cut or fail, to try out what then happens"`

	RunLease           time.Duration `env:"RUN_LEASE" envDefault:"6s" unit:"duration" min:"2s" max:"5m" help:"how long a reply stays with an instance that no longer answers before another takes it over"`
	CheckpointInterval time.Duration `env:"CHECKPOINT_INTERVAL" envDefault:"500ms" unit:"duration" min:"50ms" max:"1s" help:"how often the text of a reply being written is saved"`
	ShutdownTimeout    time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s" unit:"duration" min:"0s" max:"10m" help:"how long replies may go on being written after the server was told to stop"`
	NATSURL            string        `env:"NATS_URL" unit:"nats:// URL" secret:"url" help:"a NATS server that several instances share; empty: one inside this process"`

	GuestMessageLimit   int `env:"GUEST_MESSAGE_LIMIT" envDefault:"10" unit:"messages" min:"0" max:"1000000000" help:"messages a guest may send"`
	StreamsPerGuest     int `env:"STREAMS_PER_GUEST" envDefault:"1" unit:"replies" min:"1" max:"100000" help:"replies of one guest being written at once"`
	StreamsPerAccount   int `env:"STREAMS_PER_ACCOUNT" envDefault:"3" unit:"replies" min:"1" max:"100000" help:"replies in conversations of one account being written at once, for its page and keys together"`
	SocketsPerPrincipal int `env:"SOCKETS_PER_PRINCIPAL" envDefault:"5" unit:"websockets" min:"1" max:"100000" help:"open websockets of one person, that is tabs"`
	SocketsPerIP        int `env:"SOCKETS_PER_IP" envDefault:"20" unit:"websockets" min:"1" max:"1000000" help:"open websockets from one address"`
	SocketsTotal        int `env:"SOCKETS_TOTAL" envDefault:"12000" unit:"websockets" min:"1" max:"1000000" help:"open websockets of this instance; one more is told to come again later"`

	EngineStreams       int `env:"ENGINE_STREAMS" envDefault:"1024" unit:"streams" min:"0" max:"1000000" help:"streams of this instance at the inference engine at once; who comes beyond waits in a fair line and sees the place; 0: no bound"`
	EngineQueue         int `env:"ENGINE_QUEUE" envDefault:"10000" unit:"requests" min:"1" max:"1000000" help:"requests of this instance that may wait for the inference engine"`
	EngineQueuePerOwner int `env:"ENGINE_QUEUE_PER_OWNER" envDefault:"200" unit:"requests" min:"1" max:"1000000" help:"requests of one person or account among those that wait"`

	RateRequestsPerKey     int `env:"RATE_REQUESTS_PER_KEY" envDefault:"600" unit:"requests per minute" min:"0" max:"1000000000" help:"requests of one API key; 0: no limit. A key may have a lower limit of its own"`
	RateTokensPerKey       int `env:"RATE_TOKENS_PER_KEY" envDefault:"1000000" unit:"tokens per minute" min:"0" max:"1000000000" help:"tokens, read and written, of one API key; 0: no limit. A key may have a lower limit of its own"`
	RateStreamsPerKey      int `env:"RATE_STREAMS_PER_KEY" envDefault:"50" unit:"streams" min:"0" max:"1000000" help:"completions and replies of one API key being written at once; 0: no limit"`
	RateRequestsPerAccount int `env:"RATE_REQUESTS_PER_ACCOUNT" envDefault:"1200" unit:"requests per minute" min:"0" max:"1000000000" help:"requests of all API keys of an account together; 0: no limit"`
	RateTokensPerAccount   int `env:"RATE_TOKENS_PER_ACCOUNT" envDefault:"2000000" unit:"tokens per minute" min:"0" max:"1000000000" help:"tokens of all API keys of an account together; 0: no limit"`
	RateStreamsPerAccount  int `env:"RATE_STREAMS_PER_ACCOUNT" envDefault:"100" unit:"streams" min:"0" max:"1000000" help:"completions and replies of all API keys of an account being written at once; 0: no limit"`
	RateMessagesPerAccount int `env:"RATE_MESSAGES_PER_ACCOUNT" envDefault:"60" unit:"messages per minute" min:"0" max:"1000000000" help:"messages that somebody signed in sends from the page; 0: no limit"`
	RateMessagesPerGuest   int `env:"RATE_MESSAGES_PER_GUEST" envDefault:"20" unit:"messages per minute" min:"0" max:"1000000000" help:"messages that a guest sends; 0: no limit"`
	RateCostPerAccount     int `env:"RATE_COST_PER_ACCOUNT" envDefault:"20000" unit:"cost per minute" min:"0" max:"1000000000" help:"the cost of GraphQL documents of an account's page, and again of all its API keys together; visitors at one address share as much; 0: no limit"`
	RateBadKeysPerAddress  int `env:"RATE_BAD_KEYS_PER_ADDRESS" envDefault:"120" unit:"keys per minute" min:"0" max:"1000000000" help:"API keys that turn out not to be good, of one address, each instance for itself; 0: no limit"`
	RateCostPerGuest       int `env:"RATE_COST_PER_GUEST" envDefault:"2000" unit:"cost per minute" min:"0" max:"1000000000" help:"the cost of GraphQL documents of a guest; 0: no limit"`

	ImportPerGuest   int `env:"IMPORT_PER_GUEST" envDefault:"16" unit:"MB" min:"0" max:"1000000" help:"how large an import may make all conversations of a guest together"`
	ImportPerAccount int `env:"IMPORT_PER_ACCOUNT" envDefault:"512" unit:"MB" min:"0" max:"1000000" help:"how large an import may make all conversations of an account together"`

	TrustedDocuments string `env:"TRUSTED_DOCUMENTS" envDefault:"off" unit:"on|off" help:"whether browsers may send the page's own GraphQL documents only; API keys may always send any within the limits. on: pages that were open during an update have to be reloaded"`

	Shares string `env:"SHARES" envDefault:"on" unit:"on|off" help:"whether accounts may share conversations by link; off: nothing is shared, and links that were made before don't open"`

	SignupCredits int    `env:"SIGNUP_CREDITS" envDefault:"0" unit:"credits" min:"0" max:"1000000" help:"credits that a new account is given, also a person's next one: of a removed account nothing is kept that would tell; a credit is a US cent"`
	Charge        string `env:"CHARGE" envDefault:"auto" unit:"auto|on|off" help:"whether accounts pay the catalogue's prices with credits; auto: when SIGNUP_CREDITS gives them some. off: usage is counted and nothing costs anything"`

	GoogleClientID     string `env:"GOOGLE_CLIENT_ID" unit:"text" help:"sign-in with Google: the OAuth client's id; its redirect address is PUBLIC_URL/auth/google/callback"`
	GoogleClientSecret string `env:"GOOGLE_CLIENT_SECRET" unit:"text" secret:"all" help:"the OAuth client's secret at Google"`
	GitHubClientID     string `env:"GITHUB_CLIENT_ID" unit:"text" help:"sign-in with GitHub: the OAuth app's id; its redirect address is PUBLIC_URL/auth/github/callback"`
	GitHubClientSecret string `env:"GITHUB_CLIENT_SECRET" unit:"text" secret:"all" help:"the OAuth app's secret at GitHub"`
	OIDCIssuer         string `env:"OIDC_ISSUER" unit:"URL" help:"sign-in with a company's OpenID Connect provider: its issuer; the redirect address is PUBLIC_URL/auth/oidc/callback"`
	OIDCClientID       string `env:"OIDC_CLIENT_ID" unit:"text" help:"the client's id at that provider"`
	OIDCClientSecret   string `env:"OIDC_CLIENT_SECRET" unit:"text" secret:"all" help:"the client's secret at that provider"`
	OIDCName           string `env:"OIDC_NAME" envDefault:"Company account" unit:"text" help:"what people call that provider, for the button"`

	SMTPURL  string `env:"SMTP_URL" unit:"smtp:// or smtps:// URL" secret:"url" help:"the mail server, for example smtp://user:password@mail.example.com:587; STARTTLS is required off this machine; empty: mails are kept for the operator to read"`
	MailFrom string `env:"MAIL_FROM" unit:"mail address" help:"the sender of mails, for example Kimi K2 <no-reply@example.com>; empty: SUPPORT_EMAIL"`

	NoticesPerMinute int `env:"NOTICES_PER_MINUTE" envDefault:"600" unit:"mails per minute" min:"1" max:"1000000" help:"how fast mails to everybody are written: a new version of the privacy policy, news, an incident"`

	StripeSecretKey     string `env:"STRIPE_SECRET_KEY" unit:"text" secret:"all" help:"selling credits through Stripe: the secret key, sk_live_… or sk_test_…; needs STRIPE_WEBHOOK_SECRET"`
	StripeWebhookSecret string `env:"STRIPE_WEBHOOK_SECRET" unit:"32 characters or more" secret:"all" help:"the signing secret of the webhook at Stripe, whose address is PUBLIC_URL/webhooks/stripe"`
	StripeAPIURL        string `env:"STRIPE_API_URL" unit:"URL" help:"where Stripe's interface is; empty: Stripe itself"`
	StripeAutomaticTax  bool   `env:"STRIPE_AUTOMATIC_TAX" envDefault:"false" unit:"true|false" help:"let Stripe compute and collect taxes, which your account there must be set up for"`
	CreemAPIKey         string `env:"CREEM_API_KEY" unit:"text" secret:"all" help:"selling credits through Creem: the API key, creem_… or creem_test_…; needs CREEM_WEBHOOK_SECRET"`
	CreemWebhookSecret  string `env:"CREEM_WEBHOOK_SECRET" unit:"32 characters or more" secret:"all" help:"the secret of the webhook at Creem, whose address is PUBLIC_URL/webhooks/creem"`
	CreemAPIURL         string `env:"CREEM_API_URL" unit:"URL" help:"where Creem's interface is; empty: Creem itself, its test mode with a test key"`
	PacksFile           string `env:"PACKS_FILE" unit:"file" help:"credit packs of your own in JSON; empty: those inside the program"`

	ServiceName  string `env:"SERVICE_NAME" envDefault:"Kimi K2" unit:"text" help:"the name on the page"`
	ServiceURL   string `env:"SERVICE_URL" unit:"URL" help:"the site of whoever runs this installation"`
	SupportEmail string `env:"SUPPORT_EMAIL" unit:"mail address" help:"where people can ask for help"`

	LogFormat string `env:"LOG_FORMAT" envDefault:"text" unit:"text|json" help:"how log lines are written"`
	LogLevel  string `env:"LOG_LEVEL" envDefault:"info" unit:"debug|info|warn|error" help:"the least important log lines that are written"`

	publicDerived bool
}

// Warning is something about the settings that does not stop the start but that
// whoever runs the server should read. It never holds a value that is secret.
type Warning struct {
	Name string // the variable it is about
	Text string
}

// String is the warning as one line.
func (w Warning) String() string { return w.Name + ": " + w.Text }

// Faults is everything that is wrong with the settings, one line each, in the
// order of Config's fields.
type Faults []Warning

// Error is the lines, each on its own.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, w := range f {
		lines[i] = w.String()
	}
	return strings.Join(lines, "\n")
}

// Load reads the settings from environ ("NAME=value", as os.Environ gives them).
// An empty or blank value counts as not set. Every fault is reported at once, as
// Faults; the warnings are valid in either case.
func Load(environ []string) (Config, []Warning, error) {
	vars := make(map[string]string, len(environ))
	for name, value := range env.ToMap(environ) {
		if v := strings.TrimSpace(value); v != "" {
			vars[name] = v
		}
	}
	var c Config
	faults := parse(&c, vars)
	faults = append(faults, checkBounds(&c, faults)...)
	faults = append(faults, c.complete(faults)...)
	near, warnings := checkNames(vars)
	faults = append(faults, near...)
	warnings = append(warnings, c.warn()...)
	if len(faults) == 0 {
		return c, warnings, nil
	}
	return Config{}, warnings, inOrder(faults)
}

// parse fills c from vars; a value that cannot be read becomes a fault.
func parse(c *Config, vars map[string]string) Faults {
	err := env.ParseWithOptions(c, env.Options{Environment: vars})
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return Faults{{"environment", err.Error()}}
	}
	var faults Faults
	for _, e := range all.Errors {
		faults = append(faults, parseFault(e))
	}
	return faults
}

// parseFault words one parse error; none of the parsed settings is secret.
func parseFault(err error) Warning {
	var p env.ParseError
	if !errors.As(err, &p) {
		return Warning{"environment", err.Error()}
	}
	field, ok := reflect.TypeFor[Config]().FieldByName(p.Name)
	if !ok {
		return Warning{p.Name, err.Error()}
	}
	name := field.Tag.Get("env")
	switch {
	case field.Type == reflect.TypeFor[time.Duration]():
		return Warning{name, "is not a duration: write a number with its unit, for example 500ms, 20s or 2m"}
	case field.Type.Kind() == reflect.Int:
		return Warning{name, "is not a whole number of " + field.Tag.Get("unit")}
	case field.Type.Kind() == reflect.Bool:
		return Warning{name, "must be true or false"}
	}
	return Warning{name, p.Err.Error()}
}

// Loopback reports whether the server is only meant for this machine: its public
// address is a loopback name.
func (c Config) Loopback() bool {
	u, err := parseURL(c.PublicURL, "http", "https")
	return err == nil && isLoopback(u.Hostname())
}

// Secure reports whether people reach the server over https, so that cookies may
// insist on it.
func (c Config) Secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// Bound is the settings after listening on addr: a PublicURL that was made of
// LISTEN_ADDR now names the port that was really taken.
func (c Config) Bound(addr net.Addr) Config {
	if c.publicDerived {
		c.ListenAddr = addr.String()
		c.PublicURL = urlOf(c.ListenAddr)
	}
	return c
}

// urlOf is the address people use for a listen address; the usual loopback
// address is written as localhost.
func urlOf(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	if host == "127.0.0.1" || host == "::1" {
		host = "localhost"
	}
	if port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "http://" + host
	}
	return "http://" + net.JoinHostPort(host, port)
}

// complete checks what the tags cannot say and fills in what is derived. Settings
// that already have a fault are left alone.
func (c *Config) complete(known Faults) Faults {
	var faults Faults
	add := func(name, format string, args ...any) {
		if !known.has(name) {
			faults = append(faults, Warning{name, fmt.Sprintf(format, args...)})
		}
	}
	c.completeAddresses(add)
	c.completeFiles(add)
	c.checkServices(add)
	c.checkProviders(add)
	c.checkMail(add)
	c.checkPayments(add)
	if c.DBMinConns > c.DBMaxConns && !known.has("DB_MAX_CONNS") {
		add("DB_MIN_CONNS", "is more than DB_MAX_CONNS (%d)", c.DBMaxConns)
	}
	if c.CheckpointInterval*2 > c.RunLease && !known.has("CHECKPOINT_INTERVAL") {
		add("RUN_LEASE", "must be at least twice CHECKPOINT_INTERVAL (%s)", c.CheckpointInterval)
	}
	return faults
}

// completeFiles makes folders absolute and looks whether named files are there.
func (c *Config) completeFiles(add func(name, format string, args ...any)) {
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		add("DATA_DIR", "cannot be resolved: %v", err)
	}
	c.DataDir = dir
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		add("DATA_DIR", "%s is a file, not a folder", dir)
	}
	if c.ModelsFile != "" && !isFile(c.ModelsFile) {
		add("MODELS_FILE", "there is no file %s", c.ModelsFile)
	}
	if c.PacksFile != "" && !isFile(c.PacksFile) {
		add("PACKS_FILE", "there is no file %s", c.PacksFile)
	}
	if c.PGBin != "" && !isFile(filepath.Join(c.PGBin, "postgres"+executableSuffix())) {
		add("PG_BIN", "there is no program postgres in %s", c.PGBin)
	}
	c.checkSecret(add)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// Prefixes is a list of networks.
type Prefixes []netip.Prefix

// UnmarshalText reads networks and single addresses separated by commas; it
// refuses the whole list when one of them is neither.
func (p *Prefixes) UnmarshalText(text []byte) error {
	*p = nil
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			addr, err := netip.ParseAddr(part)
			if err != nil {
				return fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", part)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// Contains reports whether one of the networks holds addr.
func (p Prefixes) Contains(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// String is the networks separated by commas.
func (p Prefixes) String() string {
	parts := make([]string, len(p))
	for i, prefix := range p {
		parts[i] = prefix.String()
	}
	return strings.Join(parts, ",")
}
