package config_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/config"
)

const canary = "hunter2-canary"

var goodKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, config.SecretSize))

func TestAnEmptyEnvironmentIsReady(t *testing.T) {
	c, warnings, err := config.Load([]string{"PATH=/bin", "HOME=/root", "LOG_LEVEL=", "TITLES=  "})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("err %v, warnings %v", err, warnings)
	}
	if c.ListenAddr != "127.0.0.1:8080" || c.PublicURL != "http://localhost:8080" || !c.Loopback() || c.Secure() {
		t.Errorf("listens on %q, public %q, loopback %v, secure %v", c.ListenAddr, c.PublicURL, c.Loopback(), c.Secure())
	}
	if c.StreamsPerGuest != 1 || c.StreamsPerAccount != 3 {
		t.Errorf("%d replies of a guest at once, %d of an account", c.StreamsPerGuest, c.StreamsPerAccount)
	}
	if c.RunLease != 6*time.Second || c.GuestMessageLimit != 10 || c.Titles != "auto" || c.LogFormat != "text" || c.DBMaxConns != 20 {
		t.Errorf("defaults are\n%s", c)
	}
}

func TestValuesAreReadAndPutInOrder(t *testing.T) {
	c, warnings, err := config.Load([]string{
		"PUBLIC_URL=https://Chat.Example.org/", "LISTEN_ADDR=:8443", "SECRET_KEY=" + goodKey,
		"TRUSTED_PROXIES=10.1.2.3/8, 2001:db8::1", "INFERENCE_URL=https://engine.example/v1/",
		"DATABASE_URL=postgres://u@db.example/x?sslmode=verify-full", "NATS_URL=nats://a:4222,nats://b:4222",
		"SHUTDOWN_TIMEOUT=0s", "DEMO_FAULTS=true",
	})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("err %v, warnings %v", err, warnings)
	}
	if c.PublicURL != "https://chat.example.org" || !c.Secure() || c.Loopback() {
		t.Errorf("public %q", c.PublicURL)
	}
	if c.InferenceURL != "https://engine.example/v1" || c.ShutdownTimeout != 0 || !c.DemoFaults {
		t.Errorf("settings are\n%s", c)
	}
	for addr, want := range map[string]bool{"10.200.0.1": true, "::ffff:10.0.0.1": true, "2001:db8::1": true, "2001:db8::2": false, "11.0.0.1": false} {
		if got := c.TrustedProxies.Contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("proxy %s trusted: %v", addr, got)
		}
	}
}

// P78: among others a public http:// address off this machine, without being forced, stops the start.
func TestWhatIsWrongIsSaidInOneLine(t *testing.T) {
	remote := []string{"PUBLIC_URL=https://chat.example", "SECRET_KEY=" + goodKey}
	for _, test := range []struct {
		name string
		env  []string
		want string
	}{
		{"misspelt", []string{"INFERENCE_URI=http://x/v1"}, "INFERENCE_URI: is not a setting: did you mean INFERENCE_URL?"},
		{"swapped letters", []string{"DATABASE_ULR=x"}, "DATABASE_ULR: is not a setting: did you mean DATABASE_URL?"},
		{"misspelt later setting", []string{"STRIPE_SECRET_KEYS=x"}, "did you mean STRIPE_SECRET_KEY?"},
		{"duration without unit", []string{"RUN_LEASE=6"}, "RUN_LEASE: is not a duration"},
		{"duration out of bounds", []string{"CHECKPOINT_INTERVAL=2s"}, "CHECKPOINT_INTERVAL: must be between 50ms and 1s"},
		{"number", []string{"GUEST_MESSAGE_LIMIT=ten"}, "GUEST_MESSAGE_LIMIT: is not a whole number of messages"},
		{"number out of bounds", []string{"GUEST_MESSAGE_LIMIT=-1"}, "GUEST_MESSAGE_LIMIT: must be between 0 and 1000000000 messages"},
		{"number too large", []string{"SOCKETS_TOTAL=99999999999999999999"}, "SOCKETS_TOTAL: is not a whole number"},
		{"bool", []string{"DEMO_FAULTS=perhaps"}, "DEMO_FAULTS: must be true or false"},
		{"word", []string{"LOG_FORMAT=xml"}, "LOG_FORMAT: must be text or json"},
		{"words", []string{"LOG_LEVEL=loud"}, "LOG_LEVEL: must be debug, info, warn or error"},
		{"proxy", []string{"TRUSTED_PROXIES=10.0.0.0/8,proxy"}, `TRUSTED_PROXIES: "proxy" is neither a network`},
		{"listen address", []string{"LISTEN_ADDR=8080"}, "LISTEN_ADDR: must be host:port"},
		{"listen port", []string{"LISTEN_ADDR=127.0.0.1:99999"}, "LISTEN_ADDR: must be host:port"},
		{"no public address", []string{"LISTEN_ADDR=0.0.0.0:8080"}, "PUBLIC_URL: is needed"},
		{"http elsewhere", []string{"PUBLIC_URL=http://chat.example", "SECRET_KEY=" + goodKey}, "PUBLIC_URL: is http:// on chat.example"},
		{"http made of the listen address", []string{"LISTEN_ADDR=192.0.2.1:80", "SECRET_KEY=" + goodKey}, "PUBLIC_URL: is http:// on 192.0.2.1"},
		{"public path", append(remote[1:], "PUBLIC_URL=https://chat.example/x"), "PUBLIC_URL: must be a scheme and a host only"},
		{"public scheme", append(remote[1:], "PUBLIC_URL=chat.example"), "PUBLIC_URL: must begin with http:// or https://"},
		{"public name", append(remote[1:], "PUBLIC_URL=https://chat..example"), "PUBLIC_URL: holds a name that no host can have"},
		{"more connections than the embedded database takes", []string{"DB_MAX_CONNS=91"}, "DB_MAX_CONNS: must be at most 90"},
		{"no key", []string{"PUBLIC_URL=https://chat.example"}, "SECRET_KEY: is needed when PUBLIC_URL is not on this machine"},
		{"short key", []string{"SECRET_KEY=aaaa"}, "SECRET_KEY: must be 32 bytes in base64"},
		{"two keys", []string{"SECRET_KEY=" + goodKey, "SECRET_KEY_FILE=/x"}, "SECRET_KEY_FILE: and SECRET_KEY are both set"},
		{"key file", []string{"SECRET_KEY_FILE=/nowhere/key"}, "SECRET_KEY_FILE: look at key file"},
		{"database", []string{"DATABASE_URL=mysql://x"}, "DATABASE_URL: must begin with postgres:// or postgresql://"},
		{"engine", []string{"INFERENCE_URL=localhost:8000/v1"}, "INFERENCE_URL: must begin with http:// or https://"},
		{"engine key in the address", []string{"INFERENCE_URL=https://k:v@engine/v1"}, "INFERENCE_URL: must hold no key"},
		{"engine key with a line break", []string{"INFERENCE_API_KEY=a\nb"}, "INFERENCE_API_KEY: holds a character"},
		{"bus", []string{"NATS_URL=http://x"}, "NATS_URL: must begin with nats://"},
		{"models", []string{"MODELS_FILE=/nowhere/models.json"}, "MODELS_FILE: there is no file"},
		{"programs", []string{"PG_BIN=/nowhere"}, "PG_BIN: there is no program postgres"},
		{"data folder", []string{"DATA_DIR=config_test.go"}, "is a file, not a folder"},
		{"mail", []string{"SUPPORT_EMAIL=help"}, "SUPPORT_EMAIL: is not a mail address"},
		{"sender", []string{"MAIL_FROM=nobody"}, "MAIL_FROM: is not a mail address"},
		{"no sender", []string{"SMTP_URL=smtp://mail.example:587"}, "MAIL_FROM: is needed when SMTP_URL is set"},
		{"mail server", []string{"SMTP_URL=mail.example:587", "SUPPORT_EMAIL=a@b.example"}, "SMTP_URL: must begin with smtp:// or smtps://"},
		{"mail server with a path", []string{"SMTP_URL=smtp://mail.example/x", "SUPPORT_EMAIL=a@b.example"}, "SMTP_URL: must be a scheme, a host and a port"},
		{"google without secret", []string{"GOOGLE_CLIENT_ID=x"}, "GOOGLE_CLIENT_SECRET: is needed when GOOGLE_CLIENT_ID is set"},
		{"google without id", []string{"GOOGLE_CLIENT_SECRET=x"}, "GOOGLE_CLIENT_ID: is needed when GOOGLE_CLIENT_SECRET is set"},
		{"github without secret", []string{"GITHUB_CLIENT_ID=x"}, "GITHUB_CLIENT_SECRET: is needed when GITHUB_CLIENT_ID is set"},
		{"oidc without secret", []string{"OIDC_ISSUER=https://a.example", "OIDC_CLIENT_ID=x"}, "OIDC_CLIENT_SECRET: is needed when OIDC_ISSUER is set"},
		{"oidc without issuer", []string{"OIDC_CLIENT_ID=x", "OIDC_CLIENT_SECRET=y"}, "OIDC_ISSUER: is needed when OIDC_CLIENT_ID is set"},
		{"oidc over http", []string{"OIDC_ISSUER=http://a.example", "OIDC_CLIENT_ID=x", "OIDC_CLIENT_SECRET=y"}, "OIDC_ISSUER: is http:// on a.example"},
		{"oidc with a query", []string{"OIDC_ISSUER=https://a.example/?x=y", "OIDC_CLIENT_ID=x", "OIDC_CLIENT_SECRET=y"}, "OIDC_ISSUER: must be the issuer's plain address"},
		{"blank in an id", []string{"GITHUB_CLIENT_ID=x y", "GITHUB_CLIENT_SECRET=z"}, "GITHUB_CLIENT_ID: holds a blank"},
		{"misspelt provider", []string{"GITHUB_CLIENTID=x"}, "did you mean GITHUB_CLIENT_ID?"},
		{"connections", []string{"DB_MIN_CONNS=30"}, "DB_MIN_CONNS: is more than DB_MAX_CONNS (20)"},
		{"lease", []string{"RUN_LEASE=2s", "CHECKPOINT_INTERVAL=1s", "DB_MIN_CONNS=30"}, "DB_MIN_CONNS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := config.Load(test.env)
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) != 1 {
				t.Fatalf("error is %v", err)
			}
			if line := err.Error(); !strings.Contains(line, test.want) || strings.Contains(line, "\n") {
				t.Errorf("got  %s\nwant %s", line, test.want)
			}
		})
	}
}

func TestAllFaultsAreSaidAtOnceInOrder(t *testing.T) {
	_, _, err := config.Load([]string{"LOG_LEVEL=loud", "RUN_LEASE=x", "DB_MAX_CONNS=y", "INFERENCE_URI=z", "PUBLIC_URL=ftp://x", "TITLES=maybe"})
	var names []string
	var faults config.Faults
	errors.As(err, &faults)
	for _, f := range faults {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "PUBLIC_URL DB_MAX_CONNS TITLES RUN_LEASE LOG_LEVEL INFERENCE_URI"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNamesThatOnlyLookAlikeAreWarnedOf(t *testing.T) {
	_, warnings, err := config.Load([]string{
		"INFERENCE_URL=http://127.0.0.1:1/v1", "INFERENCE_URI=x", "INFERENCE_HEADERS=x", "METRICS_ADDR=:1", "COMPLIANCE=", "TITLE=x", "PG_DATA=x", "NATS_PORT=1",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(warnings)
	want := "[INFERENCE_HEADERS: is not a setting and is ignored: see kimi-k2 help config " +
		"INFERENCE_URI: is not a setting and is ignored: it resembles INFERENCE_URL METRICS_ADDR: is not used by this version]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Who asks for a profile whose controls are not there is told so, not served without them.
func TestAComplianceProfileThatIsNotThereStopsTheStart(t *testing.T) {
	_, _, err := config.Load([]string{"COMPLIANCE=hipaa"})
	if err == nil || !strings.Contains(err.Error(), "COMPLIANCE: has none of its controls in this version") {
		t.Errorf("it starts: %v", err)
	}
}

func TestUnencryptedHopsAreWarnedOf(t *testing.T) {
	_, warnings, err := config.Load([]string{
		"PUBLIC_URL=http://chat.example", "INSECURE_HTTP=true", "SECRET_KEY=" + goodKey,
		"INFERENCE_URL=http://engine.example/v1", "DATABASE_URL=postgres://u:" + canary + "@db.example/x",
	})
	if err != nil || len(warnings) != 3 {
		t.Fatalf("err %v, warnings %v", err, warnings)
	}
	if s := fmt.Sprint(warnings); strings.Contains(s, canary) {
		t.Errorf("a password in %s", s)
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte(canary + strings.Repeat("x", config.SecretSize-len(canary))))
	c, _, err := config.Load([]string{
		"SECRET_KEY=" + key, "INFERENCE_API_KEY=" + canary, "NATS_URL=nats://" + canary + "@b:4222,nats://u:" + canary + "@c:1",
		"DATABASE_URL=postgres://u:" + canary + "@db/x?password=" + canary, "STRIPE_SECRET_KEY=sk_test_" + canary, "STRIPE_WEBHOOK_SECRET=" + strings.Repeat(canary, 32), "CREEM_API_KEY=creem_" + canary, "CREEM_WEBHOOK_SECRET=" + strings.Repeat(canary, 32),
		"GOOGLE_CLIENT_ID=id", "GOOGLE_CLIENT_SECRET=" + canary, "GITHUB_CLIENT_ID=id", "GITHUB_CLIENT_SECRET=" + canary,
		"OIDC_ISSUER=https://login.example", "OIDC_CLIENT_ID=id", "OIDC_CLIENT_SECRET=" + canary, "SMTP_URL=smtp://u:" + canary + "@mail.example", "SUPPORT_EMAIL=a@b.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s", c, c, c, &c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("settings", "config", c)
	for _, secret := range []string{canary, key} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q in %s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), "INFERENCE_API_KEY=(set)") || !strings.Contains(out.String(), "postgres://xxxxx@db/x") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestFaultsRepeatNoSecret(t *testing.T) {
	_, _, err := config.Load([]string{
		"SECRET_KEY=" + canary, "DATABASE_URL=postgres://u:" + canary + "@[db/x", "NATS_URL=http://" + canary + "@x",
		"INFERENCE_URL=https://" + canary + "@engine", "INFERENCE_API_KEY=" + canary + "\x01", "DATABASE_ULR=" + canary, "SECRET_KEYS=" + canary,
	})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("error is %v", err)
	}
}

func TestBoundNamesThePortThatWasTaken(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}
	c, _, err := config.Load([]string{"LISTEN_ADDR=127.0.0.1:0"})
	if got := c.Bound(addr).PublicURL; err != nil || got != "http://localhost:4711" {
		t.Errorf("%q, %v", got, err)
	}
	c, _, err = config.Load([]string{"LISTEN_ADDR=127.0.0.1:0", "PUBLIC_URL=http://localhost:9"})
	if got := c.Bound(addr).PublicURL; err != nil || got != "http://localhost:9" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHelpDescribesEverySetting(t *testing.T) {
	var out bytes.Buffer
	if err := config.Help(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LISTEN_ADDR  (host:port; default 127.0.0.1:8080)", "RUN_LEASE  (duration; default 6s; 2s to 5m)", "TITLES  (auto | off; default auto)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 120 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
	for block := range strings.SplitSeq(out.String(), "\n\n") {
		if lines := strings.Split(strings.TrimSpace(block), "\n"); len(lines) < 2 && !strings.HasPrefix(block, "Settings") || strings.Contains(block, "()") {
			t.Errorf("not described: %s", block)
		}
	}
}

// The name in a request's Host is as browsers write it.
func TestThePublicURLIsWrittenAsBrowsersDo(t *testing.T) {
	for given, want := range map[string]string{
		"https://chat.example:443": "https://chat.example", "https://Chat.Example.:443/": "https://chat.example", "https://chat.example:8443": "https://chat.example:8443",
		"https://münchen.example": "https://xn--mnchen-3ya.example", "https://[2001:DB8::1]:443": "https://[2001:db8::1]", "https://[2001:db8::1]:444": "https://[2001:db8::1]:444",
		"https://192.0.2.1": "https://192.0.2.1", "https://chat.example:80": "https://chat.example:80", "https://kimi_web:8443": "https://kimi_web:8443",
	} {
		c, _, err := config.Load([]string{"PUBLIC_URL=" + given, "SECRET_KEY=" + goodKey})
		if err != nil || c.PublicURL != want {
			t.Errorf("%s is %q, %v", given, c.PublicURL, err)
		}
	}
}
