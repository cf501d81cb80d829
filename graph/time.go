package graph

import (
	"fmt"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// timeLayout is RFC 3339 with all six digits of a microsecond.
const timeLayout = `"2006-01-02T15:04:05.000000Z"`

// MarshalTime writes the scalar Time.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var buf [len(timeLayout)]byte
		_, _ = w.Write(t.UTC().AppendFormat(buf[:0], timeLayout))
	})
}

// UnmarshalTime reads the scalar Time: RFC 3339 with any number of decimal places.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("a time must be a string")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("a time looks like 2026-01-31T12:00:00.000000Z")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}
