package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// setting is one field of Config.
type setting struct {
	name, unit, help, preset, secret string
	field                            reflect.StructField
}

// settings lists Config's settings in the order of its fields.
func settings() []setting {
	var out []setting
	for field := range reflect.TypeFor[Config]().Fields() {
		tag := field.Tag
		if tag.Get("env") == "" {
			continue
		}
		out = append(out, setting{
			name: tag.Get("env"), unit: tag.Get("unit"), help: tag.Get("help"),
			preset: tag.Get("envDefault"), secret: tag.Get("secret"), field: field,
		})
	}
	return out
}

// later lists settings whose names are fixed but which this version does not use.
var later = []string{
	"METRICS_ADDR", "COMPLIANCE",
}

// ours are beginnings that only settings of this program have, so that whoever
// sets another name beginning so must have meant one of them.
var ours = []string{"INFERENCE_", "GUEST_MESSAGE", "CHECKPOINT_", "SOCKETS_PER_", "STREAMS_PER_"}

// checkNames looks for variables that were meant to be settings. A misspelt name
// whose right spelling is not set is a fault: the start would quietly go on with
// a default. What only looks alike is a warning.
func checkNames(vars map[string]string) (Faults, []Warning) {
	known := slices.Clone(later)
	for _, s := range settings() {
		known = append(known, s.name)
	}
	var faults Faults
	var warnings []Warning
	for _, name := range sortedKeys(vars) {
		switch {
		case name == "COMPLIANCE" && vars[name] != "":
			// Whoever sets it relies on what it would turn on.
			faults = append(faults, Warning{name, "has none of its controls in this version: leave it empty"})
		case slices.Contains(later, name) && vars[name] != "":
			warnings = append(warnings, Warning{name, "is not used by this version"})
		}
		if slices.Contains(known, name) {
			continue
		}
		meant := nearest(name, known)
		_, set := vars[meant]
		switch {
		case meant != "" && !set:
			faults = append(faults, Warning{name, fmt.Sprintf("is not a setting: did you mean %s?", meant)})
		case meant != "":
			warnings = append(warnings, Warning{name, fmt.Sprintf("is not a setting and is ignored: it resembles %s", meant)})
		case slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(name, p) }):
			warnings = append(warnings, Warning{name, "is not a setting and is ignored: see kimi-k2 help config"})
		}
	}
	return faults, warnings
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nearest is the known name that name misspells: two slips away at most, one for
// names of up to eight letters, none for shorter than six. "" when there is none.
func nearest(name string, known []string) string {
	best, meant := 3, ""
	for _, k := range known {
		allowed := 2
		switch n := len(k); {
		case n <= 6:
			allowed = 0
		case n <= 8:
			allowed = 1
		}
		if d := slips(name, k); d <= allowed && d < best {
			best, meant = d, k
		}
	}
	return meant
}

// slips counts the letters added, left out, changed or swapped with their
// neighbour between a and b (optimal string alignment).
func slips(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 0
			if a[i-1] != b[j-1] {
				change = 1
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
