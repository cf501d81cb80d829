package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// dialect is how a family of clients speaks.
type dialect interface {
	// read takes a request's body apart; its errors are problems.
	read(body []byte) (asked, error)
	// problem is the body of a refusal.
	problem(p *problem) any
	// encoder writes the answer of one run.
	encoder(a asked, r Run) encoder
	// headers sets what the dialect's answers have besides the others.
	headers(h http.Header, requestID string, limits []Allowance)
}

// encoder writes one answer, either as a stream, whose events its methods append, or whole.
type encoder interface {
	begin(b []byte) []byte
	delta(b []byte, d inference.Delta) []byte
	end(b []byte, o completion.Outcome) []byte
	fail(b []byte, p *problem) []byte
	whole(b []byte, c *collected, o completion.Outcome) []byte
}

// collected is a whole answer.
type collected struct {
	text, reasoning strings.Builder
	calls           []inference.ToolCall
}

// maxCalls bounds how many calls a whole answer holds, whatever their indexes are.
const maxCalls = 1024

func (c *collected) add(d inference.Delta) {
	c.text.WriteString(d.Text)
	c.reasoning.WriteString(d.Reasoning)
	for _, t := range d.ToolCalls {
		if t.Index < 0 || t.Index >= maxCalls {
			continue
		}
		for len(c.calls) <= t.Index {
			c.calls = append(c.calls, inference.ToolCall{})
		}
		call := &c.calls[t.Index]
		call.ID += t.ID
		call.Name += t.Name
		call.Arguments += t.Arguments
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	sendJSON(w, status, appendJSON(nil, body))
}

func sendJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client is gone: nobody is left to tell
}

// appendJSON appends a value that can't fail to be JSON.
func appendJSON(b []byte, v any) []byte {
	out := bytes.NewBuffer(b)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return append(b, "null"...)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

const hexDigits = "0123456789abcdef"

// appendString appends valid UTF-8 as a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}

func appendInt[N int | int64](b []byte, n N) []byte { return strconv.AppendInt(b, int64(n), 10) }
