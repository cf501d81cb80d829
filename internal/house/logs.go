package house

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// logged are the methods of a logger, and how many arguments come before the fields.
var logged = map[string]int{
	"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2,
	"Log": 3, "LogAttrs": 3, "With": 0,
}

// makers are the functions of log/slog that make a field of a name.
var makers = []string{"Any", "Bool", "Duration", "Float64", "Group", "Int", "Int64", "String", "Time", "Uint64"}

var logger = regexp.MustCompile(`(?i)^s?log(ger)?$`)

// logNotes are what lines of the log are made of: which fields are named where, and what
// names none that can be read here.
func logNotes(tree []source) (fields map[string][]string, unreadable []string) {
	fields = map[string][]string{}
	for _, s := range tree {
		if k := kindOf(s.dir); s.test || s.generated || k == outside || k == testOnly || s.dir == "internal/config" { // config names its settings
			continue
		}
		s.inspect(func(n ast.Node) {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return
			}
			names, bad := fieldsOf(call)
			for _, name := range names {
				fields[name] = append(fields[name], s.at(call))
			}
			if bad {
				unreadable = append(unreadable, s.at(call)+": name the fields of the log where they are written, as literals")
			}
		})
	}
	return fields, unreadable
}

// fieldsOf are the fields that a call names if it writes to a log or makes a field of one;
// bad says that there are some that can't be read.
func fieldsOf(call *ast.CallExpr) (names []string, bad bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, false
	}
	if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "slog" && slices.Contains(makers, sel.Sel.Name) && len(call.Args) > 0 {
		name := stringValue(call.Args[0])
		return []string{name}, name == ""
	}
	skip, ok := logged[sel.Sel.Name]
	if !ok || !logger.MatchString(lastName(sel.X)) || len(call.Args) < skip {
		return nil, false
	}
	for rest := call.Args[skip:]; len(rest) > 0; {
		if made, ok := rest[0].(*ast.CallExpr); ok && strings.HasPrefix(nameOf(made.Fun), "slog.") {
			rest = rest[1:] // seen by itself
			continue
		}
		name := stringValue(rest[0])
		if name == "" || len(rest) < 2 {
			return names, true
		}
		names, rest = append(names, name), rest[2:]
	}
	return names, false
}

// lastName is the last identifier of an expression such as s.cfg.Log, with more fields or not.
func lastName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.CallExpr: // log.With(…)
		if sel, ok := x.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "With" {
			return lastName(sel.X)
		}
	}
	return ""
}

// nameOf is a function's name with its package's.
func nameOf(fun ast.Expr) string {
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		return lastName(sel.X) + "." + sel.Sel.Name
	}
	return lastName(fun)
}

// unregisteredFields finds fields of the log that the register does not know.
func unregisteredFields(known func(field string) bool) func(tree []source) []string {
	return func(tree []source) (out []string) {
		fields, unreadable := logNotes(tree)
		for field, places := range fields {
			if field != "" && !known(field) {
				out = append(out, fmt.Sprintf("%s: the log field %q is not registered: say in log_fields of policy/register.yaml what it holds, or leave it out", places[0], field))
			}
		}
		return append(out, unreadable...)
	}
}

// meters are libraries by which numbers of a running program leave it, with their labels.
var meters = []string{"expvar", "github.com/prometheus", "go.opentelemetry.io", "github.com/VictoriaMetrics"}

// metered finds metrics. There are none, so the register knows no label of one.
func metered(tree []source) (out []string) {
	for _, s := range tree {
		if kindOf(s.dir) == outside {
			continue
		}
		for _, spec := range s.imports() {
			for _, library := range meters {
				if under(stringValue(spec.Path), library) {
					out = append(out, fmt.Sprintf("%s: metrics have labels: register them in policy/register.yaml, and compare them here", s.at(spec)))
				}
			}
		}
	}
	return out
}
