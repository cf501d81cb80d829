// Package mail hands single mails to a mail server over SMTP. It keeps nothing and
// tries nothing twice: who calls it decides by Failure whether to come again.
//
// Off this machine the connection is always encrypted and the server's certificate
// is checked: smtps:// from its first byte, smtp:// by STARTTLS. On a loopback address
// nobody else can listen, so there STARTTLS is used when it is offered, whatever its
// certificate.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// Config says which server takes the mails and who sends them.
type Config struct {
	URL     string        // smtp://user:password@host:port or smtps://…; ports 587 and 465 when none is named
	From    string        // "Name <address>" or an address
	Clock   clock.Clock   // for the Date header
	Timeout time.Duration // for each step with the server; zero means 10 s
	TLS     *tls.Config   // what else to trust; nil: the system's authorities
	// Dial opens the connection; nil: to a loopback address only.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Message is a mail of one person to one person.
type Message struct {
	ID      string // unique and the same for each attempt; it becomes the Message-ID, so it must not be secret
	To      string // an address without a name
	Subject string
	Text    string
	HTML    string
	// Unsubscribe is an address that ends mails of this kind when it is posted to; empty:
	// there is none. Mail programs show a button for it (RFC 8058).
	Unsubscribe string
}

// Sender sends by one server. It may be used from many goroutines.
type Sender struct {
	from    mail.Address
	domain  string
	clock   clock.Clock
	timeout time.Duration
	host    string
	options []gomail.Option
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// New reads the settings; it speaks to nobody yet. Its errors never repeat the URL,
// which may hold a password.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("the mail server's address looks like smtp://user:password@mail.example.com:587")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, errors.New("the sender of mails looks like Kimi K2 <no-reply@example.com>")
	}
	s := &Sender{from: *from, clock: c.Clock, timeout: c.Timeout, host: u.Hostname(), dial: c.Dial}
	s.domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if s.timeout <= 0 {
		s.timeout = 10 * time.Second
	}
	if s.dial == nil {
		s.dial = (*egress.Guard)(nil).DialContext
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	trust := trusting(c.TLS, s.host)
	if u.Scheme == "smtps" {
		s.dial = encrypted(s.dial, trust)
	}
	s.options = append(s.options, gomail.WithPort(port), gomail.WithTimeout(s.timeout), gomail.WithHELO(s.domain),
		gomail.WithTLSConfig(trust), gomail.WithTLSPolicy(policyFor(u)), gomail.WithoutNoop(), gomail.WithoutRset())
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, gomail.WithUsername(u.User.Username()), gomail.WithPassword(password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	return s, nil
}

// From is the sender's address without its name.
func (s *Sender) From() string { return s.from.Address }

func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		return map[string]int{"smtp": 587, "smtps": 465}[u.Scheme], nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("the mail server's port is not between 1 and 65535")
	}
	return int(port), nil
}

// policyFor is when STARTTLS is used. A connection that begins encrypted needs none.
func policyFor(u *url.URL) gomail.TLSPolicy {
	switch {
	case u.Scheme == "smtps":
		return gomail.NoTLS
	case isLoopback(u.Hostname()):
		return gomail.TLSOpportunistic
	}
	return gomail.TLSMandatory
}

func trusting(base *tls.Config, host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		c = base.Clone()
	}
	c.ServerName = host
	c.InsecureSkipVerify = isLoopback(host) //nolint:gosec // this machine's own server, which often has a certificate that it made itself
	return c
}

func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// encrypted makes a dialer that speaks TLS from the first byte.
func encrypted(dial func(context.Context, string, string) (net.Conn, error), c *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conn := tls.Client(raw, c)
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("encrypt: %w", err), raw.Close())
		}
		return conn, nil
	}
}
