// Kimi K2 is an AI chat assistant service that people host themselves. This program
// is all of it: the GraphQL server, the single-page app, an embedded database and,
// where no inference engine is found, a demo of one.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fairqueue"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/demo"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/rawio"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// version is set by the build.
var version = "dev"

// server is the built product, from the database up to the listener.
type server struct {
	cfg          config.Config
	log          *slog.Logger
	clock        clock.Clock
	listener     net.Listener
	db           *database.DB
	secrets      account.Keys
	audit        *audit.Service
	accounts     *account.Service
	policy       *policy.Service
	register     *register.Register
	sellers      []payment.Provider
	packs        []billing.Pack
	credit       *credit.Service
	keys         *apikey.Service
	requests     *requestlog.Service
	retention    *retention.Engine
	billing      *billing.Service
	mails        *notify.Service
	signIns      *signin.Service
	jobs         *jobs.Runner
	bus          *bus.Bus
	demo         *demo.Server
	engine       *inference.Engine
	limits       *ratelimit.Service
	queue        *fairqueue.Queue
	chat         *chat.Service
	completions  *completion.Service
	sockets      *wsconn.Transport
	http         *http.Server
	streams      chan struct{} // closed to end event streams
	stop         context.CancelFunc
	watching     chan struct{}
	egress       *egress.Guard
	engineURL    string
	transparency *transparency.Service
	exports      *export.Service
	shares       *share.Service
	notices      *notice.Service
	disclosures  *disclosure.Service
}

// build constructs every room, in the order in which they need each other. What was
// built before a failure is closed again.
func build(ctx context.Context, cfg config.Config, log *slog.Logger) (_ *server, err error) {
	s := &server{cfg: cfg, log: log, clock: clock.System{}, streams: make(chan struct{}), watching: make(chan struct{})}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.ListenAddr); err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	s.cfg = cfg.Bound(s.listener.Addr())
	if _, err := cfg.Secret(); err != nil { // before the database: it may have to be made
		return nil, err
	}
	if s.egress, err = newEgress(s.cfg, log); err != nil {
		return nil, err
	}
	if s.db, err = openDatabase(ctx, cfg, log); err != nil {
		return nil, err
	}
	if err = s.beforeMigration(ctx); err != nil {
		return nil, err
	}
	if _, err = s.db.Migrate(ctx); err != nil {
		return nil, err
	}
	if s.secrets, err = openKeys(ctx, cfg, s.db); err != nil {
		return nil, err
	}
	root := s.secrets.Root
	s.audit = audit.New(audit.Config{DB: s.db, Clock: s.clock, Log: log, Secret: root})
	if err = s.openAccounts(ctx); err != nil {
		return nil, err
	}
	if err = s.openPolicy(root); err != nil {
		return nil, err
	}
	s.jobs = jobs.New(jobs.Config{DB: s.db, Log: log})
	s.openCredit()
	if err = s.openBilling(root); err != nil {
		return nil, err
	}
	s.openLimits()
	s.keys = apikey.New(apikey.Config{DB: s.db, Audit: s.audit, Owners: s.accounts, Budgets: s.credit, Clock: s.clock, Log: log, Bus: s.bus, Secret: root, Tries: s.limits})
	s.openRequests()
	s.chat = chat.New(chat.Config{DB: s.db, Owners: s.accounts, Keys: s.keys, Gate: s.policy, Engine: s.queue, Limits: messageLimits{s.limits}, Bus: s.bus, Clock: s.clock, Log: log, Money: s.credit, Price: s.price(), OnEnd: s.recordReply,
		Lease: cfg.RunLease, Checkpoint: cfg.CheckpointInterval, RunsPerGuest: cfg.StreamsPerGuest, RunsPerAccount: cfg.StreamsPerAccount, Titles: cfg.Titles != "off", Sole: s.db.Embedded()})
	s.openCompletions()
	if err = s.openRest(root); err != nil {
		return nil, err
	}
	return s, s.start(ctx)
}

// beforeMigration does all that may fail for settings, files or keys: as long as the schema is
// as it was, whoever was to be replaced goes on.
func (s *server) beforeMigration(ctx context.Context) (err error) {
	if err := s.db.CheckVersion(ctx); errors.As(err, new(*database.ErrNewerSchema)) {
		return err
	}
	if err := checkKeys(ctx, s.cfg, s.db); err != nil {
		return err
	}
	if s.bus, err = bus.Open(ctx, bus.Config{URL: s.cfg.NATSURL, Egress: s.egress, Log: s.log}); err != nil {
		return fmt.Errorf("NATS_URL: %w", err)
	}
	if err := s.openShop(); err != nil {
		return err
	}
	if err := s.openEngine(ctx); err != nil {
		return err
	}
	s.register, err = readRegister()
	return err
}

// readRegister gives the register inside the program, which nobody changes.
var readRegister = sync.OnceValues(func() (*register.Register, error) { return register.Load(policyfiles.Files()) })

// start lets the rooms work.
func (s *server) start(ctx context.Context) error {
	if s.cfg.NATSURL == "" && !s.db.Embedded() {
		if alone, err := s.db.Alone(ctx); err != nil {
			return err
		} else if !alone {
			s.log.Warn("another instance works on this database: give both the same NATS_URL, or what one does the other's pages and sockets learn late")
		}
	}
	for _, room := range []func(context.Context) error{s.limits.Start, s.requests.Start, s.chat.Start, s.completions.Start} {
		if err := room(ctx); err != nil {
			return err
		}
	}
	return s.startPeople(ctx)
}

// openRest builds what needs most of the others.
func (s *server) openRest(root []byte) error {
	if err := s.openRetention(); err != nil {
		return err
	}
	if err := s.openOutbox(); err != nil {
		return err
	}
	s.openNotices()
	if err := s.openExports(root); err != nil {
		return err
	}
	s.openShares(root)
	if err := s.openTransparency(root); err != nil {
		return err
	}
	return s.openEdge(root)
}

func openDatabase(ctx context.Context, cfg config.Config, log *slog.Logger) (*database.DB, error) {
	var bins []string
	if cfg.PGBin != "" {
		bins = append(bins, cfg.PGBin)
	}
	return database.Open(ctx, database.Config{URL: cfg.DatabaseURL, DataDir: cfg.DataDir, MaxConns: cfg.DBMaxConns, MinConns: cfg.DBMinConns,
		StatementTimeout: cfg.DBStatementTimeout, BinDirs: bins, Log: log})
}

// openEngine finds the engine: the configured one, one that answers on this machine,
// else the built-in demo.
func (s *server) openEngine(ctx context.Context) error {
	catalogue, err := inference.LoadCatalogue(s.cfg.ModelsFile)
	if err != nil {
		return fmt.Errorf("MODELS_FILE: %w", err)
	}
	c := inference.Config{BaseURL: s.cfg.InferenceURL, APIKey: s.cfg.InferenceAPIKey, Catalogue: catalogue, Clock: s.clock, Log: s.log, Egress: s.egress,
		FirstTokenTimeout: s.cfg.InferenceFirstTokenTimeout, TokenTimeout: s.cfg.InferenceTokenTimeout}
	if c.BaseURL == "" {
		if err := s.findEngine(ctx, &c); err != nil {
			return err
		}
	}
	if s.engine, err = inference.New(c); err != nil {
		return err
	}
	if err := s.egress.Allow(toEngine, c.BaseURL); err != nil {
		return fmt.Errorf("INFERENCE_URL: %w", err)
	}
	s.engineURL = c.BaseURL
	if err := s.engine.Refresh(ctx); err != nil {
		s.log.Warn("the inference engine does not answer yet; it is asked again every minute", "err", err)
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { defer close(s.watching); s.engine.Watch(ctx) }()
	info := s.engine.Info()
	s.log.Info("inference engine", "kind", info.Kind, "name", info.Name, "host", info.Host, "models", len(s.engine.Models()))
	return nil
}

// findEngine looks on this machine and falls back to the demo.
func (s *server) findEngine(ctx context.Context, c *inference.Config) error {
	found, tried := inference.Discover(ctx, nil, s.listener.Addr().String(), inference.Candidates())
	if found != nil {
		s.log.Info("found an inference engine on this machine", "name", found.Name, "url", found.BaseURL)
		c.BaseURL, c.Name, c.Kind = found.BaseURL, found.Name, inference.KindLocal
		return nil
	}
	d, err := demo.Start(ctx, demo.Config{TokensPerSecond: s.cfg.DemoTokensPerSecond, AllowFaults: s.cfg.DemoFaults})
	if err != nil {
		return fmt.Errorf("start the demo engine: %w", err)
	}
	s.log.Info("no inference engine found: the built-in demo answers; set INFERENCE_URL to connect one", "tried", tried)
	s.demo, c.BaseURL, c.Name, c.Kind = d, d.URL(), inference.NameDemo, inference.KindDemo
	return nil
}

// ready says why the server can't work now.
func (s *server) ready(ctx context.Context) error {
	unready := func(part string, err error) error {
		if err == nil {
			return nil
		}
		return &web.Unready{Part: part, Cause: err}
	}
	return errors.Join(unready("database", s.db.Ping(ctx)), unready("migrations", s.db.CheckVersion(ctx)), unready("bus", s.bus.Ready()), unready("server", errors.Join(s.chat.Ready(), s.completions.Ready(), s.accounts.Ready())))
}

// serve answers, also who connected while the server started, until ctx ends, and then goes down in order: no new runs, running ones
// end or are handed over, sockets close so that clients come back, requests end.
func (s *server) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(rawio.Listen(s.listener)) }()
	select {
	case err := <-failed:
		s.close(ctx)
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.log.Info("shutting down", "running replies", s.chat.Running(), "completions", s.completions.Running())
	s.shutdown(context.WithoutCancel(ctx))
	return nil
}

func (s *server) shutdown(ctx context.Context) {
	drain, cancel := context.WithTimeout(ctx, s.cfg.ShutdownTimeout)
	defer cancel()
	s.writers().drain(drain)
	ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	close(s.streams)
	if err := s.sockets.Shutdown(ctx); err != nil {
		s.log.Warn("close websockets", "err", err)
	}
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("end requests", "err", err)
	}
	s.close(ctx)
}

// close frees what was built, last first.
func (s *server) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if s.jobs != nil {
		logged(s.log, "stop the jobs", s.jobs.Stop(ctx))
	}
	if s.exports != nil {
		s.exports.Close()
	}
	if s.signIns != nil {
		s.signIns.Close()
	}
	if s.keys != nil {
		s.keys.Close()
	}
	if s.accounts != nil {
		s.accounts.Close()
	}
	if s.chat != nil {
		s.chat.Close()
	}
	if s.completions != nil {
		s.completions.Close()
	}
	if s.limits != nil {
		s.limits.Close()
	}
	if s.requests != nil { // nothing records any more
		s.requests.Close(ctx)
	}
	if s.credit != nil {
		s.credit.Close()
	}
	if s.stop != nil {
		s.stop()
		<-s.watching
		s.engine.Close()
	}
	if s.demo != nil {
		logged(s.log, "stop the demo engine", s.demo.Close(ctx))
	}
	if s.bus != nil {
		s.bus.Close()
	}
	if s.db != nil {
		logged(s.log, "close the database", s.db.Close(ctx))
	}
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

func logged(log *slog.Logger, deed string, err error) {
	if err != nil {
		log.Warn(deed, "err", err)
	}
}

// logger writes to standard error as the settings say.
func logger(cfg config.Config) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(cfg.LogLevel)) != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// welcome tells whoever started the server where it is and, where there is no other way
// in, how to sign in.
func (s *server) welcome(ctx context.Context) {
	data, err := filepath.Abs(s.cfg.DataDir)
	if err != nil {
		data = s.cfg.DataDir
	}
	fmt.Printf("\n  %s %s is ready: %s\n  engine: %s    data: %s    stop: Ctrl-C\n", s.cfg.ServiceName, version, s.cfg.PublicURL, s.engine.Info().Name, data)
	if len(s.signIns.Providers()) == 0 {
		if link, err := operatorLink(ctx, s.accounts, s.cfg.PublicURL); err != nil {
			s.log.Warn("make the operator's sign-in link", "err", err)
		} else {
			fmt.Printf("  sign in as its operator, once, within %d minutes: %s\n", int(account.OperatorLinkTTL.Minutes()), link)
		}
	}
	fmt.Println()
}
