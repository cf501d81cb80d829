package house

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// importWalls finds imports that go through a wall, and packages of no room. Tests
// may import what they like; what they import is not part of the product.
func importWalls(tree []source) []string {
	var out []string
	unknown := map[string]bool{}
	for _, s := range tree {
		if kindOf(s.dir) == "" && !unknown[s.dir] {
			unknown[s.dir] = true
			out = append(out, fmt.Sprintf("%s: the package is in no room: enter it in internal/house/rooms.go", s.dir))
		}
		if s.test || kindOf(s.dir) == "" || kindOf(s.dir) == outside || kindOf(s.dir) == testOnly {
			continue
		}
		for _, spec := range s.imports() {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			if why := wallBetween(s.dir, target); why != "" {
				out = append(out, fmt.Sprintf("%s: %s must not import %s: %s", s.at(spec), s.dir, short(target), why))
			}
		}
	}
	return out
}

// wallBetween says why the package in dir must not import target, "" when it may.
func wallBetween(dir, target string) string {
	for _, banned := range mustNotImport[dir] {
		if under(short(target), banned) {
			return "not in this room"
		}
	}
	if ours, ok := ourDir(target); ok {
		return wallBetweenRooms(dir, ours)
	}
	for library, homes := range confined {
		home := func(h string) bool { return dir == h || h != "." && under(dir, h) }
		if under(target, library) && !slices.ContainsFunc(homes, home) {
			return "only " + strings.Join(append(homes, "tests"), ", ") + " may"
		}
	}
	return ""
}

// wallBetweenRooms is wallBetween for two packages of ours.
func wallBetweenRooms(dir, target string) string {
	from, to := kindOf(dir), kindOf(target)
	switch {
	case to == testOnly || to == outside:
		return "it is for tests"
	case from == program || to == "":
		return ""
	case from == to && family(dir) == family(target):
		return ""
	case from == domain && to == domain:
		return "domains don't know each other: declare an interface for what is needed"
	}
	allowed := mayImport[from]
	if from == tool {
		allowed = toolMayImport[family(dir)]
	}
	if slices.Contains(allowed, string(to)) || slices.Contains(allowed, family(target)) {
		return ""
	}
	return fmt.Sprintf("a room of kind %s may import %s of ours", from, orNothing(allowed))
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return "only " + strings.Join(list, ", ")
}

// ourDir is the folder of an import path of this module.
func ourDir(target string) (string, bool) {
	if target == module {
		return ".", true
	}
	return strings.CutPrefix(target, module+"/")
}

// short is an import path as the tables write it.
func short(target string) string {
	if dir, ok := ourDir(target); ok {
		return dir
	}
	return target
}

// under reports whether a path is base or below it.
func under(path, base string) bool { return path == base || strings.HasPrefix(path, base+"/") }
