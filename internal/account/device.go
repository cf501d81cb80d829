package account

import (
	"strconv"
	"strings"
)

// Device is the little that is kept of a browser's User-Agent: enough to recognise
// one's own device in a list, too little to recognise a person.
type Device struct {
	Type    string // phone, tablet, desktop, or empty when unknown
	OS      string // the operating system's family, or empty
	Browser string // the browser's family, or empty
	Version int    // the browser's major version; 0 when unknown
}

// family is a name and the mark in a User-Agent that tells it.
type family struct{ mark, name string }

// systems and browsers are tried in order: many name others that they resemble.
var (
	systems = []family{{"Windows", "Windows"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"iPod", "iOS"}, {"Android", "Android"},
		{"HarmonyOS", "HarmonyOS"}, {"OpenHarmony", "HarmonyOS"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Macintosh", "macOS"},
		{"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"Linux", "Linux"}, {"X11", "Linux"}}
	browsers = []family{{"MicroMessenger/", "WeChat"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edg/", "Edge"}, {"Edge/", "Edge"},
		{"OPR/", "Opera"}, {"OPT/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex"},
		{"UCBrowser/", "UC Browser"}, {"DuckDuckGo/", "DuckDuckGo"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"},
		{"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chromium"}, {"Version/", "Safari"}, {"curl/", "curl"}}
)

// maxAgent is how many bytes of a User-Agent are looked at.
const maxAgent = 1024

// ParseDevice reads a User-Agent, which is thrown away afterwards. It is the only
// reader of it. What it doesn't know stays empty.
func ParseDevice(userAgent string) Device {
	ua := userAgent[:min(len(userAgent), maxAgent)]
	var d Device
	for _, f := range systems {
		if strings.Contains(ua, f.mark) {
			d.OS = f.name
			break
		}
	}
	for _, f := range browsers {
		_, rest, found := strings.Cut(ua, f.mark)
		if !found || f.name == "Safari" && !strings.Contains(ua, "Safari") {
			continue
		}
		d.Browser, d.Version = f.name, major(rest)
		break
	}
	d.Type = typeOf(ua, d)
	return d
}

// typeOf is the sort of the device. Android tablets say that they are not mobile.
func typeOf(ua string, d Device) string {
	switch d.OS {
	case "iPadOS":
		return "tablet"
	case "iOS":
		return "phone"
	case "Android", "HarmonyOS":
		if strings.Contains(ua, "Mobile") || strings.Contains(ua, "Phone") {
			return "phone"
		}
		return "tablet"
	case "":
		return ""
	}
	return "desktop"
}

// major is the number that s begins with; 0 for none or an absurd one.
func major(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil || n > 99_999 {
		return 0
	}
	return n
}
