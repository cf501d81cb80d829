package restore_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/restore"
)

var updateRefusals = flag.Bool("update-refusals", false, "write the refusals that the page's tests say in all languages")

// refusals is where an example of each refusal lies for the tests of the page.
const refusals = "../../frontend/src/features/exports/refusals.fixture.json"

var hole = regexp.MustCompile(`\{([a-z]+)\}`)

// Each refusal fills in all its values, and the page's tests know an example of each: a
// reason without words in every language fails there.
func TestThePageKnowsEveryRefusal(t *testing.T) {
	type example struct {
		Reason  string            `json:"reason"`
		Values  map[string]string `json:"values"`
		Message string            `json:"message"`
	}
	var all []example
	for _, reason := range slices.Sorted(maps.Keys(restore.Refusals())) {
		var values []any
		for _, name := range hole.FindAllStringSubmatch(restore.Refusals()[reason], -1) {
			values = append(values, name[1], 42)
		}
		f := restore.Refuse(reason, values...)
		if strings.ContainsAny(f.Message, "{}") || f.Reason != reason || len(f.Values) != len(values)/2 {
			t.Errorf("%+v", f)
		}
		all = append(all, example{reason, f.Values, f.Message})
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *updateRefusals {
		if err := os.WriteFile(refusals, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	known, err := os.ReadFile(refusals)
	if err != nil || !bytes.Equal(known, text.Bytes()) {
		t.Errorf("run go test ./internal/restore -update-refusals: %v", err)
	}
}
