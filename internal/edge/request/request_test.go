package request_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/request"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

func TestParse(t *testing.T) {
	p, err := request.Parse([]byte(" \n{\"query\":\"{a}\",\"operationName\":null,\"variables\":{\"n\":12345678901234567890},\"extensions\":null,\"more\":1} \n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Query != "{a}" || p.OperationName != "" || p.Extensions != nil || p.Variables["n"] != json.Number("12345678901234567890") {
		t.Errorf("%+v", p)
	}
	p, err = request.Parse([]byte(`{"documentId":"sha256:ab"}`))
	if err != nil || p.Extensions[request.DocumentID] != "sha256:ab" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for body, part := range map[string]string{
		"":                                  "JSON object",
		"canary":                            "JSON object",
		"[{\"query\":\"{a}\"}]":             "batches",
		"{\"query\":\"\xff\"}":              "UTF-8",
		"{\"query\":\"canary":               "not valid JSON",
		`{"query":"{a}"}}`:                  "text after",
		`{"query":"{a}"} {}`:                "text after",
		`{"query":1}`:                       "query must be a string",
		`{"query":"{a}","variables":1}`:     "variables must be a JSON object",
		`{"query":"{a}","extensions":[]}`:   "extensions must be a JSON object",
		`{"query":"{a}","operationName":0}`: "operationName must be a string",
		`{"documentId":1}`:                  "documentId must be a string",
		`{}`:                                "no query",
		`{"extensions":{}}`:                 "no query",
		`{"query":"{a}","variables":{"a":` + strings.Repeat("[],", request.MaxValues+1): "more than",
		`{"query":"{a}","variables":{"a":` + strings.Repeat("[", 12_000):                "not valid JSON",
	} {
		_, err := request.Parse([]byte(body))
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}

func TestCommasInTextAreNoValues(t *testing.T) {
	text := strings.Repeat(`,[{\"\\`, 2*request.MaxValues)
	if _, err := request.Parse([]byte(`{"query":"{a}","variables":{"text":"` + text + `"}}`)); err != nil {
		t.Error(err)
	}
}

func TestObject(t *testing.T) {
	if m, err := request.Object("variables", ""); m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := request.Object("variables", `{"a":1}`); m["a"] != json.Number("1") || err != nil {
		t.Errorf("%v, %v", m, err)
	}
	for _, s := range []string{"canary", "[]", `{"a":1}}`, "{\"a\":\"\xff\"}"} {
		if _, err := request.Object("variables", s); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// The worst that fits a body costs little (R-GQL): not many times what Go's own parser
// takes to look over as much plain text, the fastest of three times each.
func TestLargeBodiesAreCheap(t *testing.T) {
	plain := []byte(`{"query":"{a}","variables":{"a":"` + strings.Repeat("plain text", 200_000) + `"}}`)
	floor := fastest(func() {
		if !json.Valid(plain) {
			t.Fatal("not valid")
		}
	})
	for name, body := range map[string]string{
		"empty lists": `{"query":"{a}","variables":{"a":[` + strings.Repeat("[],", 700_000) + `1]}}`,
		"backslashes": `{"query":"{a}","variables":{"a":"` + strings.Repeat(`\\`, 1_000_000) + `"}}`,
		"quotes":      `{"query":"{a}","variables":{"a":"` + strings.Repeat(`\"`, 1_000_000) + `"}}`,
		"open lists":  `{"query":"{a}","variables":{"a":` + strings.Repeat("[", 2_000_000),
	} {
		if d := fastest(func() { _, _ = request.Parse([]byte(body)) }); d > 20*floor {
			t.Errorf("%s: %v, the floor is %v", name, d, floor)
		}
	}
}

func fastest(work func()) (best time.Duration) {
	for range 3 {
		start := time.Now()
		work()
		if d := time.Since(start); best == 0 || d < best {
			best = d
		}
	}
	return best
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"query":"{a}","variables":{"n":1}}`))
	f.Add([]byte(`{"documentId":"\ud800"}`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := request.Parse(body)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("untyped: %v", err)
		}
		if err == nil && !json.Valid(body) {
			t.Fatal("accepted what is not JSON")
		}
	})
}
