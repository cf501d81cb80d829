// Package report holds the figures of a bench run and writes them as a table and
// as JSON.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Goal is what a figure is held against: its ratio to the floor, or its value when
// Plain. The zero Goal is none.
type Goal struct {
	Plain bool
	Least bool // at least Limit, else at most
	Limit float64
}

// String is the goal in words, "" when there is none.
func (g Goal) String() string {
	if g == (Goal{}) {
		return ""
	}
	s, unit := "<= ", " x floor"
	if g.Least {
		s = ">= "
	}
	if g.Plain {
		unit = ""
	}
	return s + number(g.Limit) + unit
}

// Figure is one line of the table. Value and Floor are medians over the rounds, in
// Unit; Ratio is the median of the rounds' ratios.
type Figure struct {
	Name   string    `json:"figure"`
	What   string    `json:"what"`
	Unit   string    `json:"unit"`
	Value  float64   `json:"value"`
	Floor  *float64  `json:"floor"` // null: there is none
	Ratio  *float64  `json:"ratio"`
	Goal   string    `json:"goal"` // "": only told
	OK     *bool     `json:"ok"`   // null: no goal
	Rounds int       `json:"rounds"`
	Values []float64 `json:"values"`
	Floors []float64 `json:"floors"`

	Command string    `json:"command"` // measures this figure again
	Load    string    `json:"loadAverage"`
	Date    time.Time `json:"date"`
	Note    string    `json:"note,omitempty"` // errors, or what else to know
}

// New makes a figure of the rounds' values and, of the same length or empty, floors.
func New(name, what, unit string, values, floors []float64, g Goal) Figure {
	f := Figure{Name: name, What: what, Unit: unit, Values: values, Floors: floors, Rounds: len(values), Goal: g.String()}
	f.Value = Median(values)
	judged := f.Value
	if len(floors) == len(values) && len(floors) > 0 {
		ratios := make([]float64, len(values))
		for i := range values {
			ratios[i] = values[i] / floors[i]
		}
		floor, ratio := Median(floors), Median(ratios)
		f.Floor = &floor
		if !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
			f.Ratio = &ratio
		}
		if !g.Plain {
			judged = ratio
		}
	}
	if f.Goal != "" {
		ok := !math.IsNaN(judged) && len(values) > 0 && (g.Least && judged >= g.Limit || !g.Least && judged <= g.Limit)
		f.OK = &ok
	}
	return f
}

// Miss marks the figure as missed, whatever its value, and says why.
func (f *Figure) Miss(why string) {
	no := false
	f.OK = &no
	f.Note = strings.TrimPrefix(f.Note+"; "+why, "; ")
}

// Median of the values, 0 without any.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Clone(v)
	slices.SortFunc(s, cmp.Compare)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Report is one run of the bench.
type Report struct {
	Command string    `json:"command"`
	Quick   bool      `json:"quick"`
	Machine string    `json:"machine"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Before  string    `json:"loadAverageBefore"`
	After   string    `json:"loadAverageAfter"`
	Figures []Figure  `json:"figures"`
}

// Missed is how many figures did not reach their goal.
func (r Report) Missed() (n int) {
	for _, f := range r.Figures {
		if f.OK != nil && !*f.OK {
			n++
		}
	}
	return n
}

// Save writes the report as JSON; a file that is there is replaced as a whole.
func (r Report) Save(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// Table writes the report for people.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "figure\tvalue\tfloor\tratio\tgoal\t\tunit\n")
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, number(f.Value), optional(f.Floor), optional(f.Ratio), f.Goal, f.verdict(), f.Unit)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, f := range r.Figures {
		if f.Note != "" {
			fmt.Fprintf(w, "  %s: %s\n", f.Name, f.Note)
		}
	}
	_, err := fmt.Fprintf(w, "%s; load average %s before, %s after; %.0f s; %s\n", r.Machine, r.Before, r.After, r.Seconds, r.Command)
	return err
}

func (f Figure) verdict() string {
	switch {
	case f.OK == nil:
		return ""
	case *f.OK:
		return "ok"
	}
	return "MISSED"
}

func optional(v *float64) string {
	if v == nil {
		return "-"
	}
	return number(*v)
}

// number writes three significant digits, or all before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
