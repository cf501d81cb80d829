package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// said is what people and programs write, are called and are answered, and their keys,
// cookies and tickets. Each server that a test of this package starts is listened to, and its
// whole log is looked through for all of it once it has ended.
type said struct {
	mu    sync.Mutex
	words map[string]bool
}

// wordy are names of fields whose values nobody may find in a log.
var wordy = map[string]bool{"text": true, "title": true, "name": true, "email": true, "reasoning": true, "content": true, "subject": true,
	"secret": true, "ticket": true, "word": true, "confirmation": true, "reason": true}

// mostSaid bounds how many words of a server are looked for, shortest how long they are at
// least: shorter ones are found in the log's own. So are names that programs have.
const mostSaid, shortest = 500, 12

var ofPrograms = regexp.MustCompile(`^[a-z0-9_.]+$`)

func newSaid() *said { return &said{words: map[string]bool{}} }

// hear notes what stands in fields that hold words, wherever they are in a request or answer.
func (s *said) hear(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if text, ok := value.(string); ok && wordy[name] {
				s.note(text)
				continue
			}
			s.hear(value)
		}
	case []any:
		for _, one := range v {
			s.hear(one)
		}
	}
}

// hearJSON is hear of what is sent as JSON.
func (s *said) hearJSON(body string) {
	var v any
	if json.Unmarshal([]byte(body), &v) == nil {
		s.hear(v)
	}
}

func (s *said) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(text) >= shortest && len(s.words) < mostSaid && !ofPrograms.MatchString(text) {
		s.words[text] = true
	}
}

// found is what of it stands in a log, with what stands around it.
func (s *said) found(log string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for word := range s.words {
		quoted := strconv.Quote(word)
		for _, form := range []string{word, quoted[1 : len(quoted)-1]} {
			if at := strings.Index(log, form); at >= 0 {
				out = append(out, fmt.Sprintf("%q in …%s…", word, log[max(0, at-200):min(len(log), at+len(form)+80)]))
				break
			}
		}
	}
	return out
}

// P20, P69, P80, T30: a word that somebody wrote, a name, an address, a key or a cookie in a
// line of a server's log fails whichever test it happens in.
func TestWordsInALogAreFound(t *testing.T) {
	p := start(t)
	ada := p.signIn("ada-of-the-log")
	ada.finished("a message that\nno line may hold")
	program := ada.program(map[string]any{"name": "the key of the log"})
	program.ask(`{ models { id } }`, nil)
	resp := program.call(t.Context(), "/v1/chat/completions", asking("asked by a program", ""))
	program.answer(resp)
	for _, word := range []string{"a message that\nno line may hold", `{"msg":"a message that\nno line may hold"}`, "the key of the log", program.secret, ada.cookies()["sid"], "asked by a program", "You said: asked by a program."} {
		if found := p.said.found(word); len(found) == 0 {
			t.Errorf("%q in a log is not found", word)
		}
	}
	if found := p.said.found(`{"msg":"request","route":"/graphql","request_id":"req_1"}`); len(found) != 0 {
		t.Error(found)
	}
	if !strings.Contains(p.logs.String(), "/v1/chat/completions") {
		t.Error("the log is not that of the server")
	}
}
