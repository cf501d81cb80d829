package transparency

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// finding is one thing that a check found, with the sentence that says it in English.
type finding struct {
	models.TransparencyFinding
	sentence string
}

// slot is where a value stands in a sentence: its name and how it is said.
var slot = regexp.MustCompile(`\{([a-z]+):([^}]+)\}`)

// found makes a finding of a code of words and its values, in pairs of name and value.
func found(code string, values ...any) finding {
	f := finding{TransparencyFinding: models.TransparencyFinding{Code: code, Values: []models.TransparencyValue{}}}
	given := map[string]any{}
	for i := 0; i+1 < len(values); i += 2 {
		given[fmt.Sprint(values[i])] = values[i+1]
	}
	f.sentence = slot.ReplaceAllStringFunc(words[code], func(s string) string {
		part := slot.FindStringSubmatch(s)
		value, english := said(part[2], given[part[1]])
		value.Name = part[1]
		f.Values = append(f.Values, value)
		return english
	})
	return f
}

// said is a value as it is kept and in English. How is a sort of value, or what is counted:
// one of them and many.
func said(how string, given any) (v models.TransparencyValue, english string) {
	switch x := given.(type) {
	case time.Duration:
		return models.TransparencyValue{Sort: models.ValueSpan, Value: strconv.FormatInt(int64(x/time.Second), 10)}, span(x)
	case time.Time:
		v = models.TransparencyValue{Sort: models.ValueTime, Value: x.UTC().Format(time.RFC3339)}
		if how == "day" {
			v.Sort = models.ValueDay
			return v, day(x)
		}
		return v, moment(x)
	case []string:
		return names(x)
	case int:
		return said(how, int64(x))
	case int64:
		return models.TransparencyValue{Sort: models.ValueNumber, Value: strconv.FormatInt(x, 10)}, counted(how, x)
	}
	v = models.TransparencyValue{Sort: models.ValueText, Value: clip(fmt.Sprint(given), maxValue)}
	return v, v.Value
}

// names are the first of many.
func names(all []string) (v models.TransparencyValue, english string) {
	const most = 5
	v.Sort, v.More = models.ValueNames, max(0, len(all)-most)
	v.Value = clip(strings.Join(all[:min(most, len(all))], ", "), maxValue)
	if v.More > 0 {
		return v, fmt.Sprintf("%s and %d more", v.Value, v.More)
	}
	return v, v.Value
}

// counted is a number in English, alone or with what it counts.
func counted(how string, n int64) string {
	one, many, isCount := strings.Cut(how, "|")
	switch {
	case how == "times" && n == 1:
		return "once"
	case how == "times":
		return fmt.Sprintf("%d times", n)
	case !isCount:
		return strconv.FormatInt(n, 10)
	case n == 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// maxEvidence is the longest evidence, maxValue the longest value in it, in characters.
const (
	maxEvidence = 1500
	maxValue    = 500
)

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// foundHop is what there is to say of a way that data take.
func foundHop(h *models.Hop) finding {
	f := found("hop", "way", string(h.Way), "to", h.To, "protection", string(h.Protection))
	f.sentence = h.Name + ": " + h.About
	return f
}

// result is a state with what was found.
func result(state models.TransparencyState, all ...finding) Result {
	r := Result{State: state, Findings: []models.TransparencyFinding{}}
	sentences := make([]string, len(all))
	for i, f := range all {
		r.Findings = append(r.Findings, f.TransparencyFinding)
		sentences[i] = f.sentence
	}
	r.Evidence = clip(strings.Join(sentences, " "), maxEvidence)
	return r
}

func green(all ...finding) (Result, error) { return result(models.TransparencyGreen, all...), nil }

func amber(all ...finding) (Result, error) { return result(models.TransparencyAmber, all...), nil }

func red(all ...finding) (Result, error) { return result(models.TransparencyRed, all...), nil }

// span is a time span as people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return counted("second|seconds", int64(d.Seconds()))
	case d < 2*time.Hour:
		return counted("minute|minutes", int64(d.Minutes()))
	case d < 48*time.Hour:
		return counted("hour|hours", int64(d.Hours()))
	}
	return counted("day|days", int64(d.Hours()/24))
}

// day is a date as people write it.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// moment is a time as people write it.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
