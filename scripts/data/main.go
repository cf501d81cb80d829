// Command data writes docs/DATA.md: what the program keeps, of whom, for what and for how
// long, from policy/register.yaml and policy/storage.json.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

func main() {
	r, err := register.Load(os.DirFS("policy"))
	if err == nil {
		err = os.WriteFile(filepath.Join("docs", "DATA.md"), []byte(document(r)), 0o644) //nolint:gosec // a document for everybody
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "data:", err)
		os.Exit(1)
	}
}

const preface = `# Data

What this program keeps, of whom, for what and for how long: written by ` + "`make generate`" + ` from ` + "`policy/register.yaml`" + ` and ` + "`policy/storage.json`" + `, which tests compare with the
migrated database, the code and the text of the policy, both ways. Who adds a table, a column, a cookie, a field of the log or a kind of mail registers it first.

Categories are those of [fideslang](https://ethyca.github.io/fideslang). *Sealed* is encrypted under a key per person, *hashed* can't be read back, *wrapped* is encrypted under the installation's key;
everything else lies as it is. Whatever is not marked as *not exported* is shown to whom it is about, under *Settings → What we hold*, and is part of an export.
`

// document is the whole page.
func document(r *register.Register) string {
	var b strings.Builder
	b.WriteString(preface)
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "\n## %s\n\nFor %s%s.\n", title(g.Name), g.Purpose, clause(g.Clause))
		for _, t := range r.Tables {
			if t.Group == g.Name {
				writeTable(&b, t)
			}
		}
	}
	writeStorage(&b, r.Storage)
	writeLog(&b, r.LogFields)
	writeMails(&b, r.Mails)
	writeRecipients(&b, r.Recipients)
	writePlaces(&b, "Files", "What lies in `DATA_DIR`.", r.Files)
	writePlaces(&b, "Backups", "Copies of all of it.", r.Backups)
	return b.String()
}

func title(name string) string {
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "_", " ")
}

func clause(id string) string {
	if id == "" {
		return ""
	}
	return " (`" + id + "`)"
}

func writeTable(b *strings.Builder, t register.Table) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", t.Name, t.About)
	if t.Subject.Personal() {
		fmt.Fprintf(b, "- Whose: %s.\n", whose(t.Subject))
	} else {
		fmt.Fprintf(b, "- Nobody's: %s.\n", t.Subject.None)
	}
	fmt.Fprintf(b, "- Kept %s%s.", t.Retention.Words(), clause(t.Retention.Clause))
	if t.Retention.By != "" {
		fmt.Fprintf(b, " The job `%s` sees to it, by `%s`.", t.Retention.By, t.Retention.Clock)
	}
	b.WriteString("\n")
	if t.Subject.Personal() {
		fmt.Fprintf(b, "- When its account or guest is deleted: %s.\n", t.Erase.Words())
	}
	fmt.Fprintf(b, "- Used for `%s`.\n\n| column | category | |\n|---|---|---|\n", strings.Join(t.Use, "`, `"))
	for _, c := range t.Columns {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.Name, c.Category, remarks(t, c))
	}
}

func whose(s register.Subject) string {
	if s.Via != nil {
		return fmt.Sprintf("`%s` leads to `%s.%s`", s.Via.Column, s.Via.Table, s.Via.Key)
	}
	return "`" + s.Column + "` is the owner"
}

func remarks(t register.Table, c register.Column) string {
	var out []string
	if c.Store != register.Plain {
		out = append(out, string(c.Store))
	}
	if t.Subject.Personal() && !c.Exported() {
		out = append(out, "not exported: "+c.Why)
	}
	return strings.Join(out, "; ")
}

func writeStorage(b *strings.Builder, all []register.Storage) {
	b.WriteString("\n## In the browser\n\nCookies and whatever else the page keeps there; nothing of others.\n\n| name | kind | for | necessary | kept | |\n|---|---|---|---|---|---|\n")
	for _, s := range all {
		necessary := "yes"
		if !s.Necessary {
			necessary = "after you agreed"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", s.Name, s.Kind, s.Purpose, necessary, s.TTL, strings.TrimSpace(clause(s.Clause)))
	}
}

func writeLog(b *strings.Builder, all []register.Field) {
	b.WriteString("\n## The log\n\nLines of the log are words of the program's own and these fields. None holds what somebody wrote, is called or can be reached by, or an address on the network. The program has no metrics.\n\n| field | category | |\n|---|---|---|\n")
	for _, f := range all {
		fmt.Fprintf(b, "| %s | %s | %s |\n", f.Name, f.Category, f.About)
	}
}

func writeMails(b *strings.Builder, all []register.Mail) {
	b.WriteString("\n## Mails\n\n| kind | | tells | can be turned off |\n|---|---|---|---|\n")
	for _, m := range all {
		off := "no"
		if m.OptOut {
			off = "yes"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", m.Kind, m.About, fields(m.Facts), off)
	}
}

func writeRecipients(b *strings.Builder, all []register.Recipient) {
	b.WriteString("\n## Recipients\n\nWho else gets something, if the installation is set up so, and what.\n")
	for _, x := range all {
		fmt.Fprintf(b, "\n### %s\n\n%s%s", title(x.Kind), x.About, clause(x.Clause))
		if x.Consent {
			b.WriteString(" It gets nothing before the person has agreed to it by name.")
		}
		fmt.Fprintf(b, "\n\nIt gets: %s.\n", fields(x.Fields))
	}
}

func fields(all []register.Field) string {
	words := make([]string, len(all))
	for i, f := range all {
		words[i] = f.Name
		if f.About != "" {
			words[i] += " (" + f.About + ")"
		}
	}
	return strings.Join(words, ", ")
}

func writePlaces(b *strings.Builder, name, about string, all []register.Place) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| | | kept |\n|---|---|---|\n", name, about)
	for _, p := range all {
		fmt.Fprintf(b, "| %s | %s | %s |\n", p.Name, p.About, p.Kept)
	}
}
