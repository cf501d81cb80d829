package record_test

import (
	"context"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/kimi-k2/kimi-k2/internal/edge/record"
)

// P69: a route is made of the schema's words alone, whatever a document calls things, also
// when it isn't valid.
func TestRoutesAreTheSchemasWords(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { viewer: Query models: Int } type Mutation { send: Int }`})
	for document, want := range map[string]string{
		`{ viewer { models } }`:                                  "query viewer",
		`query Secret { mine: viewer { models } other: models }`: "query viewer…",
		`mutation { send }`:                                      "mutation send",
		`{ __typename }`:                                         "query __typename",
		`{ ... { ...F } } fragment F on Query { models }`:        "query models",
		`{ ...F } fragment F on Query { ...F }`:                  record.Unknown,
		`{ ...Missing }`:                                         record.Unknown,
		`{ secret }`:                                             record.Unknown,
		`subscription { viewer }`:                                record.Unknown,
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: document})
		if err != nil {
			t.Fatal(err)
		}
		if got := record.Routes(schema, doc)[doc.Operations[0].Name]; got != want {
			t.Errorf("%s is %q, want %q", document, got, want)
		}
	}
}

// An operation is told of once, with its first error; one that nobody wants to know of
// costs nothing and is told of never.
func TestOperationsAreToldOfOnce(t *testing.T) {
	var told []record.Operation
	wanted := true
	r := &record.Recorder{Wanted: func(context.Context) bool { return wanted }, Done: func(_ context.Context, op record.Operation) { told = append(told, op) }}
	track := r.Begin(t.Context())
	track.Errors(gqlerror.List{{Message: "x", Extensions: map[string]any{"code": "INVALID"}}})
	track.Errors(gqlerror.List{{Message: "y", Extensions: map[string]any{"code": "INTERNAL"}}})
	track.Answered(400)
	track.Streams()
	track.End()
	track.End()
	if len(told) != 1 || told[0].Code != "INVALID" || told[0].Status != 400 || !told[0].Streamed || told[0].Route != record.Unknown {
		t.Errorf("told of %+v", told)
	}
	wanted = false
	for _, nobody := range []*record.Recorder{r, nil} {
		track := nobody.Begin(t.Context())
		track.Errors(gqlerror.List{{Message: "x"}})
		track.End()
		if track != nil || len(told) != 1 {
			t.Error("somebody was told")
		}
	}
}
