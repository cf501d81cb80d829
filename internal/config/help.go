package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
)

// Help writes what every setting does, its unit and its default.
func Help(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Settings are environment variables. An empty one counts as not set.\n")
	for _, s := range settings() {
		b.WriteString("\n" + s.name + "  (" + strings.ReplaceAll(s.unit, "|", " | "))
		if s.preset != "" {
			b.WriteString("; default " + s.preset)
		}
		if low := s.field.Tag.Get("min"); low != "" {
			b.WriteString("; " + low + " to " + s.field.Tag.Get("max"))
		}
		b.WriteString(")\n")
		for _, line := range wrap(s.help, 92) {
			b.WriteString("    " + line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks text into lines of at most width bytes, never inside a word.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// String is the settings, one NAME=value a line, without anything secret.
func (c Config) String() string {
	var b strings.Builder
	for _, a := range c.attrs() {
		fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value)
	}
	return b.String()
}

// GoString is String, so that %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// LogValue is the settings for a log line, without anything secret.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

func (c Config) attrs() []slog.Attr {
	v := reflect.ValueOf(c)
	var out []slog.Attr
	for _, s := range settings() {
		text := fmt.Sprint(v.FieldByIndex(s.field.Index).Interface())
		out = append(out, slog.String(s.name, s.show(text)))
	}
	return out
}

// show is a value without what is secret of it.
func (s setting) show(text string) string {
	switch {
	case text == "" || s.secret == "":
		return text
	case s.secret == "url":
		return showURLs(text)
	}
	return "(set)"
}

// showURLs hides the user information and the query of each URL: passwords and
// tokens may stand in either.
func showURLs(text string) string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		u, err := url.Parse(part)
		if err != nil {
			parts[i] = "(set)"
			continue
		}
		if u.User != nil {
			u.User = url.User("xxxxx")
		}
		if u.RawQuery != "" {
			u.RawQuery = "xxxxx"
		}
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}
