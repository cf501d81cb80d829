package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

var hello = mail.Message{ID: "mai_1", To: "ann@example.org", Subject: "Hello", Text: "Text\n", HTML: "<p>HTML</p>"}

// sender sends to a server that goes by the name in url, which the network need not know.
func sender(t *testing.T, s *mailtest.Server, url string, timeout time.Duration) *mail.Sender {
	t.Helper()
	out, err := mail.New(mail.Config{URL: url, From: "Kimi K2 <no-reply@kimi.example>", Clock: clock.Func(func() time.Time { return noon }), Timeout: timeout,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.Roots},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Address)
		}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func failure(t *testing.T, err error) *mail.Failure {
	t.Helper()
	var f *mail.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a failure", err)
	}
	return f
}

func TestAMailArrivesWithOurHeadersOnly(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{})
	if err := sender(t, s, "smtp://"+s.Address, 0).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	got := s.Await(t, 1)[0]
	if got.From != "no-reply@kimi.example" || got.To != "ann@example.org" {
		t.Errorf("envelope %q → %q", got.From, got.To)
	}
	m, err := netmail.ReadMessage(strings.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"From": `"Kimi K2" <no-reply@kimi.example>`, "To": "<ann@example.org>", "Subject": "Hello", "Message-Id": "<mai_1@kimi.example>",
		"Auto-Submitted": "auto-generated", "Date": "Sat, 31 Jan 2026 12:00:00 +0000", "User-Agent": "", "X-Mailer": "", "Received": ""} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	_, boundary, _ := strings.Cut(strings.ReplaceAll(m.Header.Get("Content-Type"), "\r\n ", ""), "boundary=")
	parts := multipart.NewReader(m.Body, strings.Trim(boundary, `"`))
	for _, want := range []string{"Text", "<p>HTML</p>"} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(quotedprintable.NewReader(part))
		if strings.TrimSpace(string(body)) != want {
			t.Errorf("part %q, want %q", body, want)
		}
	}
}

// A name or a subject must not add headers (R-LOG/MAIL).
func TestNothingInjectsHeaders(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{})
	out := sender(t, s, "smtp://"+s.Address, 0)
	evil := hello
	evil.Subject = "Hi\r\nBcc: eve@example.org\r\n\r\nbody \u202e عربي 😀"
	evil.ID = "mai\r\nX-Evil: 1"
	if err := out.Send(t.Context(), evil); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.Await(t, 1)[0].Data))
	if err != nil || m.Header.Get("Bcc") != "" || m.Header.Get("X-Evil") != "" {
		t.Errorf("headers %v, %v", m.Header, err)
	}
	evil.To = "ann@example.org\r\nRCPT TO:<eve@example.org>"
	if f := failure(t, out.Send(t.Context(), evil)); !f.Permanent || f.Class != mail.ClassContent {
		t.Errorf("an address with a line break: %v, permanent %v", f, f.Permanent)
	}
}

func TestAnswersAreClassified(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{})
	out := sender(t, s, "smtp://"+s.Address, 0)
	for _, c := range []struct {
		code      int
		recipient bool
		want      string
		permanent bool
		down      bool
	}{
		{451, true, "451 recipient", false, false}, {550, true, "550 recipient", true, false}, {552, false, "552 content", true, false},
		{452, false, "452 content", false, false}, {421, true, "421 connect", false, true},
	} {
		s.OnRecipient(nil)
		s.OnData(nil)
		if c.recipient {
			s.OnRecipient(func(string) error { return mailtest.Refuse(c.code) })
		} else {
			s.OnData(func(mailtest.Mail) error { return mailtest.Refuse(c.code) })
		}
		f := failure(t, out.Send(t.Context(), hello))
		if f.Error() != c.want || f.Permanent != c.permanent || f.ServerDown() != c.down {
			t.Errorf("%d: %v, permanent %v, down %v", c.code, f, f.Permanent, f.ServerDown())
		}
		if strings.Contains(f.Error(), "canary") {
			t.Errorf("the server's words are in %q", f)
		}
	}
}

func TestOffThisMachineTheConnectionIsEncrypted(t *testing.T) {
	good := mailtest.Start(t, mailtest.Options{StartTLS: true, Auth: true})
	for name, c := range map[string]struct {
		server *mailtest.Server
		url    string
		want   string
	}{
		"STARTTLS and a password":           {good, "smtp://" + mailtest.User + ":" + mailtest.Password + "@mail.test", ""},
		"TLS from the first byte":           {mailtest.Start(t, mailtest.Options{TLS: true, Auth: true}), "smtps://" + mailtest.User + ":" + mailtest.Password + "@mail.test", ""},
		"no STARTTLS offered":               {mailtest.Start(t, mailtest.Options{}), "smtp://mail.test", "tls"},
		"a certificate of another name":     {mailtest.Start(t, mailtest.Options{StartTLS: true, Name: "other.test"}), "smtp://mail.test", "tls"},
		"TLS with one of another name":      {mailtest.Start(t, mailtest.Options{TLS: true, Name: "other.test"}), "smtps://mail.test", "tls"},
		"TLS where none is spoken":          {mailtest.Start(t, mailtest.Options{}), "smtps://mail.test", "tls"},
		"a wrong password":                  {good, "smtp://" + mailtest.User + ":wrong@mail.test", "535 auth"},
		"a password nobody asks for":        {mailtest.Start(t, mailtest.Options{StartTLS: true}), "smtp://u:p@mail.test", "auth"},
		"no password where one is wanted":   {good, "smtp://mail.test", "502 sender"},
		"loopback with its own certificate": {mailtest.Start(t, mailtest.Options{StartTLS: true, Name: "other.test"}), "smtp://localhost", ""},
	} {
		err := sender(t, c.server, c.url, 0).Send(t.Context(), hello)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v (%v)", name, err, errors.Unwrap(err))
			}
			continue
		}
		if f := failure(t, err); f.Error() != c.want || f.Permanent || !f.ServerDown() {
			t.Errorf("%s: %v, permanent %v: %v", name, f, f.Permanent, errors.Unwrap(f))
		}
	}
}

func TestAServerThatHangsIsLeft(t *testing.T) {
	for name, greet := range map[string]string{"before its greeting": "", "after its greeting": "220 mail.test\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, greet)
			_, _ = io.Copy(io.Discard, c) // until the client is gone
			_ = c.Close()
		}()
		s := mailtest.Server{Address: l.Addr().String()}
		f := failure(t, sender(t, &s, "smtp://"+s.Address, 50*time.Millisecond).Send(t.Context(), hello))
		if f.Class != mail.ClassTimeout || f.Permanent {
			t.Errorf("%s: %v", name, f)
		}
		<-gone
		_ = l.Close()
	}
}

func TestTheEndOfTheContextCutsTheConnection(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s.OnData(func(mailtest.Mail) error { cancel(); <-release; return nil })
	err := sender(t, s, "smtp://"+s.Address, time.Minute).Send(ctx, hello)
	close(release)
	if f := failure(t, err); f.Permanent {
		t.Errorf("%v is permanent", f)
	}
}

// A connection that breaks after the text counts as not taken: at least once.
func TestABrokenConnectionAfterTheTextIsTemporary(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{})
	s.OnData(func(mailtest.Mail) error { return mailtest.ErrCut })
	f := failure(t, sender(t, s, "smtp://"+s.Address, 0).Send(t.Context(), hello))
	if f.Permanent || f.Class != mail.ClassConnect {
		t.Errorf("%v, permanent %v", f, f.Permanent)
	}
	if !s.Await(t, 1)[0].Broken {
		t.Error("the server answered")
	}
}

func TestWrongSettingsAreRefusedWithoutThePassword(t *testing.T) {
	for _, c := range []mail.Config{
		{URL: "http://mail.example", From: "a@b.example"}, {URL: "smtp://", From: "a@b.example"}, {URL: "smtp://u:canary@mail.example:99999", From: "a@b.example"},
		{URL: "smtp://u:canary@mail.example", From: "nobody"}, {URL: "smtp://u:canary@%zz", From: "a@b.example"},
	} {
		if _, err := mail.New(c); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", c.URL, err)
		}
	}
}
