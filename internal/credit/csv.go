package credit

import (
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/models"
)

// exportPage is how many rows of an export are in memory at a time.
const exportPage = 500

// Export says what a file of ledger entries or of usage holds; zero values leave nothing
// out. Its times are written in Zone, an IANA name; empty means UTC.
type Export struct {
	From, To time.Time // To is not included
	Kinds    []models.TransferKind
	Zone     string
}

// begin checks what is asked for.
func (e Export) begin() (*time.Location, error) {
	if !e.From.IsZero() && !e.To.IsZero() && !e.From.Before(e.To) {
		return nil, fault.On("to", fault.Invalid, "`to` must be later than `from`")
	}
	return sheet.Zone(e.Zone)
}

// credits is an amount of micro-credits, exact.
func credits(micro int64) string { return models.Credits(micro).String() }
