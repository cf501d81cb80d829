package edgetest

import (
	"fmt"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

// Even is a scalar that refuses odd numbers.
type Even int

// UnmarshalGQL reads an even number.
func (e *Even) UnmarshalGQL(v any) error {
	n, err := graphql.UnmarshalInt(v)
	if err != nil {
		return err
	}
	if n%2 != 0 {
		return fmt.Errorf("%d is odd", n)
	}
	*e = Even(n)
	return nil
}

// MarshalGQL writes the number.
func (e Even) MarshalGQL(w io.Writer) {
	_, _ = io.WriteString(w, strconv.Itoa(int(e)))
}
