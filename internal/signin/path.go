package signin

import "regexp"

// pages are the addresses that people may come back to: pages of the app, without a
// query but for the purchase that somebody was sent back with. Nothing else matches, however it is written: no host, no scheme, no second
// slash, no percent sign, no backslash, no control character.
var pages = regexp.MustCompile(`\A/(c/[A-Za-z0-9_-]{1,64}|s/[A-Za-z0-9_-]{1,64}|settings(/[a-z-]{1,32})?|operator(/[a-z-]{1,32})?|developers(/[a-z-]{1,32})?|usage|billing(/return\?purchase=[A-Za-z0-9_-]{1,64})?|privacy|transparency)?\z`)

// Path is where to go after a sign-in: the path when it is a page of the app, else /.
func Path(path string) string {
	if pages.MatchString(path) {
		return path
	}
	return "/"
}
