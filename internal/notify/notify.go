// Package notify writes mails to people: an outbox that is filled in the transaction
// of the act it tells of, templates, and the delivery with its retries. It alone builds
// rows of mails.
//
// A mail is delivered at least once, and as a rule exactly once: an instance that dies
// between the mail server's answer and its own note of it leaves a mail that is sent
// again after Lease, with the same Message-ID. The recipient and the facts are sealed
// under the owner's key and go with the owner.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// Job is the name under which Deliver gets its turns.
const Job = "mails.deliver"

const (
	// Lease is how long a mail stays with the instance that is sending it. It is more
	// than a mail takes at most (half a minute) by what clocks of instances may differ.
	Lease = 5 * time.Minute
	// GiveUpAfter is how old a mail may get before it has failed.
	GiveUpAfter = 72 * time.Hour
	// firstRetry and slowestRetry bound the pause after a failed attempt; it doubles.
	firstRetry, slowestRetry = time.Minute, time.Hour
)

// Keys opens an owner's data key, and refuses with NOT_FOUND when the owner is gone.
type Keys interface {
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
}

// Sender hands one mail to a mail server; it refuses with *mail.Failure.
type Sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// Nudger gives a job a turn once the transaction is committed.
type Nudger interface {
	NudgeTx(tx *gorm.DB, name string) error
}

// Brand is what the mails say of the installation.
type Brand struct {
	Name    string // of the service
	Home    string // the address people use, without a slash at its end
	Support string // the address for questions, in the footer of every mail
	Company string // what people call the company's provider
}

// Config is what a Service is made of.
type Config struct {
	DB     *database.DB
	Audit  *audit.Service // writes acts down; without it no mail is tried again
	Keys   Keys
	Sender Sender // nil: there is no mail server, mails are kept to be read
	Nudger Nudger // nil: mails wait for the next turn of Job
	Clock  clock.Clock
	Log    *slog.Logger // ids, kinds, codes and classes; never addresses or texts
	Brand  Brand
}

// Service is the outbox.
type Service struct {
	Config
	templates     *templates
	notices       Notices       // nil: there are none
	subscriptions Subscriptions // nil: nobody wants anything
}

// New makes the service; it refuses templates that can't be read.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Brand.Home = strings.TrimRight(c.Brand.Home, "/")
	t, err := readTemplates()
	if err != nil {
		return nil, fmt.Errorf("read the mails' templates: %w", err)
	}
	return &Service{Config: c, templates: t}, nil
}

// HasServer reports whether mails are sent; else they are kept.
func (s *Service) HasServer() bool { return s.Sender != nil }

func toPlace(owner, mail string) seal.Place {
	return seal.Place{Table: "mails", Column: "to_sealed", Row: mail, Owner: owner}
}

func factsPlace(owner, mail string) seal.Place {
	return seal.Place{Table: "mails", Column: "facts_sealed", Row: mail, Owner: owner}
}
