package export

import (
	"bufio"
	_ "embed" // the page
	"fmt"
	"html/template"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
)

const (
	// overviewRows and overviewText bound what the page shows of a table: data.json has all.
	overviewRows = 30
	overviewText = 200
)

// overview is what the page shows of a table.
type overview struct {
	register.Table
	Count  int64
	Sample [][]string
}

// note counts a row and keeps the first ones.
func (o *overview) note(row rows.Row) {
	o.Count++
	if len(o.Sample) >= overviewRows || o.Name == messagesTable || o.Name == conversationsTable {
		return
	}
	values := make([]string, len(row.Values))
	for i, v := range row.Values {
		values[i] = cut(v.Text())
	}
	o.Sample = append(o.Sample, values)
}

// Heads names the columns of the sample.
func (o overview) Heads() (names []string) {
	for _, c := range o.Table.Columns {
		if c.Exported() {
			names = append(names, strings.ReplaceAll(strings.TrimSuffix(c.Name, "_sealed"), "_", " "))
		}
	}
	return names
}

// More is how many rows the page leaves out.
func (o overview) More() int64 { return o.Count - int64(len(o.Sample)) }

func cut(s string) string {
	n := 0
	for i := range s {
		if n == overviewText {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

//go:embed index.html
var indexText string

var indexPage = template.Must(template.New("index.html").Parse(indexText))

// section is a group of tables on the page.
type section struct {
	register.Group
	Tables []overview
}

// index writes the page that leads through everything else. It needs nothing but itself.
func (w *writer) index(out *bufio.Writer) error {
	var sections []section
	for _, g := range w.Rows.Register.Groups {
		s := section{Group: g}
		for _, o := range w.overviews {
			if o.Group == g.Name {
				s.Tables = append(s.Tables, o)
			}
		}
		if len(s.Tables) > 0 {
			sections = append(sections, s)
		}
	}
	err := indexPage.Execute(out, map[string]any{"Name": w.Name, "At": w.archive.at.UTC().Format("2006-01-02 15:04 UTC"), "Sections": sections, "Talks": w.talks})
	if err != nil {
		return fmt.Errorf("write the page of an export: %w", err)
	}
	return nil
}
