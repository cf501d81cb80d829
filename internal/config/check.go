package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
)

// has reports whether the setting already has a fault.
func (f Faults) has(name string) bool {
	return slices.ContainsFunc(f, func(w Warning) bool { return w.Name == name })
}

// inOrder sorts the faults like Config's fields, names that are none last.
func inOrder(faults Faults) Faults {
	place := map[string]int{}
	for i, s := range settings() {
		place[s.name] = i - len(settings())
	}
	slices.SortStableFunc(faults, func(a, b Warning) int { return cmp.Compare(place[a.Name], place[b.Name]) })
	return faults
}

// checkBounds holds the values against the tags min, max and, for words, unit.
func checkBounds(c *Config, known Faults) Faults {
	var faults Faults
	v := reflect.ValueOf(c).Elem()
	for _, s := range settings() {
		if known.has(s.name) {
			continue
		}
		if text := outOfBounds(v.FieldByIndex(s.field.Index), s); text != "" {
			faults = append(faults, Warning{s.name, text})
		}
	}
	return faults
}

// outOfBounds says in which way the value is not allowed, "" when it is.
func outOfBounds(v reflect.Value, s setting) string {
	low, high := s.field.Tag.Get("min"), s.field.Tag.Get("max")
	words := strings.Split(s.unit, "|")
	switch {
	case low != "" && (v.Int() < bound(v.Type(), low) || v.Int() > bound(v.Type(), high)):
		if v.Type() == reflect.TypeFor[time.Duration]() {
			return fmt.Sprintf("must be between %s and %s", low, high)
		}
		return fmt.Sprintf("must be between %s and %s %s", low, high, s.unit)
	case v.Kind() == reflect.String && len(words) > 1 && !slices.Contains(words, v.String()):
		return "must be " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
	return ""
}

// bound reads a min or max tag in the unit of the field's type.
func bound(t reflect.Type, s string) int64 {
	if t == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(s)
		if err != nil {
			panic(fmt.Sprintf("config: a bound of a setting is wrong: %v", err))
		}
		return int64(d)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("config: a bound of a setting is wrong: %v", err))
	}
	return n
}

// embeddedConns are what the embedded database, which takes 100, has for one instance: some
// are left for commands and for looking after it.
const embeddedConns = 90

// completeAddresses checks where the server listens and what people call it.
func (c *Config) completeAddresses(add func(name, format string, args ...any)) {
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n > 65535 {
		add("LISTEN_ADDR", "must be host:port, for example 127.0.0.1:8080")
		return
	}
	if c.PublicURL == "" {
		if addr, _ := netip.ParseAddr(host); host == "" || addr.IsUnspecified() {
			add("PUBLIC_URL", "is needed when LISTEN_ADDR is %s: set it to the address that people use", c.ListenAddr)
			return
		}
		c.PublicURL, c.publicDerived = urlOf(c.ListenAddr), true
	}
	u, err := parseURL(c.PublicURL, "http", "https")
	if err != nil {
		c.PublicURL = ""
		add("PUBLIC_URL", "%v", err)
		return
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		add("PUBLIC_URL", "must be a scheme and a host only, for example https://chat.example.org")
		return
	}
	at, err := authority(u)
	if err != nil {
		c.PublicURL = ""
		add("PUBLIC_URL", "%v", err)
		return
	}
	c.PublicURL = u.Scheme + "://" + at
	if u.Scheme == "http" && !isLoopback(u.Hostname()) && !c.InsecureHTTP {
		add("PUBLIC_URL", "is http:// on %s: use https://, or set INSECURE_HTTP=true to let everything travel unencrypted", u.Hostname())
	}
}

// names reads those of hosts, also those with an underscore that only a network of one's own has.
var names = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// authority is the host of a URL, and its port where it isn't the scheme's own, as browsers
// write both into requests: in ASCII, in small letters and without a full stop at the end.
func authority(u *url.URL) (string, error) {
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if _, err := netip.ParseAddr(host); err != nil {
		if host, err = names.ToASCII(host); err != nil {
			return "", errors.New("holds a name that no host can have")
		}
	}
	if port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		port = ""
	}
	if port != "" {
		return net.JoinHostPort(host, port), nil
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]", nil
	}
	return host, nil
}

// checkServices looks at the addresses of other services.
func (c *Config) checkServices(add func(name, format string, args ...any)) {
	if c.DatabaseURL != "" {
		if _, err := parseURL(c.DatabaseURL, "postgres", "postgresql"); err != nil {
			add("DATABASE_URL", "%v", err)
		}
	} else if c.DBMaxConns > embeddedConns {
		add("DB_MAX_CONNS", "must be at most %d with the embedded database", embeddedConns)
	}
	if c.InferenceURL != "" {
		u, err := parseURL(c.InferenceURL, "http", "https")
		switch {
		case err != nil:
			add("INFERENCE_URL", "%v", err)
		case u.User != nil || u.RawQuery != "":
			add("INFERENCE_URL", "must hold no key and no query: put the key into INFERENCE_API_KEY")
		}
		c.InferenceURL = strings.TrimRight(c.InferenceURL, "/")
	}
	for server := range strings.SplitSeq(c.NATSURL, ",") {
		if _, err := parseURL(server, "nats", "tls", "ws", "wss"); err != nil && server != "" {
			add("NATS_URL", "%v", err)
		}
	}
	if strings.ContainsFunc(c.InferenceAPIKey, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) }) {
		add("INFERENCE_API_KEY", "holds a character that no HTTP header may hold")
	}
	if c.ServiceURL != "" {
		if _, err := parseURL(c.ServiceURL, "http", "https"); err != nil {
			add("SERVICE_URL", "%v", err)
		}
	}
	if _, err := mail.ParseAddress(c.SupportEmail); c.SupportEmail != "" && err != nil {
		add("SUPPORT_EMAIL", "is not a mail address")
	}
}

// parseURL reads an absolute URL of one of the schemes. Its errors never repeat
// the value, which may hold a password.
func parseURL(s string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("must begin with %s://", strings.Join(schemes, ":// or "))
	}
	if u.Host == "" && u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("names no host")
	}
	return u, nil
}

// isLoopback reports whether host can only be this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// warn finds what is allowed but unwise.
func (c *Config) warn() []Warning {
	var out []Warning
	if c.InsecureHTTP && !c.Loopback() && !c.Secure() {
		out = append(out, Warning{"INSECURE_HTTP", "people's messages and cookies travel unencrypted"})
	}
	if u, err := parseURL(c.InferenceURL, "http"); err == nil && !isLoopback(u.Hostname()) {
		out = append(out, Warning{"INFERENCE_URL", "conversations travel to " + u.Host + " unencrypted: use https://"})
	}
	if info, err := os.Stat(c.SecretKeyFile); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		out = append(out, Warning{"SECRET_KEY_FILE", "whoever has an account on this machine can read the key: chmod 600 it, unless it is in a container of its own"})
	}
	u, err := parseURL(c.DatabaseURL, "postgres", "postgresql")
	if err == nil && u.Host != "" && !isLoopback(u.Hostname()) && u.Query().Get("sslmode") != "verify-full" {
		out = append(out, Warning{"DATABASE_URL", "the connection to " + u.Host + " is not checked: add sslmode=verify-full"})
	}
	return out
}
