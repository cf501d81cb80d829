package web

// CookieNames are all cookies that this package sets or takes away.
var CookieNames = []string{guestCookie, sessionCookie, signInCookie, pendingCookie, gateCookie, preferencesCookie}

// CookieName is a cookie's name over https.
func CookieName(cookie string) string { return cookies{secure: true}.name(cookie) }
