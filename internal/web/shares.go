package web

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// Shares reads what was shared by link.
type Shares interface {
	// Look says whether a link opens something, and refuses with NOT_FOUND or GONE.
	Look(ctx context.Context, link string) error
	// Read is what a link shows.
	Read(ctx context.Context, link string) (*models.SharedConversation, error)
}

// shownHere is what a link shows, with the name of the installation: its page asks for nothing
// else.
type shownHere struct {
	*models.SharedConversation
	Service string `json:"service"`
}

// How often links are opened from one address, in a minute and at once. A page opens one twice.
const (
	linksPerMinute = 120
	linksAtOnce    = 8
)

// shareRoutes are for whoever has a link. Nobody is asked who he is there, no cookie is set,
// and nothing of a reader is kept; the address is a secret that no log holds and no page that
// is left for is told.
func (s *server) shareRoutes(mux *http.ServeMux, app *site) {
	mux.HandleFunc("/s/", notFound)
	if s.Shares == nil {
		return
	}
	page := app.unlisted()
	paced := newPace(s.Clock, linksPerMinute, linksAtOnce).of("links", "links are being opened from here already")
	mux.Handle("GET /s/{token}", s.shared(paced, func(w http.ResponseWriter, r *http.Request) error {
		err := s.Shares.Look(r.Context(), r.PathValue("token"))
		status, readable := sharedStatus(err)
		if !readable {
			return err
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", s.hosts.pagePolicy(strings.ToLower(r.Host)))
		w.WriteHeader(status)
		_, _ = w.Write(page) // the client is gone: nobody is left to tell
		return nil
	}))
	mux.Handle("GET /s/{token}/snapshot", s.shared(paced, func(w http.ResponseWriter, r *http.Request) error {
		shown, err := s.Shares.Read(r.Context(), r.PathValue("token"))
		if err == nil {
			writeJSON(w, http.StatusOK, shownHere{shown, s.Name})
		}
		return err
	}))
}

// shared paces what opens a link, keeps it out of search engines and of other sites' logs, and
// says why it doesn't open.
func (s *server) shared(paced *pace, open func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the token
		s.noticeProxy(r)
		done, err := paced.begin(household(s.clientIP(r)))
		if err == nil {
			defer done()
			err = open(w, r)
		}
		if err == nil {
			return
		}
		s.fileFailed(r, "a shared link failed", err)
		refuseShared(w, r, err)
	})
}

// sharedStatus is how a page tells what became of a link; readable says whether there is
// anything that the page could tell.
func sharedStatus(err error) (status int, readable bool) {
	switch {
	case err == nil:
		return http.StatusOK, true
	case fault.Is(err, fault.Gone):
		return http.StatusGone, true
	case fault.Is(err, fault.NotFound):
		return http.StatusNotFound, true
	}
	return 0, false
}

func refuseShared(w http.ResponseWriter, r *http.Request, err error) {
	status, known := sharedStatus(err)
	if !known {
		refuseImport(w, r, err)
		return
	}
	list, _ := fault.Of(err)
	refuse(w, status, string(list[0].Code), list[0].Message)
}

// household is what counts as one address: with IPv6, what one household has.
func household(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// unlisted is the app's page for addresses that no search engine may list.
func (s *site) unlisted() []byte {
	index := s.files["/index.html"]
	if index == nil {
		return []byte(unbuilt)
	}
	plain := index.forms[len(index.forms)-1].body
	return bytes.Replace(plain, []byte("<head>"), []byte(`<head><meta name="robots" content="noindex, nofollow, noarchive">`), 1)
}
