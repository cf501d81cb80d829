package inference

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// stalled is the trouble of an engine that says nothing for too long.
func stalled(first bool, after time.Duration) *trouble {
	f := fault.New(fault.UpstreamStalled, "The inference engine stopped in the middle: nothing came for %s. What came before is kept; try again.", after)
	if first {
		f = fault.New(fault.UpstreamStalled, "The inference engine did not begin to answer within %s. It may be busy or still loading the model: try again. (The operator may wait longer: INFERENCE_FIRST_TOKEN_TIMEOUT.)", after)
	}
	return &trouble{fault: f, broken: true, cause: errStalled}
}

// unreachable is the trouble of a connection, in plain words.
func unreachable(err error) *trouble {
	return &trouble{fault: fault.New(fault.UpstreamFailed, "%s", connectionWords(err)), broken: true, cause: err}
}

func connectionWords(err error) string {
	if words := tlsWords(err); words != "" {
		return words
	}
	var dns *net.DNSError
	var timeout net.Error
	text := err.Error()
	switch {
	case errors.As(err, &dns):
		return "The name of the inference engine's host is unknown. The operator must check INFERENCE_URL."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing answers at the address of the inference engine: it is not running, or INFERENCE_URL is wrong."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "There is no way through the network to the inference engine. The operator must check the network and INFERENCE_URL."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "The inference engine does not answer: the connection timed out."
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "The inference engine closed the connection before the answer was complete. Try again."
	case strings.Contains(text, `malformed HTTP`):
		return "Something that speaks no HTTP answers at the address of the inference engine (for an encrypted port INFERENCE_URL must begin with https://). The operator must check INFERENCE_URL."
	}
	return "The inference engine cannot be reached. The operator finds the cause in the log."
}

// tlsWords is "" for errors that have nothing to do with TLS.
func tlsWords(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
	)
	switch {
	case errors.As(err, &unknown):
		return "The inference engine's TLS certificate is signed by an unknown authority. The operator must install that authority (SSL_CERT_FILE) or use another address."
	case errors.As(err, &hostname):
		return "The inference engine's TLS certificate belongs to another host name. The operator must check INFERENCE_URL."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The inference engine's TLS certificate has expired or is not valid yet."
	case errors.As(err, &invalid):
		return "The inference engine's TLS certificate is not valid."
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "The inference engine does not speak TLS at this address: INFERENCE_URL must begin with http:// instead of https://."
	case errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return "No secure connection to the inference engine could be made (TLS). The operator finds the cause in the log."
	}
	return ""
}
