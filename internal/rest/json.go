package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Limits of what a request may hold.
const (
	maxDepth  = 64   // objects and lists within each other
	maxFields = 1000 // of one object that we read
)

// reader reads a request by name, so that nothing is taken that wasn't looked for. The
// first thing that is wrong is kept and everything after it reads as absent.
type reader struct{ err *problem }

// value is a JSON value and the place where it stands. The zero value is absent; so is null.
type value struct {
	r   *reader
	raw []byte
	at  string
}

type field struct {
	name string
	raw  []byte
}

// object is a JSON object that was asked for by name.
type object struct {
	r      *reader
	at     string
	fields []field
}

// parse takes a whole body apart: valid UTF-8, one JSON object, not too deep.
func (r *reader) parse(body []byte) object {
	switch {
	case !utf8.Valid(body):
		r.refuse("", "the body is not valid UTF-8")
	case isTooDeep(body):
		r.refuse("", "the body is nested deeper than %d levels", maxDepth)
	case !json.Valid(body):
		r.refuse("", "the body is not valid JSON")
	default:
		return value{r, bytes.TrimSpace(body), ""}.object()
	}
	return object{r: r}
}

// refuse keeps the first problem. at is the place of the parameter, "" for the whole body.
func (r *reader) refuse(at, format string, args ...any) {
	if r.err == nil {
		message := fmt.Sprintf(format, args...)
		if at != "" {
			message = at + " " + message
		}
		r.err = of(&fault.Fault{Code: fault.Invalid, Message: message})
		r.err.param = at
	}
}

func (r *reader) ok() bool { return r.err == nil }

// isTooDeep looks at brackets only: it is asked before anything is known to be JSON.
func isTooDeep(b []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// get is a field of the object, absent when it is null. A field that is given twice is
// refused: two readers might take a different one.
func (o object) get(name string) value {
	v := value{r: o.r, at: join(o.at, name)}
	found := false
	for _, f := range o.fields {
		if f.name != name {
			continue
		}
		if found {
			o.r.refuse(v.at, "is given twice")
			return value{r: o.r}
		}
		found = true
		if string(f.raw) != "null" {
			v.raw = f.raw
		}
	}
	return v
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// given reports whether there is a value that can be read.
func (v value) given() bool { return len(v.raw) > 0 && v.r.ok() }

func (v value) refuse(format string, args ...any) { v.r.refuse(v.at, format, args...) }

func (v value) is(first byte) bool { return len(v.raw) > 0 && v.raw[0] == first }

// text is the string, "" when it is absent.
func (v value) text() string {
	if !v.given() {
		return ""
	}
	if !v.is('"') {
		v.refuse("must be a string")
		return ""
	}
	return unquote(v.raw)
}

func unquote(raw []byte) string {
	if inside := raw[1 : len(raw)-1]; bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // the whole body was found valid
	return s
}

// required is text that must be there and not be empty.
func (v value) required() string {
	if v.r.ok() && len(v.raw) == 0 {
		v.refuse("is missing")
	}
	s := v.text()
	if s == "" {
		v.refuse("must not be empty")
	}
	return s
}

// flag is the boolean, nil when it is absent.
func (v value) flag() *bool {
	if !v.given() {
		return nil
	}
	yes := string(v.raw) == "true"
	if !yes && string(v.raw) != "false" {
		v.refuse("must be true or false")
		return nil
	}
	return &yes
}

func (v value) isTrue() bool {
	b := v.flag()
	return b != nil && *b
}

// number is the number within the bounds, nil when it is absent.
func (v value) number(least, most float64) *float64 {
	if !v.given() {
		return nil
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	if err != nil || v.is('"') {
		v.refuse("must be a number")
		return nil
	}
	if f < least || f > most {
		v.refuse("must be from %v to %v", least, most)
		return nil
	}
	return &f
}

// whole is the whole number within the bounds, nil when it is absent.
func (v value) whole(least, most int64) *int64 {
	if !v.given() {
		return nil
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	if err != nil {
		f, bad := strconv.ParseFloat(string(v.raw), 64)
		if bad != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			v.refuse("must be a whole number")
			return nil
		}
		n = int64(f)
	}
	if n < least || n > most {
		if most == math.MaxInt64 {
			v.refuse("must be at least %d", least)
		} else {
			v.refuse("must be from %d to %d", least, most)
		}
		return nil
	}
	return &n
}

// object is the object's fields, none when it is absent.
func (v value) object() object {
	o := object{r: v.r, at: v.at}
	if !v.given() {
		return o
	}
	if !v.is('{') {
		v.refuse("must be an object")
		return o
	}
	s := splitter{v.raw[1:]}
	for s.next() != '}' {
		name := s.value()
		s.next() // the colon
		if len(o.fields) == maxFields {
			v.refuse("has more than %d fields", maxFields)
			return object{r: v.r, at: v.at}
		}
		o.fields = append(o.fields, field{unquote(name), s.value()})
	}
	return o
}

// list is the list's values, at most so many; none when it is absent.
func (v value) list(most int) (out []value) {
	if !v.given() {
		return nil
	}
	if !v.is('[') {
		v.refuse("must be a list")
		return nil
	}
	s := splitter{v.raw[1:]}
	for s.next() != ']' {
		if len(out) == most {
			v.refuse("has more than %d entries", most)
			return nil
		}
		out = append(out, value{v.r, s.value(), v.at + "[" + strconv.Itoa(len(out)) + "]"})
	}
	return out
}

// compact is the value as it came, without blanks.
func (v value) compact() json.RawMessage {
	var b bytes.Buffer
	_ = json.Compact(&b, v.raw) // the whole body was found valid
	return b.Bytes()
}

// splitter takes valid JSON apart, one level at a time.
type splitter struct{ rest []byte }

// next skips blanks, commas and colons, and tells what comes.
func (s *splitter) next() byte {
	for i, c := range s.rest {
		switch c {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			s.rest = s.rest[i:]
			return c
		}
	}
	s.rest = nil
	return '}'
}

// value takes the value that comes.
func (s *splitter) value() []byte {
	if len(s.rest) > 0 {
		switch s.rest[0] {
		case '"':
			return s.cut(stringEnd(s.rest))
		case '{', '[':
			return s.cut(nestedEnd(s.rest))
		}
	}
	if n := bytes.IndexAny(s.rest, ",:]} \t\r\n"); n >= 0 {
		return s.cut(n)
	}
	return s.cut(len(s.rest))
}

// stringEnd is where the string at the beginning ends.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// nestedEnd is where the object or list at the beginning ends.
func nestedEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

func (s *splitter) cut(n int) []byte {
	out := s.rest[:n:n]
	s.rest = s.rest[n:]
	return out
}
