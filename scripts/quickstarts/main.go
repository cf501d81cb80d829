// Command quickstarts makes the quick starts of the documentation and of the developer
// pages from the programs in examples, which the tests run: what can be copied works.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
)

// What a reader puts in: the page does it by itself.
const (
	urlPlaceholder = "{{KIMI_URL}}"
	keyPlaceholder = "{{KIMI_API_KEY}}"
	// defaultURL stands in the programs, so that they run as they are.
	defaultURL = "http://localhost:8080"
)

// Where things are and go, from the tree's root.
const (
	index  = "examples/index.json"
	papers = "docs/QUICKSTART.md"
	pages  = "frontend/src/features/developers/quickstarts.generated.json"
)

// listed is one program of the index.
type listed struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Language string   `json:"language"`
	Files    []string `json:"files"` // the first is the program
	Install  string   `json:"install"`
	Generate string   `json:"generate"` // what is made from the files before it runs
	Run      string   `json:"run"`
}

// quickstart is one program as the developer pages show it: set, install, the files with
// the program as the last, generate, run.
type quickstart struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Language string `json:"language"`
	File     string `json:"file"`
	Set      string `json:"set"`
	Install  string `json:"install"`
	Generate string `json:"generate"`
	Run      string `json:"run"`
	Code     string `json:"code"`
	More     []file `json:"more"` // what lies beside the program
}

type file struct {
	File     string `json:"file"`
	Language string `json:"language"`
	Code     string `json:"code"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "quickstarts:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(index)
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	var list []listed
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("read %s: %w", index, err)
	}
	all := make([]quickstart, 0, len(list))
	for _, l := range list {
		q, err := read(l)
		if err != nil {
			return err
		}
		all = append(all, q)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write %s: %w", pages, err)
	}
	if err := write(pages, out.String()); err != nil {
		return err
	}
	return write(papers, paper(all))
}

func write(name, text string) error {
	if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make %s: %w", path.Dir(name), err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func read(l listed) (quickstart, error) {
	q := quickstart{ID: l.ID, Title: l.Title, Language: l.Language, Install: l.Install, Generate: l.Generate, Run: l.Run, More: []file{},
		Set: "export KIMI_URL=" + urlPlaceholder + "\nexport KIMI_API_KEY=" + keyPlaceholder}
	for i, name := range l.Files {
		text, err := os.ReadFile(path.Join("examples", name))
		if err != nil {
			return q, fmt.Errorf("read the example %s: %w", l.ID, err)
		}
		code := strings.ReplaceAll(string(text), defaultURL, urlPlaceholder)
		if i == 0 {
			q.File, q.Code = path.Base(name), code
		} else {
			q.More = append(q.More, file{path.Base(name), strings.TrimPrefix(path.Ext(name), "."), code})
		}
	}
	return q, nil
}

const head = `# Quick starts

<!-- Made by scripts/quickstarts from examples/, whose programs the tests run. Change them there, then: make generate. -->

Make an API key at ` + "`/settings/keys`" + `, then set where and who:

` + "```sh" + `
export KIMI_URL=http://localhost:8080
export KIMI_API_KEY=k2_live_…
` + "```" + `

Each program sends a question, prints the answer as it is written, and then how many tokens were read and written; those that use
GraphQL also say what it cost. Those with curl print the events themselves, one a line. All of them lie in [examples](../examples);
what they may ask for stands in [GRAPHQL.md](GRAPHQL.md).
`

// paper is the page of the documentation.
func paper(all []quickstart) string {
	var b strings.Builder
	b.WriteString(head)
	plain := strings.NewReplacer(urlPlaceholder, defaultURL, keyPlaceholder, "k2_live_…")
	for _, q := range all {
		fmt.Fprintf(&b, "\n## %s\n\n", q.Title)
		if q.Install != "" {
			fmt.Fprintf(&b, "```sh\n%s\n```\n\n", q.Install)
		}
		for _, f := range append(q.More, file{q.File, q.Language, q.Code}) {
			fmt.Fprintf(&b, "`%s`\n\n```%s\n%s```\n\n", f.File, f.Language, plain.Replace(f.Code))
		}
		if q.Generate != "" {
			fmt.Fprintf(&b, "```sh\n%s\n```\n\n", q.Generate)
		}
		fmt.Fprintf(&b, "```sh\n%s\n```\n", q.Run)
	}
	return b.String()
}
