package inference_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

var updateCounts = flag.Bool("update-counts", false, "write the table of the estimate's error into docs/CHARGES.md")

const (
	chargesDoc  = "../../docs/CHARGES.md"
	countsStart = "<!-- counts: go test ./internal/inference -run TestTheEstimatesError -update-counts -->\n"
	countsEnd   = "<!-- end of the counts -->"
)

// counted is a part of a text with what public vocabularies make of it: tools/tokens.
type counted struct {
	File  string         `json:"file"`
	Part  int            `json:"part"`
	Bytes int            `json:"bytes"`
	Count map[string]int `json:"count"`
}

// How far the estimate is off the two public vocabularies that are nearest to the models
// served, by sort of text: the table in docs/CHARGES.md is what is measured here.
func TestTheEstimatesError(t *testing.T) {
	vocabularies := []string{"o200k_base", "cl100k_base"}
	parts := texts(t)
	var table strings.Builder
	table.WriteString("| Text | Parts | Bytes | Estimate / o200k | Worst part | Estimate / cl100k | Worst part |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, file := range []string{"english.txt", "chinese.txt", "others.txt", "code.txt", "json.txt", "numbers.txt"} {
		rows := parts[file]
		if len(rows) == 0 {
			t.Fatalf("%s has no counts", file)
		}
		size := 0
		for _, r := range rows {
			size += r.Bytes
		}
		fmt.Fprintf(&table, "| %s | %d | %d |", strings.TrimSuffix(file, ".txt"), len(rows), size)
		for _, v := range vocabularies {
			whole, worst := errorOf(t, rows, v)
			fmt.Fprintf(&table, " %.2f | %.2f |", whole, worst)
			if v == vocabularies[0] && (whole < 0.5 || whole > 1.5) {
				t.Errorf("%s is estimated at %.2f of %s", file, whole, v)
			}
		}
		table.WriteString("\n")
	}
	told, err := os.ReadFile(chargesDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(told, []byte(countsStart))
	old, after, closed := bytes.Cut(rest, []byte(countsEnd))
	if !ok || !closed {
		t.Fatalf("%s has no place for the counts", chargesDoc)
	}
	if string(old) == table.String() {
		return
	}
	if !*updateCounts {
		t.Fatalf("%s tells other figures; it would be\n%s", chargesDoc, table.String())
	}
	whole := slices.Concat(before, []byte(countsStart+table.String()+countsEnd), after)
	if err := os.WriteFile(chargesDoc, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// errorOf is our count over the vocabulary's, of all parts and of the one that is
// farthest off.
func errorOf(t *testing.T, rows []counted, vocabulary string) (whole, worst float64) {
	t.Helper()
	ours, theirs := 0, 0
	for _, r := range rows {
		n, want := inference.EstimateTokens(text(t, r)), r.Count[vocabulary]
		ours, theirs = ours+n, theirs+want
		if ratio := float64(n) / float64(want); worst == 0 || math.Abs(math.Log(ratio)) > math.Abs(math.Log(worst)) {
			worst = ratio
		}
	}
	return float64(ours) / float64(theirs), worst
}

// texts are the counts by file.
func texts(t *testing.T) map[string][]counted {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "tokens", "counts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out := map[string][]counted{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var c counted
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out[c.File] = append(out[c.File], c)
	}
	return out
}

// text is a part as it was counted.
func text(t *testing.T, c counted) string {
	t.Helper()
	all, err := os.ReadFile(filepath.Join("testdata", "tokens", c.File))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimSpace(string(all)), "\n\n")
	if c.Part >= len(parts) || len(parts[c.Part]) != c.Bytes {
		t.Fatalf("part %d of %s is not what was counted: run tools/tokens again", c.Part, c.File)
	}
	return parts[c.Part]
}
