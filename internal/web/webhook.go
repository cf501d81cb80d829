package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Webhooks deals with what payment providers send.
type Webhooks interface {
	// Webhook verifies a provider's webhook over its raw body and does what it tells.
	// It returns nil once that is committed; payment.ErrSignature, payment.ErrBody and
	// payment.ErrUnknownProvider are its refusals, and every other error means that
	// the same has to be sent again.
	Webhook(ctx context.Context, provider string, header http.Header, body []byte) error
}

const (
	webhookLimit   = 256 << 10
	webhookTimeout = 15 * time.Second // providers give up after 10 to 30 seconds
)

// webhookRoutes are for machines: no cookie is read or set there, nobody becomes a
// guest, and no page's origin is asked for, since no browser is meant to come.
func (s *server) webhookRoutes(mux *http.ServeMux) {
	mux.HandleFunc("/webhooks/", notFound)
	if s.Webhooks == nil {
		return
	}
	mux.Handle("POST /webhooks/stripe", s.patient(s.webhook("STRIPE")))
	mux.Handle("POST /webhooks/creem", s.patient(s.webhook("CREEM")))
}

// webhook answers 200 when what was told is kept for good, so that the provider may
// forget it. Nothing of the request is logged: it holds the payer's data.
func (s *server) webhook(provider string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > webhookLimit {
			refuse(w, http.StatusRequestEntityTooLarge, "INVALID", "the body is too large")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhookLimit))
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			refuse(w, http.StatusRequestEntityTooLarge, "INVALID", "the body is too large")
			return
		}
		if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
			refuse(w, http.StatusBadRequest, "INVALID", "the body ended early")
			return
		}
		// A provider that hangs up does not undo a payment.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), webhookTimeout)
		defer cancel()
		s.answerWebhook(w, r, provider, s.Webhooks.Webhook(ctx, provider, r.Header, body))
	})
}

func (s *server) answerWebhook(w http.ResponseWriter, r *http.Request, provider string, err error) {
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, map[string]bool{"received": true})
	case errors.Is(err, payment.ErrUnknownProvider):
		notFound(w, r)
	case errors.Is(err, payment.ErrSignature), errors.Is(err, payment.ErrBody):
		s.Log.WarnContext(r.Context(), "a webhook was refused", "provider", strings.ToLower(provider), "reason", refusal(err), "request_id", RequestID(r.Context()))
		refuse(w, http.StatusBadRequest, "INVALID", "this webhook is not signed by the provider, or cannot be read")
	default:
		s.Log.ErrorContext(r.Context(), "a webhook failed; the provider sends it again", "provider", strings.ToLower(provider), "err", err, "request_id", RequestID(r.Context()))
		refuse(w, http.StatusInternalServerError, "INTERNAL", "try again")
	}
}

// refusal is the reason in words of ours.
func refusal(err error) string {
	if errors.Is(err, payment.ErrBody) {
		return "body"
	}
	return "signature"
}
