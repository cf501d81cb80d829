package transparency

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence is a clause as the policy writes it.
type sentence struct{ id, section, title string }

var (
	anchor = regexp.MustCompile(`\s*\{#(C-[A-Z0-9-]+)\}`)
	link   = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
)

// readClauses reads the policy's clauses in their order. A clause is the heading that its
// anchor stands at, with the first paragraph below it, or the text before its anchor: back
// to the anchor before, or the bold words that it ends in. An item that goes on with the
// sentence before its list begins with that.
func readClauses(text string) (out []sentence) {
	section, lead := "", ""
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		title, isHeading := heading(line)
		if strings.HasPrefix(line, "## ") {
			section = title
		}
		rest := line
		for {
			at := anchor.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			before, bold := cutBold(rest[:at[0]])
			if bold == "" {
				bold = before
			}
			c := sentence{id: rest[at[2]:at[3]], section: section, title: plain(bold)}
			if startsSmall(c.title) {
				c.title = lead + " " + c.title
			}
			if rest = rest[at[1]:]; isHeading {
				c.title = title
				if below := paragraph(lines[i+1:]); strings.HasSuffix(below, ".") {
					c.title += ": " + below
				}
			}
			out = append(out, c)
		}
		if text := plain(rest); text != "" && !isHeading && !strings.HasPrefix(line, "- ") {
			lead = text
		}
	}
	return out
}

// startsSmall reports whether a text goes on with a sentence that began before a list.
func startsSmall(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(first)
}

// heading is the text of a heading.
func heading(line string) (title string, ok bool) {
	rest := strings.TrimLeft(line, "#")
	if rest == line || !strings.HasPrefix(rest, " ") {
		return "", false
	}
	return plain(anchor.ReplaceAllString(rest, "")), true
}

// paragraph is the first one, up to an anchor in it; empty when a list or a heading comes
// first.
func paragraph(lines []string) string {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "- ") {
			return ""
		}
		if at := anchor.FindStringIndex(line); at != nil {
			line, _ = cutBold(line[:at[0]])
		}
		return plain(line)
	}
	return ""
}

// cutBold parts a text that ends in bold words from these: they are a clause by themselves.
func cutBold(s string) (before, bold string) {
	if i := strings.LastIndex(strings.TrimSuffix(s, "**"), "**"); i >= 0 && strings.HasSuffix(s, "**") {
		return s[:i], s[i:]
	}
	return s, ""
}

// plain is a piece of Markdown without its marks.
func plain(s string) string {
	s = link.ReplaceAllString(s, "$1")
	s = strings.NewReplacer("**", "", "`", "").Replace(s)
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "- "))
	return strings.Trim(s, " ;")
}
