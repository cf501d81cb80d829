package config

import (
	"net/mail"
	"strings"
	"unicode"
)

// checkProviders looks at the ways to sign in: each is set in full or not at all.
func (c *Config) checkProviders(add func(name, format string, args ...any)) {
	for _, set := range [][]struct{ name, value string }{
		{{"GOOGLE_CLIENT_ID", c.GoogleClientID}, {"GOOGLE_CLIENT_SECRET", c.GoogleClientSecret}},
		{{"GITHUB_CLIENT_ID", c.GitHubClientID}, {"GITHUB_CLIENT_SECRET", c.GitHubClientSecret}},
		{{"OIDC_ISSUER", c.OIDCIssuer}, {"OIDC_CLIENT_ID", c.OIDCClientID}, {"OIDC_CLIENT_SECRET", c.OIDCClientSecret}},
	} {
		given := ""
		for _, s := range set {
			if s.value != "" && given == "" {
				given = s.name
			}
			if strings.ContainsFunc(s.value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
				add(s.name, "holds a blank or a control character")
			}
		}
		for _, s := range set {
			if given != "" && s.value == "" {
				add(s.name, "is needed when %s is set", given)
			}
		}
	}
	if c.OIDCIssuer == "" {
		return
	}
	u, err := parseURL(c.OIDCIssuer, "http", "https")
	switch {
	case err != nil:
		add("OIDC_ISSUER", "%v", err)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		add("OIDC_ISSUER", "must be the issuer's plain address, for example https://login.example.com")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		add("OIDC_ISSUER", "is http:// on %s: use https://", u.Hostname())
	}
}

// checkMail looks at the mail server and at the sender, who must be known when mails
// are sent.
func (c *Config) checkMail(add func(name, format string, args ...any)) {
	if _, err := mail.ParseAddress(c.MailFrom); c.MailFrom != "" && err != nil {
		add("MAIL_FROM", "is not a mail address")
	}
	if c.SMTPURL == "" {
		return
	}
	u, err := parseURL(c.SMTPURL, "smtp", "smtps")
	switch {
	case err != nil:
		add("SMTP_URL", "%v", err)
	case u.Path != "" && u.Path != "/":
		add("SMTP_URL", "must be a scheme, a host and a port, for example smtp://user:password@mail.example.com:587")
	}
	if c.MailFrom == "" && c.SupportEmail == "" {
		add("MAIL_FROM", "is needed when SMTP_URL is set, unless there is a SUPPORT_EMAIL")
	}
}
