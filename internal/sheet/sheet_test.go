package sheet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/sheet"
)

// Cells of text are never formulas, wherever a spreadsheet thinks that a cell begins.
func TestNoCellIsAFormula(t *testing.T) {
	for in, want := range map[string]string{
		"kimi-k2": "kimi-k2", "a=b": "a=b", "": "", "1-2": "1-2", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@A1": "'@A1", " =1": "' =1", "\u3000＝1": "'\u3000＝1", "\ufeff=1": "'\ufeff=1",
		"\r=1": "'\r=1", "a;=1": "a;'=1", "a,  -1": "a,'  -1", "a\n@1": "a\n'@1", "\x00=1": "'=1",
	} {
		if got := sheet.Text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// A day begins at its midnight, or where that is skipped at its first moment.
func TestDaysBegin(t *testing.T) {
	for day, want := range map[string]string{
		"2026-05-01 UTC":               "2026-05-01T00:00:00Z",
		"2026-03-29 Europe/Berlin":     "2026-03-28T23:00:00Z",
		"2026-03-30 Europe/Berlin":     "2026-03-29T22:00:00Z",
		"2018-11-04 America/Sao_Paulo": "2018-11-04T03:00:00Z", // 00:00 to 01:00 was skipped
		"2026-04-24 Africa/Cairo":      "2026-04-23T22:00:00Z", // as well
		"2018-02-18 America/Sao_Paulo": "2018-02-18T03:00:00Z", // 23:00 came twice before
	} {
		var date, name string
		_, err := fmt.Sscan(day, &date, &name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := sheet.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := sheet.DayStart(d.Year(), d.Month(), d.Day(), zone).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s begins at %s, want %s", day, got, want)
		}
	}
}
