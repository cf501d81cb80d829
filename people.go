package main

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/journal"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// How often what nobody nudges gets a turn.
const (
	mailsEvery   = time.Minute
	eraseEvery   = 30 * time.Second
	eraseTimeout = 10 * time.Minute
)

// openAccounts builds the owners of everything and makes sure of the key.
func (s *server) openAccounts(ctx context.Context) error {
	s.accounts = account.New(account.Config{DB: s.db, Audit: s.audit, Keeper: s.secrets.Keeper, Clock: s.clock, Log: s.log, GuestLimit: s.cfg.GuestMessageLimit, CookieKey: s.secrets.Root,
		PublicURL: s.cfg.PublicURL, Bus: s.bus, Journal: erasureJournal(s.cfg)})
	return s.accounts.VerifyKey(ctx)
}

// erasureJournal is where tombstones are kept beside the database.
func erasureJournal(cfg config.Config) *journal.File {
	return journal.Open(filepath.Join(cfg.DataDir, "deletions.journal"))
}

// openPolicy loads the privacy policy and compares its figures with the program's.
func (s *server) openPolicy(secret []byte) (err error) {
	s.policy, err = policy.New(policy.Config{
		DB: s.db, Audit: s.audit, Clock: s.clock, Files: policyfiles.Files(), CookieKey: secret, GuestTTL: account.GuestTTL, APILogTTL: requestlog.TTL,
		Brand: policy.Brand{Name: s.cfg.ServiceName, SupportEmail: s.cfg.SupportEmail, URL: s.cfg.ServiceURL},
		External: func() (string, bool) {
			e := s.engine.Info()
			return e.Host, e.Kind == inference.KindExternal
		},
		WithdrawnTx: s.withdrawnTx, Withdrawn: s.withdrawn,
	})
	return err
}

// withdrawnTx ends what was made under a consent, for good: links of before don't open again
// when sharing is agreed to once more.
func (s *server) withdrawnTx(tx *gorm.DB, v viewer.Viewer, kind models.ConsentKind) error {
	if kind != models.ConsentShare {
		return nil
	}
	_, err := s.shares.RevokeAllTx(tx, v)
	return err
}

// withdrawn stops what a consent was for: no engine of somebody else goes on writing
// for who no longer agrees to it.
func (s *server) withdrawn(ctx context.Context, v viewer.Viewer, kind models.ConsentKind) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if kind == models.ConsentExternalInference && s.engine.Info().Kind == inference.KindExternal {
		logged(s.log, "stop replies after a consent was withdrawn", s.writers().StopAll(ctx, v))
	}
}

// openOutbox builds what sends mails; without a mail server they are kept to be read.
func (s *server) openOutbox() (err error) {
	c := notify.Config{DB: s.db, Audit: s.audit, Keys: s.accounts, Nudger: s.jobs, Clock: s.clock, Log: s.log,
		Brand: notify.Brand{Name: s.cfg.ServiceName, Home: s.cfg.PublicURL, Support: s.cfg.SupportEmail, Company: s.cfg.OIDCName}}
	if s.cfg.SMTPURL != "" {
		from := s.cfg.MailFrom
		if from == "" {
			from = s.cfg.SupportEmail
		}
		sender, err := mail.New(mail.Config{URL: s.cfg.SMTPURL, From: from, Clock: s.clock, Dial: s.egress.DialContext})
		if err != nil {
			return err
		}
		c.Sender = sender
		if c.Brand.Support == "" { // every mail says where to ask
			c.Brand.Support = sender.From()
		}
	}
	s.mails, err = notify.New(c)
	return err
}

// openSignIns builds the ways in. It asks no provider.
func (s *server) openSignIns(secret []byte, public *url.URL) (err error) {
	s.signIns, err = signin.New(signin.Config{DB: s.db, Clock: s.clock, Log: s.log, Key: secret, PublicURL: public, Egress: s.egress,
		Google: signin.Client{ID: s.cfg.GoogleClientID, Secret: s.cfg.GoogleClientSecret},
		GitHub: signin.Client{ID: s.cfg.GitHubClientID, Secret: s.cfg.GitHubClientSecret},
		OIDC:   signin.OIDC{Client: signin.Client{ID: s.cfg.OIDCClientID, Secret: s.cfg.OIDCClientSecret}, Issuer: s.cfg.OIDCIssuer, Name: s.cfg.OIDCName}})
	return err
}

// startPeople joins the rooms that know of each other through accounts, and lets the
// accounts hear of other instances and the jobs run.
func (s *server) startPeople(ctx context.Context) error {
	s.accounts.Join(s.policy, s.mails, s.chat, s.policy, s.audit, s.disclosures)
	s.accounts.Fund(s.credit)
	s.credit.Join(s.writers(), s.accounts)
	s.accounts.StopWith(settled{s.writers(), s.credit})
	s.keys.StopWith(s.writers())
	s.keys.OnRevoked(s.completions.Revoked)
	s.accounts.LeaveWith(s.billing)
	// Runs go before the usage that proves them to be charged.
	s.accounts.EraseWith([]account.Shutter{s.keys, s.mails, s.exports, s.shares, s.disclosures}, s.chat, s.credit, s.completions)
	if err := s.accounts.Start(ctx); err != nil {
		return err
	}
	if err := s.keys.Start(ctx); err != nil {
		return err
	}
	// Before anything runs or answers: who was deleted and is back out of a backup goes again.
	if _, err := s.accounts.Replay(ctx); err != nil {
		return err
	}
	s.accounts.KeepJournal(eraseEvery)
	purger := account.NewPurger(account.PurgeConfig{DB: s.db, Audit: s.audit, Clock: s.clock, Log: s.log, Believed: s.retention.Believed, Busy: []account.Busy{s.chat}, Counters: []account.Counter{s.chat, s.policy, s.mails}, Erasers: []account.Eraser{s.chat}})
	err := s.jobs.Add(
		jobs.Job{Name: notify.Job, Every: mailsEvery, Run: func(ctx context.Context) error { _, err := s.mails.Deliver(ctx); return err }},
		jobs.Job{Name: account.EraseJob, Every: eraseEvery, Timeout: eraseTimeout, Run: func(ctx context.Context) error { _, err := s.accounts.Resume(ctx); return err }},
		jobs.Job{Name: chat.ClearJob, Every: eraseEvery, Timeout: eraseTimeout, Run: func(ctx context.Context) error { _, err := s.chat.ResumeClearings(ctx); return err }},
	)
	if err != nil {
		return err
	}
	if err := s.jobs.Add(slices.Concat(s.moneyJobs(), s.retentionJobs(purger), s.auditJobs(), s.exportJobs(), []jobs.Job{s.noticesJob()})...); err != nil {
		return err
	}
	return s.jobs.Start(ctx)
}
