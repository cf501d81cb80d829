package demo

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// maxBody is the largest request in bytes.
const maxBody = 16 << 20

// errorPage is what a proxy in front of an engine would say.
const errorPage = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "not_found_error", "", "the demo engine has no "+r.Method+" at this path")
	})
	return mux
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, openai.ModelList{Object: "list", Data: []openai.ModelInfo{{
		ID: Model, Object: "model", Created: s.cfg.Clock.Now().Unix(), OwnedBy: "kimi-k2", ContextLength: contextTokens,
	}}})
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "invalid_request_error", "", "the request is too large")
		return
	}
	var req openai.Request
	prompt := 0
	err = json.Unmarshal(body, &req)
	if err == nil {
		prompt = promptTokens(req.Messages)
	}
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "", "the request is not valid JSON for a chat")
	case req.Model != Model:
		refuse(w, http.StatusNotFound, "invalid_request_error", "model_not_found", "the demo engine has only the model \"demo\"")
	case len(req.Messages) == 0:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "", "messages must not be empty")
	case prompt > contextTokens:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "context_length_exceeded",
			fmt.Sprintf("the maximum context length is %d tokens, but the messages have %d", contextTokens, prompt))
	default:
		s.play(w, r, req, prompt)
	}
}

// plan decides what the reply will be.
func (s *Server) plan(req openai.Request) plan {
	messages, have := req.Messages, ""
	if last := messages[len(messages)-1]; last.Role == "assistant" && (last.Partial || req.ContinueFinalMessage) {
		messages, have = messages[:len(messages)-1], last.Content
	}
	var lines []string
	if s.cfg.AllowFaults {
		messages, lines = obey(messages)
	}
	p := plan{steps: s.reply(req, messages)}
	for _, line := range lines {
		p.directive(line)
	}
	p.steps = after(p.steps, have)
	return p
}

// reply is what the demo says: a call where a tool is to be called, else an answer in the
// form that was asked for.
func (s *Server) reply(req openai.Request, messages []openai.Message) []step {
	if call, ok := callFor(req); ok {
		return []step{{call: &call}}
	}
	if text, ok := toolAnswer(messages); ok {
		return say("", formed(req.ResponseFormat, text))
	}
	reasoning, text := s.texts.answer(messages)
	return say(reasoning, formed(req.ResponseFormat, text))
}

// obey takes the /demo lines out of the last question.
func obey(messages []openai.Message) ([]openai.Message, []string) {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role != "user" {
			continue
		}
		out := append([]openai.Message(nil), messages...)
		var lines []string
		lines, out[i].Content = directives(messages[i].Content)
		return out, lines
	}
	return messages, nil
}

// play carries the plan out.
func (s *Server) play(w http.ResponseWriter, r *http.Request, req openai.Request, prompt int) {
	p := s.plan(req)
	if p.status != 0 {
		refusePlanned(w, p)
		return
	}
	perf := &performance{
		w: w, flush: http.NewResponseController(w), gone: r.Context().Done(), stream: req.Stream,
		head:  openai.Chunk{ID: replyID(req), Object: "chat.completion.chunk", Created: s.cfg.Clock.Now().Unix(), Model: Model},
		limit: req.OutputLimit(),
	}
	if p.pace == 0 && s.cfg.TokensPerSecond > 0 {
		p.pace = time.Second / time.Duration(s.cfg.TokensPerSecond)
	}
	if p.pace > 0 && req.Stream {
		ticker := time.NewTicker(p.pace)
		defer ticker.Stop()
		perf.ticks = ticker.C
	}
	if req.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(http.StatusOK)
	}
	for _, step := range p.steps {
		if !perf.do(step) {
			return
		}
	}
	usage := &openai.Usage{PromptTokens: int64(prompt), CompletionTokens: int64(perf.tokens), TotalTokens: int64(prompt + perf.tokens)}
	perf.finish(usage, req.StreamOptions != nil && req.StreamOptions.IncludeUsage)
}

// performance is a reply under way.
type performance struct {
	w       http.ResponseWriter
	flush   *http.ResponseController
	gone    <-chan struct{} // closed when nobody listens any more
	stream  bool
	head    openai.Chunk
	limit   int              // tokens, 0 for none
	ticks   <-chan time.Time // one for each token, nil for no pace
	tokens  int
	cut     bool // the limit was reached
	text    strings.Builder
	thought strings.Builder
	calls   []openai.ToolCall
}

// do carries one step out; false ends the reply.
func (p *performance) do(s step) bool {
	switch {
	case s.cut:
		panic(http.ErrAbortHandler)
	case s.stall:
		<-p.gone
		return false
	case s.fail:
		p.write("data: {\"error\":{\"message\":\"the demo was asked to fail\",\"type\":\"server_error\",\"code\":500}}\n\n")
		return false
	case s.pause > 0:
		return p.wait(s.pause)
	case s.raw != "":
		return p.write(s.raw)
	case p.cut || p.limit > 0 && p.tokens == p.limit:
		p.cut = true
		return true
	}
	if !p.keepPace() {
		return false
	}
	p.tokens++
	if s.call != nil {
		p.calls = append(p.calls, *s.call)
		return p.chunk([]openai.ChunkChoice{{Delta: openai.Delta{ToolCalls: p.calls}}}, nil)
	}
	p.text.WriteString(s.text)
	p.thought.WriteString(s.reasoning)
	return p.chunk([]openai.ChunkChoice{{Delta: openai.Delta{Content: s.text, ReasoningContent: s.reasoning}}}, nil)
}

// finish ends the reply as whole.
func (p *performance) finish(usage *openai.Usage, wanted bool) {
	reason := "stop"
	if p.cut {
		reason = "length"
	} else if len(p.calls) > 0 {
		reason = "tool_calls"
	}
	if !p.stream {
		reply(p.w, http.StatusOK, openai.Completion{
			ID: p.head.ID, Object: "chat.completion", Created: p.head.Created, Model: Model, Usage: usage,
			Choices: []openai.CompletionChoice{{FinishReason: reason, Message: openai.Message{
				Role: "assistant", Content: p.text.String(), ReasoningContent: p.thought.String(), ToolCalls: p.calls,
			}}},
		})
		return
	}
	ok := p.chunk([]openai.ChunkChoice{{FinishReason: &reason}}, nil)
	if ok && wanted {
		ok = p.chunk([]openai.ChunkChoice{}, usage)
	}
	if ok {
		p.write("data: [DONE]\n\n")
	}
}

func (p *performance) chunk(choices []openai.ChunkChoice, usage *openai.Usage) bool {
	c := p.head
	c.Choices, c.Usage = choices, usage
	b, err := json.Marshal(c)
	return err == nil && p.write("data: "+string(b)+"\n\n")
}

// write sends at once; a reply that is not streamed sends nothing before its end.
func (p *performance) write(b string) bool {
	if !p.stream {
		return !p.over()
	}
	if _, err := io.WriteString(p.w, b); err != nil {
		return false
	}
	return p.flush.Flush() == nil
}

// keepPace waits until the next token is due. A ticker keeps the pace: a token that
// was written late does not make all others late.
func (p *performance) keepPace() bool {
	if p.ticks == nil {
		return !p.over()
	}
	select {
	case <-p.ticks:
		return true
	case <-p.gone:
		return false
	}
}

// over reports whether nobody listens any more.
func (p *performance) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

func (p *performance) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.gone:
		return false
	}
}

// replyID is the same for the same request, like everything the demo says.
func replyID(req openai.Request) string {
	h := fnv.New64a()
	for _, m := range req.Messages {
		_, _ = io.WriteString(h, m.Role+"\x00"+m.Content+"\x00")
	}
	return fmt.Sprintf("chatcmpl-demo-%016x", h.Sum64())
}

func refusePlanned(w http.ResponseWriter, p plan) {
	if p.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	if p.html {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(p.status)
		_, _ = io.WriteString(w, errorPage)
		return
	}
	refuse(w, p.status, "demo_error", "", "the demo was asked to refuse")
}

func refuse(w http.ResponseWriter, status int, kind, code, message string) {
	reply(w, status, openai.ErrorBody{Error: openai.Error{Message: message, Type: kind, Code: code}})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
