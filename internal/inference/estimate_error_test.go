package inference_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

var updateCounts = flag.Bool("update-counts", false, "write the table of the estimate's error into docs/CHARGES.md")

const (
	chargesDoc  = "../../docs/CHARGES.md"
	countsStart = "<!-- counts: go test ./internal/inference -run TestTheEstimatesError -update-counts -->\n"
	countsEnd   = "<!-- end of the counts -->"
)

// How far the estimate is off the two public vocabularies that are nearest to the models
// served, by sort of text: the table in docs/CHARGES.md is what is measured here.
func TestTheEstimatesError(t *testing.T) {
	vocabularies := []*vocabulary.Vocabulary{vocabulary.Load(vocabulary.O200k), vocabulary.Load(vocabulary.CL100k)}
	var table strings.Builder
	table.WriteString("| Text | Parts | Bytes | Estimate / o200k | Worst part | Estimate / cl100k | Worst part |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, file := range []string{"english.txt", "chinese.txt", "others.txt", "code.txt", "json.txt", "numbers.txt"} {
		parts := parts(t, file)
		fmt.Fprintf(&table, "| %s | %d | %d |", strings.TrimSuffix(file, ".txt"), len(parts), len(strings.Join(parts, "")))
		for n, v := range vocabularies {
			whole, worst := errorOf(parts, v)
			fmt.Fprintf(&table, " %.2f | %.2f |", whole, worst)
			if n == 0 && (whole < 0.5 || whole > 1.5) {
				t.Errorf("%s is estimated at %.2f of o200k_base", file, whole)
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

// errorOf is our estimate over the vocabulary's count, of all parts and of the one that is
// farthest off.
func errorOf(parts []string, v *vocabulary.Vocabulary) (whole, worst float64) {
	ours, theirs := 0, int64(0)
	for _, text := range parts {
		sum := v.Sum()
		sum.Add(text)
		n, want := inference.EstimateTokens(text), sum.Tokens()
		ours, theirs = ours+n, theirs+want
		if ratio := float64(n) / float64(want); worst == 0 || math.Abs(math.Log(ratio)) > math.Abs(math.Log(worst)) {
			worst = ratio
		}
	}
	return float64(ours) / float64(theirs), worst
}

// parts are those of a text, which empty lines divide.
func parts(t *testing.T, file string) []string {
	t.Helper()
	all, err := os.ReadFile(filepath.Join("testdata", "tokens", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(all)), "\n\n")
}
