package main

import (
	"os"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

// P4: the page about data names every table and column with its category, and says of each
// table how long it is kept.
func TestThePageNamesEverything(t *testing.T) {
	r, err := register.Load(os.DirFS("../../policy"))
	if err != nil {
		t.Fatal(err)
	}
	text := document(r)
	for _, table := range r.Tables {
		_, part, found := strings.Cut(text, "\n### "+table.Name+"\n")
		part, _, _ = strings.Cut(part, "\n#")
		if !found || !strings.Contains(part, "- Kept "+table.Retention.Words()) {
			t.Errorf("%s is missing, or how long it is kept", table.Name)
		}
		for _, c := range table.Columns {
			if !strings.Contains(part, "| "+c.Name+" | "+c.Category+" |") {
				t.Errorf("%s.%s is missing", table.Name, c.Name)
			}
		}
	}
	for _, s := range r.Storage {
		if !strings.Contains(text, "| "+s.Name+" | "+s.Kind+" |") {
			t.Errorf("%s is missing", s.Name)
		}
	}
}
