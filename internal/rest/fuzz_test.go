package rest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/rest"
)

// hostile are bodies that have broken readers of JSON elsewhere.
var hostile = []string{
	goodChat, goodMessage, ``, `null`, `{}`, `[]`, `"`, `{"model":`, `{"model":"a","model":"b"}`, `{"messages":[{},{}]}`, `{"messages":[[[[[[]]]]]]}`,
	`{"model":"kimi-k2","messages":[{"role":"user","content":"\ud800"}],"temperature":1e-999}`, "\xef\xbb\xbf{}", `{"a":"\\","model":"\""}`, ` { "model" : "x" , "stop" : [ ] } `,
	`{"tools":[{"type":"function","function":{"name":"f","parameters":{"$ref":"#"}}}]}`, `{"model":"x","n":-0,"seed":9223372036854775808,"max_tokens":1e400}`,
	`{"messages":[{"role":"assistant","tool_calls":[{"id":"","function":null}]}]}`, strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65),
}

// Whatever comes is taken or refused in few words; what is taken is JSON.
func fuzz(f *testing.F, read func([]byte) error) {
	for _, s := range hostile {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := read(body)
		switch {
		case err != nil && (err.Error() == "" || len(err.Error()) > 4096 || !utf8.ValidString(err.Error())):
			t.Errorf("%q is refused with %q", body, err)
		case err == nil && (!json.Valid(body) || rest.TooDeep(body)):
			t.Errorf("%q is taken", body)
		}
	})
}

func FuzzChatRequests(f *testing.F)     { fuzz(f, rest.ReadChat) }
func FuzzMessagesRequests(f *testing.F) { fuzz(f, rest.ReadMessages) }

// Every text comes out as it went in.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n\x00\x1f", "你", "<&>\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var got string
		if err := json.Unmarshal([]byte(rest.Encode(s)), &got); err != nil || got != s {
			t.Errorf("%q became %q: %v", s, got, err)
		}
	})
}
