// Package sheet writes tables for spreadsheets: exact, in the reader's time zone, and
// without a cell that a spreadsheet takes for a formula.
package sheet

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
)

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

// Sheet is a table on its way: UTF-8 that says so, lines that end as RFC 4180 wants it.
type Sheet struct {
	csv *csv.Writer
	err error
}

// New writes the heading. It is called when the first row or page is known, so that what
// fails until then can still be refused.
func New(w io.Writer, heading ...string) *Sheet {
	s := &Sheet{csv: csv.NewWriter(w)}
	s.csv.UseCRLF = true
	heading[0] = "\ufeff" + heading[0]
	s.Row(heading...)
	return s
}

// Row writes a row.
func (s *Sheet) Row(cells ...string) {
	if s.err == nil {
		s.err = s.csv.Write(cells)
	}
}

// Flush hands on what was written, and says what went wrong with it.
func (s *Sheet) Flush() error {
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

// Text is a cell of text that no spreadsheet takes for a formula, by apostrophes before
// what looks like one.
func Text(s string) string {
	return formula.ReplaceAllString(strings.ReplaceAll(s, "\x00", ""), "$1'$2")
}

// Number is a cell of a whole number.
func Number(n int64) string { return strconv.FormatInt(n, 10) }

// Moment is a cell of a time with its offset, so that an hour that comes twice is told apart.
func Moment(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.RFC3339) }
