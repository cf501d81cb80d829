package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Class is the step at which a mail was not taken.
type Class string

// The classes of failures.
const (
	ClassConnect   Class = "connect"   // there is no answer, or not one of a mail server
	ClassTLS       Class = "tls"       // the connection can't be encrypted, or the certificate is not good
	ClassAuth      Class = "auth"      // the user or the password is refused
	ClassSender    Class = "sender"    // MAIL FROM is refused
	ClassRecipient Class = "recipient" // the recipient is refused
	ClassContent   Class = "content"   // the mail itself is refused
	ClassTimeout   Class = "timeout"   // the server fell silent
)

// Failure says why a mail was not taken. Its text holds the server's code and the
// class, never what the server wrote: that may name people.
type Failure struct {
	Class     Class
	Code      int  // the server's, 0 when it gave none
	Permanent bool // trying again is of no use
	cause     error
}

// Error is for example "451 recipient", or "tls".
func (f *Failure) Error() string {
	if f.Code == 0 {
		return string(f.Class)
	}
	return fmt.Sprintf("%d %s", f.Code, f.Class)
}

// Unwrap is what happened below. Its text may hold the server's words: for tests and
// errors.Is only, not for logs.
func (f *Failure) Unwrap() error { return f.cause }

// ServerDown reports whether the next mail would fail for the same reason: it has to
// do with the server or with our settings and not with this mail.
func (f *Failure) ServerDown() bool {
	switch f.Class {
	case ClassRecipient, ClassContent:
		return false
	}
	return true
}

// dialFailure classifies what went wrong before the first mail: nothing of it is the
// mail's fault, so nothing of it is permanent, wrong passwords included: whoever runs
// the server mends them, and the mails go out.
func dialFailure(ctx context.Context, err error, connected bool) *Failure {
	f := &Failure{Class: ClassConnect, Code: codeOf(err), cause: err}
	text := err.Error()
	switch {
	case timedOut(ctx, err):
		f.Class = ClassTimeout
	case isTLS(err) || strings.Contains(text, "STARTTLS") || strings.Contains(text, "unencrypted"):
		f.Class = ClassTLS
	case connected && strings.Contains(text, "AUTH"):
		f.Class = ClassAuth
	}
	return f
}

// sendFailure classifies what went wrong with the mail. A refusal of the recipient or
// of the content with a code of 500 or more is permanent.
func sendFailure(ctx context.Context, err error) *Failure {
	f := &Failure{Class: ClassConnect, cause: err}
	var step *gomail.SendError
	if errors.As(err, &step) {
		f.Code = step.ErrorCode()
		switch step.Reason {
		case gomail.ErrSMTPMailFrom, gomail.ErrGetSender:
			f.Class = ClassSender
		case gomail.ErrSMTPRcptTo, gomail.ErrGetRcpts:
			f.Class = ClassRecipient
		case gomail.ErrSMTPData, gomail.ErrSMTPDataClose, gomail.ErrWriteContent, gomail.ErrNoUnencoded:
			f.Class = ClassContent
		}
	}
	switch {
	case f.Code >= 500:
		f.Permanent = !f.ServerDown()
	case f.Code == 421: // the server is about to close: not this mail's fault
		f.Class = ClassConnect
	case f.Code == 0 && timedOut(ctx, err):
		f.Class = ClassTimeout
	case f.Code == 0:
		f.Class = ClassConnect
	}
	return f
}

func codeOf(err error) int {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

func timedOut(ctx context.Context, err error) bool {
	var network net.Error
	return ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &network) && network.Timeout()) ||
		strings.Contains(err.Error(), "i/o timeout") // go-mail's steps keep texts only
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &unknown) ||
		errors.As(err, &name) || strings.Contains(err.Error(), "tls: ")
}
