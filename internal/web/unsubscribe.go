package web

import (
	"context"
	"net/http"
)

// Newsletters ends news for who has a link out of a mail. Both refuse with NOT_FOUND a
// token that wasn't made here.
type Newsletters interface {
	CheckUnsubscribe(token string) error
	Unsubscribe(ctx context.Context, token string) error
}

// unsubscribeRoutes need no cookie and set none: the address is the proof. Mail programs
// post to it (RFC 8058), people get a page with a button; what only looks into links
// changes nothing. What other sites' pages send counts too, since they'd have to know it.
func (s *server) unsubscribeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("/unsubscribe/", notFound)
	if s.Newsletters == nil {
		return
	}
	s.origins.AddInsecureBypassPattern("POST /unsubscribe/{token}")
	mux.HandleFunc("GET /unsubscribe/{token}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Newsletters.CheckUnsubscribe(r.PathValue("token")); err != nil {
			s.unsubscribeFailed(w, r, err)
			return
		}
		d := wordsOf(r)["unsubscribe"]
		d.Action, d.Token = r.URL.Path, r.PathValue("token")
		w.Header().Set("Referrer-Policy", "no-referrer") // the address is the proof
		s.draw(w, r, http.StatusOK, d)
	})
	mux.HandleFunc("POST /unsubscribe/{token}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Newsletters.Unsubscribe(r.Context(), r.PathValue("token")); err != nil {
			s.unsubscribeFailed(w, r, err)
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		s.donePage(w, r, "unsubscribe")
	})
}

func (s *server) unsubscribeFailed(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if f == failedHere {
		s.Log.ErrorContext(r.Context(), "end news", "request_id", RequestID(r.Context()), "error", err)
	}
	s.failedPage(w, r, f, "")
}
