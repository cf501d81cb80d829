package notify

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"github.com/kimi-k2/kimi-k2/models"
)

//go:embed templates
var files embed.FS

// defaultLanguage is that of people of whom no language with templates is known.
const defaultLanguage = "en"

// errNoTemplate is a mail of a kind that this program doesn't know.
var errNoTemplate = errors.New("no template")

// templates says what mails say. The words of a language are plain text: the HTML is
// made of them by one layout, which escapes everything.
type templates struct {
	words  map[string]*texttemplate.Template // by language
	layout *htmltemplate.Template
}

// rendered is a mail in words.
type rendered struct{ subject, text, html string }

// row is a fact in a table.
type row struct{ Label, Value string }

// letter is what the layout is made of: paragraphs, a table and a button.
type letter struct {
	Language, Brand, Subject string
	Body, After, Footer      []string
	Rows                     []row
	Link, Button, Fallback   string
	Unsubscribe, Leave       string // the address that ends mails of this kind, and the words for it
}

func readTemplates() (*templates, error) {
	t := &templates{words: map[string]*texttemplate.Template{}}
	for _, language := range []string{"en", "zh"} {
		words, err := texttemplate.New(language).ParseFS(files, "templates/"+language+".tmpl")
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", language, err)
		}
		t.words[language] = words
	}
	var err error
	if t.layout, err = htmltemplate.ParseFS(files, "templates/layout.html"); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	return t, nil
}

// language is the one of ours that serves a language tag best.
func (t *templates) language(tag string) string {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
	if t.words[base] != nil {
		return base
	}
	return defaultLanguage
}

func (t *templates) knows(k models.LetterKind) bool {
	return t.words[defaultLanguage].Lookup(string(k)+"/subject") != nil
}

// render puts a mail into words. It refuses kinds without a template with
// errNoTemplate.
func (t *templates) render(language string, kind models.LetterKind, b Brand, facts map[string]string) (rendered, error) {
	if !t.knows(kind) {
		return rendered{}, fmt.Errorf("mail of kind %q: %w", kind, errNoTemplate)
	}
	language = t.language(language)
	l, err := compose(t.words[language], language, string(kind), b, facts)
	if err != nil {
		return rendered{}, err
	}
	var html strings.Builder
	if err := t.layout.Execute(&html, l); err != nil {
		return rendered{}, fmt.Errorf("lay out a mail: %w", err)
	}
	return rendered{subject: l.Subject, text: l.text(), html: html.String()}, nil
}

// compose fills in a kind's blocks. The first failure is told; blocks that a kind does
// not have are empty.
func compose(words *texttemplate.Template, language, kind string, b Brand, facts map[string]string) (letter, error) {
	var failed error
	block := func(name string, data any) string {
		if failed != nil || words.Lookup(name) == nil {
			return ""
		}
		var out strings.Builder
		failed = words.ExecuteTemplate(&out, name, data)
		return strings.TrimSpace(out.String())
	}
	w := wordsOf(b, facts, block("time", nil), block("date", nil))
	w.Write = block("write", w)
	var kinds []string
	for _, k := range strings.Fields(w.Kinds) {
		kinds = append(kinds, block("kind/"+k, nil))
	}
	w.Kinds = strings.Join(kinds, " · ")
	l := letter{Language: language, Brand: w.Brand, Subject: strings.Join(strings.Fields(block(kind+"/subject", w)), " "),
		Body: paragraphs(block(kind+"/body", w)), After: paragraphs(block(kind+"/after", w)), Footer: paragraphs(block(footerOf(words, kind), w)),
		Unsubscribe: w.Unsubscribe, Leave: block("unsubscribe", w),
		Rows: rows(block(kind+"/rows", w)), Button: block(kind+"/button", w), Fallback: block("fallback", w)}
	if path := block(kind+"/path", w); path != "" && b.Home != "" {
		l.Link = b.Home + path
	} else if link := facts["link"]; l.Button != "" && (strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")) {
		l.Link = link
	}
	return l, failed
}

// footerOf is a kind's own footer, or that of all.
func footerOf(words *texttemplate.Template, kind string) string {
	if words.Lookup(kind+"/footer") != nil {
		return kind + "/footer"
	}
	return "footer"
}

// paragraphs splits at empty lines; a single line break is a space.
func paragraphs(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, "\n\n") {
		if p := strings.Join(strings.Fields(part), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// rows reads lines of label|value.
func rows(text string) []row {
	var out []row
	for line := range strings.SplitSeq(text, "\n") {
		if label, value, ok := strings.Cut(line, "|"); ok && value != "" {
			out = append(out, row{label, value})
		}
	}
	return out
}

// text is the letter for readers without HTML.
func (l letter) text() string {
	parts := append([]string{}, l.Body...)
	if len(l.Rows) > 0 {
		lines := make([]string, len(l.Rows))
		for i, r := range l.Rows {
			lines[i] = r.Label + ": " + r.Value
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	if l.Link != "" {
		parts = append(parts, l.Button+":\n"+l.Link)
	}
	parts = append(parts, l.After...)
	foot := strings.Join(l.Footer, "\n") + "\n"
	if l.Unsubscribe != "" {
		foot += l.Leave + ": " + l.Unsubscribe + "\n"
	}
	return strings.Join(parts, "\n\n") + "\n\n-- \n" + foot
}
