package transparency

import (
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// Words are the sentences of all findings.
func Words() map[string]string { return words }

// SampleOf is a finding with values of the sorts that its sentence asks for.
func SampleOf(code string) (evidence string, f models.TransparencyFinding) {
	var values []any
	for _, part := range slot.FindAllStringSubmatch(words[code], -1) {
		values = append(values, part[1], example(part[2]))
	}
	out := found(code, values...)
	if code == "hop" {
		h := &models.Hop{Name: "This server to vLLM", Way: models.HopRecipient, To: "vLLM"}
		h.Protect(models.TransparencyRed, models.HopPlain)
		out = foundHop(h)
	}
	return out.sentence, out.TransparencyFinding
}

func example(how string) any {
	switch {
	case how == "span":
		return 3 * time.Hour
	case how == "moment", how == "day":
		return time.Date(2026, 5, 1, 12, 30, 0, 0, time.UTC)
	case how == "text":
		return "some text"
	case how == "list":
		return []string{"one", "two", "three", "four", "five", "six", "seven"}
	case how == "number", how == "times", strings.Contains(how, "|"):
		return 7
	}
	return nil
}
