// Package account knows the owners of personal rows: guests, accounts, the identities
// that lead to an account and the sessions that lead from a browser's cookie to an
// owner. It alone builds rows of owners, sessions, accounts, identities,
// operator_links, email_changes, installation, key_encryption_keys and key_holders.
//
// Visiting stores nothing: a visitor carries a signed ticket, and its first message
// makes the owner and the session in the transaction of that message. Signing in
// makes an account, or leads to one by (provider, stable id): an e-mail address never
// does. The database holds hashes of cookies and links, keyed hashes of addresses and
// provider ids, and sealed text; never any of them in the clear.
package account

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Defaults and bounds of Config.
const (
	maxCacheTTL             = time.Second
	maxCached               = 10_000
	defaultGuestsPerNetwork = 200
	minCookieKey            = 32
)

// Config is what a Service is made of.
type Config struct {
	DB     *database.DB
	Keeper *seal.Keeper
	// Audit writes acts down; without it none is done.
	Audit *audit.Service
	Clock clock.Clock
	// Log is told what went wrong beside requests; nil: nobody is.
	Log *slog.Logger
	// GuestLimit is the number of messages a guest may send in all.
	GuestLimit int
	// GuestsPerNetwork caps the new guests of one network (an IPv4 /24, an IPv6 /48)
	// per UTC day and instance; zero means 200. This machine's own addresses and
	// unknown ones are not counted.
	GuestsPerNetwork int
	// CookieKey is the root secret of the installation, of at least 32 bytes: the keys
	// that sign tickets and hash addresses and provider ids are derived from it.
	CookieKey []byte
	// CacheTTL is how long a known viewer is remembered: at most a second, which is
	// also what zero means.
	CacheTTL time.Duration
	// PublicURL is the address people use, without a slash at its end; links in mails
	// begin with it. Without one no address can be changed.
	PublicURL string
	// Languages are the tags that the page has; nil means en and zh.
	Languages []string
	// Bus carries revocations to the other instances; nil: there are none.
	Bus Bus
	// Movers, Admission and Mailer are other rooms' parts in what happens here; Join
	// hands over those that themselves need this service. Without an Admission no
	// account is made, without Movers no guest is moved, without a Mailer no address
	// is changed and nobody is told of anything by mail.
	Movers    []Mover
	Admission Admission
	Mailer    Mailer
	// Journal keeps tombstones outside of the database; nil: nobody does.
	Journal Journal
}

// Service answers who is asking, signs people in and out, and spends what they may use.
type Service struct {
	db         *database.DB
	audit      *audit.Service
	keeper     *seal.Keeper
	clock      clock.Clock
	log        *slog.Logger
	guestLimit int
	root       []byte
	tickets    tickets
	index      indexes
	guests     *viewer.Cache // by the hash of a ticket
	sessions   *viewer.Cache // by the hash of a session's cookie
	networks   *networks
	publicURL  string
	languages  []string

	instance  string // names this service on the bus
	bus       Bus
	movers    []Mover
	admission Admission
	mailer    Mailer
	wallets   Wallets // nil: nobody has one
	stopper   Stopper // nil: nothing goes on
	leaver    Leaver  // nil: nothing lies elsewhere
	shutters  []Shutter
	erasers   []Eraser
	journal   Journal // nil: there is none
	afterStep func(step string) error

	life        context.Context //nolint:containedctx // ends with Close, and deletions that go on without a request with it
	finish      context.CancelFunc
	working     sync.WaitGroup
	mu          sync.Mutex
	closed      bool
	keyless     error       // others wrap under a key that isn't held
	synced      time.Time   // the journal has all tombstones until then
	behind      atomic.Bool // the journal could not be written
	callbacks   []func(ownerID, sessionID string)
	unsubscribe func()
}

// New makes the service; VerifyKey must succeed before it is used, and Start lets it
// hear of what other instances revoke.
func New(c Config) *Service {
	ttl := c.CacheTTL
	if ttl <= 0 || ttl > maxCacheTTL {
		ttl = maxCacheTTL
	}
	perNetwork := c.GuestsPerNetwork
	if perNetwork <= 0 {
		perNetwork = defaultGuestsPerNetwork
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Languages == nil {
		c.Languages = []string{"en", "zh"}
	}
	life, finish := context.WithCancel(context.Background())
	return &Service{
		life: life, finish: finish, journal: c.Journal,
		db: c.DB, audit: c.Audit, keeper: c.Keeper, clock: c.Clock, log: c.Log, guestLimit: c.GuestLimit,
		root:     c.CookieKey,
		tickets:  newTickets(c.CookieKey, c.Clock),
		index:    newIndexes(c.CookieKey),
		guests:   viewer.NewCache(c.Clock.Now, ttl, maxCached),
		sessions: viewer.NewCache(c.Clock.Now, ttl, maxCached),
		networks: newNetworks(c.Clock, perNetwork),
		instance: id.New(id.Instance), bus: c.Bus, publicURL: c.PublicURL, languages: c.Languages,
		movers: c.Movers, admission: c.Admission, mailer: c.Mailer,
	}
}

// GuestLimit is the number of messages a guest may send in all.
func (s *Service) GuestLimit() int { return s.guestLimit }
