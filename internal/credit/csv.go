package credit

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // people name zones that the machine may not know

	"github.com/kimi-k2/kimi-k2/internal/fault"
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

// Zone finds a time zone by its IANA name; empty means UTC. It refuses others with INVALID.
func Zone(name string) (*time.Location, error) {
	if name == "Local" { // the machine's own is nobody's business
		name = "?"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fault.On("timeZone", fault.Invalid, "there is no such time zone: give an IANA name, for example Europe/Berlin")
	}
	return zone, nil
}

// DayStart is the first moment of a day in a zone, also where its midnight is skipped.
func DayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); t.Day() != date.Day() {
		_, t = t.ZoneBounds()
	}
	return t
}

// begin checks what is asked for.
func (e Export) begin() (*time.Location, error) {
	if !e.From.IsZero() && !e.To.IsZero() && !e.From.Before(e.To) {
		return nil, fault.On("to", fault.Invalid, "`to` must be later than `from`")
	}
	return Zone(e.Zone)
}

// sheet writes a table for spreadsheets: UTF-8 that says so, lines that end as RFC 4180
// wants it.
type sheet struct {
	csv *csv.Writer
	err error
}

// newSheet writes the heading. Nothing is written before the first row or page is known,
// so that what fails until then can still be refused.
func newSheet(w io.Writer, heading ...string) *sheet {
	s := &sheet{csv: csv.NewWriter(w)}
	s.csv.UseCRLF = true
	heading[0] = "\ufeff" + heading[0]
	s.row(heading...)
	return s
}

func (s *sheet) row(cells ...string) {
	if s.err == nil {
		s.err = s.csv.Write(cells)
	}
}

// flush hands on what was written, and says what went wrong with it.
func (s *sheet) flush() error {
	s.csv.Flush()
	if s.err == nil {
		s.err = s.csv.Error()
	}
	if s.err != nil {
		return fmt.Errorf("write a table: %w", s.err)
	}
	return nil
}

// formula finds where a spreadsheet may see a formula: at the beginning of a cell, or
// behind what some of them take for the end of one.
var formula = regexp.MustCompile(`(^|[;,|\t\r\n])([\s\x{a0}\x{3000}\x{feff}]*[=+\-@＝＋－＠])`)

// text is a cell of text that no spreadsheet takes for a formula, by apostrophes before
// what looks like one.
func text(s string) string {
	return formula.ReplaceAllString(strings.ReplaceAll(s, "\x00", ""), "$1'$2")
}

// credits is an amount of micro-credits, exact.
func credits(micro int64) string { return models.Credits(micro).String() }

func number(n int64) string { return strconv.FormatInt(n, 10) }

// moment is a time with its offset, so that an hour that comes twice is told apart.
func moment(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.RFC3339) }
