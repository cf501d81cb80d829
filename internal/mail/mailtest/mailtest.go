// Package mailtest runs a real SMTP server for tests. It keeps what it was sent, and
// refuses, hangs or breaks off when it is told to.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// What the server's only user is called, and its password.
const (
	User     = "mailer"
	Password = "correct-horse"
)

// Options say what the server offers.
type Options struct {
	StartTLS bool   // offer STARTTLS
	TLS      bool   // speak TLS from the first byte
	Name     string // in the certificate; empty: mail.test
	Auth     bool   // refuse whoever has not signed in
}

// Mail is a mail as the server was sent it. The server answered for it with 250,
// unless Broken says that it did not answer.
type Mail struct {
	From, To, Data string
	Broken         bool
}

// Do is what the server does with a mail after its text has come: nil takes it, a
// *smtp.SMTPError refuses it, ErrCut breaks the connection off.
type Do func(m Mail) error

// ErrCut breaks the connection off instead of answering.
var ErrCut = errors.New("cut the connection")

// Refuse answers with a code.
func Refuse(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "canary words of the server"}
}

// Server is a running mail server.
type Server struct {
	Address string
	Roots   *x509.CertPool // trust the server's certificate

	mu    sync.Mutex
	mails []Mail
	rcpt  func(to string) error
	data  Do
	came  chan struct{}
}

// Start runs a server on a loopback port until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{came: make(chan struct{}, 10_000), Roots: x509.NewCertPool()}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c, auth: o.Auth}, nil
	}))
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "mail.test", true, true
	server.ErrorLog = quiet{}
	certificate := s.certify(t, o.Name)
	if o.StartTLS {
		server.TLSConfig = certificate
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	if o.TLS {
		listener = tls.NewListener(listener, certificate)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return s
}

// OnData says what becomes of the mails from now on; nil takes them.
func (s *Server) OnData(do Do) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = do
}

// OnRecipient says what becomes of recipients from now on; nil takes them.
func (s *Server) OnRecipient(do func(to string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpt = do
}

// Mails is what came so far, the broken ones too.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Await waits until n mails have come in all, and fails the test after 10 s.
func (s *Server) Await(t testing.TB, n int) []Mail {
	t.Helper()
	patience := time.After(10 * time.Second)
	for len(s.Mails()) < n {
		select {
		case <-s.came:
		case <-patience:
			t.Fatalf("%d mails came instead of %d", len(s.Mails()), n)
		}
	}
	return s.Mails()
}

func (s *Server) certify(t testing.TB, name string) *tls.Config {
	t.Helper()
	if name == "" {
		name = "mail.test"
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	form := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots.AddCert(parsed)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// session is a connection's talk.
type session struct {
	server *Server
	conn   *smtp.Conn
	auth   bool
	mail   Mail
}

// AuthMechanisms is what the server offers.
func (s *session) AuthMechanisms() []string {
	if s.auth {
		return []string{sasl.Plain}
	}
	return nil
}

// Auth takes the one user.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.auth = false
		return nil
	}), nil
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.auth {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

// Rcpt names its recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	do := s.server.rcpt
	s.server.mu.Unlock()
	s.mail.To = to
	if do != nil {
		return do(to)
	}
	return nil
}

// Data takes, refuses or breaks off.
func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = string(text)
	s.server.mu.Lock()
	do := s.server.data
	s.server.mu.Unlock()
	if do != nil {
		if err = do(s.mail); err != nil && !errors.Is(err, ErrCut) {
			return err
		}
	}
	if err != nil {
		s.mail.Broken = true
		_ = s.conn.Conn().Close()
	}
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, s.mail)
	s.server.mu.Unlock()
	s.server.came <- struct{}{}
	return nil
}

// Reset forgets the mail.
func (s *session) Reset() { s.mail = Mail{} }

// Logout ends the talk.
func (s *session) Logout() error { return nil }

type quiet struct{}

// Printf says nothing.
func (quiet) Printf(string, ...any) {}

// Println says nothing.
func (quiet) Println(...any) {}
