package web

import (
	"net/http"
	"net/url"
)

// The cookies. Each is declared with its purpose in policy/storage.json; the cookie
// prefs is written by the page's own script and only taken away from here.
const (
	guestCookie       = "guest"
	sessionCookie     = "sid"
	signInCookie      = "oauth"
	pendingCookie     = "pending"
	gateCookie        = "gate"
	preferencesCookie = "prefs"
)

// cookies sets cookies with the flags that they all share.
type cookies struct{ secure bool }

func newCookies(public *url.URL) cookies { return cookies{secure: public.Scheme == "https"} }

// name is a cookie's name on the wire: over https its prefix makes browsers insist on
// Secure, on the path / and on our very host; without https they would refuse such a
// cookie. The preferences are the page's own and have none.
func (c cookies) name(cookie string) string {
	if c.secure && cookie != preferencesCookie {
		return "__Host-" + cookie
	}
	return cookie
}

// set keeps a value in the browser for maxAge seconds, out of reach of scripts.
func (c cookies) set(w http.ResponseWriter, cookie, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name(cookie), Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// clear takes a cookie away.
func (c cookies) clear(w http.ResponseWriter, cookie string) { c.set(w, cookie, "", -1) }
