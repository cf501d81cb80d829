package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"

	gomail "github.com/wneessen/go-mail"
)

// Send returns nil once the server has taken the mail, else a *Failure. Each step with
// the server takes at most the time-out, all of them three of it; when ctx ends, the
// connection is cut. A connection that breaks after the text and before the server's
// answer leaves open whether it took the mail: that counts as not taken, so a mail that
// is tried again may arrive twice, with the same Message-ID.
func (s *Sender) Send(ctx context.Context, m Message) error {
	// The library looks at the context only while it dials, and leaves connections open
	// whose server refused it: the end of this context closes what was opened.
	ctx, cancel := context.WithTimeout(ctx, 3*s.timeout)
	defer cancel()
	letter, err := s.compose(m)
	if err != nil {
		return &Failure{Class: ClassContent, Permanent: true, cause: err}
	}
	var conn net.Conn
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		c, err := s.dial(dialing, network, address)
		if err == nil {
			conn = c
			context.AfterFunc(ctx, func() { _ = c.Close() })
		}
		return c, err
	}
	client, err := gomail.NewClient(s.host, append(s.options[:len(s.options):len(s.options)], gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return &Failure{Class: ClassConnect, cause: err}
	}
	wire, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialFailure(ctx, err, conn != nil)
	}
	err = client.SendWithSMTPClient(wire, letter)
	if letter.IsDelivered() {
		_ = wire.Quit() // the mail is taken: a failed farewell changes nothing
		return nil
	}
	return sendFailure(ctx, err)
}

// compose builds the mail with headers of ours only: the library's name, the machine's
// name and the sender's clock zone stay out.
func (s *Sender) compose(m Message) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return nil, errors.New("the recipient is not an address")
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(&s.from)
	letter.SetAddrHeaderFromMailAddress(gomail.HeaderTo, &mail.Address{Address: to.Address})
	letter.Subject(oneLine(m.Subject))
	letter.SetDateWithValue(s.clock.Now())
	letter.SetMessageIDWithValue(fmt.Sprintf("%s@%s", oneLine(m.ID), s.domain))
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetGenHeader("X-Auto-Response-Suppress", "All")
	if m.Unsubscribe != "" {
		letter.SetGenHeader("List-Unsubscribe", "<"+oneLine(m.Unsubscribe)+">")
		letter.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return letter, nil
}

// oneLine makes control characters spaces, so that a header stays one header.
func oneLine(s string) string {
	b := []rune(s)
	for i, r := range b {
		if r < ' ' || (r >= 0x7f && r <= 0x9f) || r == 0x2028 || r == 0x2029 {
			b[i] = ' '
		}
	}
	return string(b)
}
