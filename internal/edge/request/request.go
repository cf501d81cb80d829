// Package request reads a GraphQL request from the JSON that clients send, the
// same way for every transport. Its refusals never repeat what was sent.
package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// MaxValues is how many JSON values (a bound on commas, brackets and braces) a
// request may hold. Two million bytes of `[[],[],…]` would cost a tenth of a
// second to decode; text of any length is one value.
const MaxValues = 20_000

// DocumentID is the key in RawParams.Extensions under which the documentId of a
// request is found.
const DocumentID = "documentId"

// Acknowledge is the extension by which a subscription over a websocket asks to be told
// when it has begun: see Acknowledged.
const Acknowledge = "acknowledge"

// maxAcknowledge bounds that extension in bytes: it is repeated.
const maxAcknowledge = 64

type wire struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
	DocumentID    string         `json:"documentId"`
}

// Parse reads one request object. Numbers in variables stay json.Number. The
// error is always a *fault.Fault with code INVALID: for text that is not UTF-8,
// JSON that is malformed, too complex or of the wrong shape, arrays of requests,
// and requests that name no document.
func Parse(body []byte) (*graphql.RawParams, error) {
	if !utf8.Valid(body) {
		return nil, fault.New(fault.Invalid, "the request is not valid UTF-8")
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '[' {
		return nil, fault.New(fault.Invalid, "batches are not offered: send one request object at a time")
	}
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, fault.New(fault.Invalid, "the request must be a JSON object with a query")
	}
	if tooComplex(trimmed) {
		return nil, fault.New(fault.Invalid, "the request holds more than %d JSON values", MaxValues)
	}
	w, err := decode(trimmed)
	if err != nil {
		return nil, err
	}
	if w.DocumentID != "" {
		if w.Extensions == nil {
			w.Extensions = map[string]any{}
		}
		w.Extensions[DocumentID] = w.DocumentID
	}
	if w.Query == "" && w.DocumentID == "" && w.Extensions["persistedQuery"] == nil {
		return nil, fault.On("query", fault.Invalid, "the request has no query")
	}
	return &graphql.RawParams{Query: w.Query, OperationName: w.OperationName, Variables: w.Variables, Extensions: w.Extensions}, nil
}

// Acknowledged is what a subscription wants to be named by when it is told that it has
// begun: what happens from then on is sent, so that whoever reads the state after that misses nothing. Empty:
// it doesn't want to be told. The error is a *fault.Fault with code INVALID.
func Acknowledged(p *graphql.RawParams) (string, error) {
	wanted, there := p.Extensions[Acknowledge]
	if !there {
		return "", nil
	}
	name, ok := wanted.(string)
	if !ok || len(name) > maxAcknowledge {
		return "", fault.New(fault.Invalid, "extensions.%s must be a string of at most %d bytes", Acknowledge, maxAcknowledge)
	}
	return name, nil
}

// Object reads a JSON object as a query parameter carries it; empty is nil. The
// error is a *fault.Fault with code INVALID.
func Object(name, text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if !utf8.ValidString(text) || tooComplex([]byte(text)) || d.Decode(&m) != nil || !atEnd(d, []byte(text)) {
		return nil, fault.On(name, fault.Invalid, "%s must be a JSON object", name)
	}
	return m, nil
}

func decode(body []byte) (wire, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(&w)
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		return w, wrongType(mistyped.Field)
	case err != nil:
		return w, fault.New(fault.Invalid, "the request is not valid JSON")
	case !atEnd(d, body):
		return w, fault.New(fault.Invalid, "the request has text after its JSON object")
	}
	return w, nil
}

func wrongType(field string) error {
	switch field {
	case "query", "operationName", "documentId":
		return fault.On(field, fault.Invalid, "%s must be a string", field)
	case "variables", "extensions":
		return fault.On(field, fault.Invalid, "%s must be a JSON object", field)
	}
	return fault.New(fault.Invalid, "the request must be a JSON object with a query")
}

func atEnd(d *json.Decoder, body []byte) bool {
	return len(bytes.TrimLeft(body[d.InputOffset():], " \t\r\n")) == 0
}

// tooComplex counts values by their separators outside strings, without decoding.
func tooComplex(b []byte) bool {
	values := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = endOfString(b, i+1)
		case ',', '[', '{':
			if values++; values > MaxValues {
				return true
			}
		}
	}
	return false
}

// endOfString is the index of the quote that closes the string starting at i.
func endOfString(b []byte, i int) int {
	for i < len(b) {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return len(b)
		}
		i += j
		if !escaped(b, i) {
			return i
		}
		i++
	}
	return len(b)
}

// escaped reports whether an odd number of backslashes stands before b[i].
func escaped(b []byte, i int) bool {
	n := 0
	for i--; i >= 0 && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}
