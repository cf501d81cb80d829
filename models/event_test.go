package models_test

import (
	"math"
	"testing"

	"github.com/kimi-k2/kimi-k2/models"
)

// L10: amounts are read and written exactly, or refused.
func TestCreditsAreExact(t *testing.T) {
	for text, want := range map[string]models.Credits{
		"0": 0, "-0": 0, "1": 1_000_000, "1.5": 1_500_000, "0.000001": 1, "-0.000001": -1, "007.10": 7_100_000, "9223372036854.775807": math.MaxInt64, "-9223372036854.775807": -math.MaxInt64,
	} {
		var c models.Credits
		if err := c.UnmarshalGQL(text); err != nil || c != want {
			t.Errorf("%s is read as %d, %v; want %d", text, c, err, want)
		}
		var again models.Credits
		if err := again.UnmarshalGQL(c.String()); err != nil || again != c {
			t.Errorf("%d is written as %s", c, c)
		}
	}
	for _, bad := range []any{"", "-", ".", "1.", ".5", "+1", "-+1", "--1", "1e3", "1,5", " 1", "1 ", "0x1", "1_0", "NaN", "٣", "0.0000001", "9223372036854.775808", "-9223372036854.775808",
		"99999999999999999999", 1, 1.5, int64(1), nil, true} {
		c := models.Credits(7)
		if err := c.UnmarshalGQL(bad); err == nil || c != 7 {
			t.Errorf("%v is read as %d", bad, c)
		}
	}
	if got := models.Credits(math.MinInt64).String(); got != "-9223372036854.775808" {
		t.Errorf("the least is written as %s", got)
	}
}
