package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

func TestGoals(t *testing.T) {
	cases := []struct {
		values, floors []float64
		goal           report.Goal
		ok             bool
		words          string
	}{
		{[]float64{13, 12, 14}, []float64{10, 10, 10}, report.Goal{Limit: 1.3}, true, "<= 1.30 x floor"},
		{[]float64{14, 12, 14}, []float64{10, 10, 10}, report.Goal{Limit: 1.3}, false, "<= 1.30 x floor"},
		{[]float64{80}, []float64{100}, report.Goal{Least: true, Limit: 0.75}, true, ">= 0.750 x floor"},
		{[]float64{49}, []float64{20}, report.Goal{Plain: true, Limit: 50}, true, "<= 50"},
		{[]float64{51}, nil, report.Goal{Plain: true, Limit: 50}, false, "<= 50"},
		{nil, nil, report.Goal{Plain: true, Limit: 50}, false, "<= 50"},
		{[]float64{0}, []float64{0}, report.Goal{Limit: 1}, false, "<= 1 x floor"},
	}
	for _, c := range cases {
		f := report.New("f", "", "us", c.values, c.floors, c.goal)
		if f.OK == nil || *f.OK != c.ok || f.Goal != c.words {
			t.Errorf("%v over %v: %+v", c.values, c.floors, f)
		}
	}
	if f := report.New("told", "", "us", []float64{1}, nil, report.Goal{}); f.OK != nil || f.Goal != "" {
		t.Errorf("without a goal: %+v", f)
	}
}

func TestTheRatioIsTheMedianOfTheRounds(t *testing.T) {
	f := report.New("f", "", "", []float64{10, 100, 30}, []float64{10, 50, 10}, report.Goal{})
	if f.Value != 30 || *f.Floor != 10 || *f.Ratio != 2 {
		t.Errorf("%v %v %v", f.Value, *f.Floor, *f.Ratio)
	}
	if m := report.Median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("median of four: %v", m)
	}
}

func TestResultsAsTextAndJSON(t *testing.T) {
	missed := report.New("late", "", "ms", []float64{1}, []float64{2}, report.Goal{Plain: true, Limit: 5})
	missed.Miss("3 tokens lost")
	r := report.Report{Command: "bench run", Machine: "2 cores", Figures: []report.Figure{missed, report.New("size", "", "MiB", []float64{28.44}, nil, report.Goal{})}}
	if r.Missed() != 1 {
		t.Errorf("%d missed", r.Missed())
	}
	var text strings.Builder
	if err := r.Table(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MISSED", "late: 3 tokens lost", "28.4", "2 cores"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back struct{ Figures []map[string]any }
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if f := back.Figures[0]; f["figure"] != "late" || f["ok"] != false || f["ratio"] != 0.5 || f["goal"] != "<= 5" {
		t.Errorf("%v", f)
	}
	if f := back.Figures[1]; f["floor"] != nil || f["ok"] != nil {
		t.Errorf("%v", f)
	}
	if err := r.Save(filepath.Join(t.TempDir(), "missing", "x")); err == nil {
		t.Error("a folder that is not there was no error")
	}
}
