package inference

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

// Intervals of Watch, and the patience of one Refresh.
const (
	refreshEvery   = 60 * time.Second
	refreshRetry   = 5 * time.Second // until the engine has answered once
	refreshTimeout = 10 * time.Second
)

// maxListBody and maxListed bound what an engine's list of models may cost.
const (
	maxListBody = 4 << 20
	maxListed   = 200
)

// notChat are parts of names of models that cannot chat; routers list them too.
var notChat = []string{"embed", "whisper", "tts-", "dall-e", "rerank", "moderation", "stable-diffusion", "bge-"}

// listedModel is one model as engines report it.
type listedModel struct {
	ID            string `json:"id"`
	OwnedBy       string `json:"owned_by"`
	MaxModelLen   int    `json:"max_model_len"`
	ContextLength int    `json:"context_length"`
}

// context is the model's context in tokens as the engine gave it, 0 when it did not.
func (l listedModel) context() int { return max(l.MaxModelLen, l.ContextLength) }

// Watch refreshes the list of models until ctx ends: every 60 s, and every 5 s until
// the engine has answered once. What goes wrong is logged once until it changes.
func (e *Engine) Watch(ctx context.Context) {
	said := ""
	for {
		err := e.Refresh(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			e.log.WarnContext(ctx, "inference engine does not list its models", "host", e.base.Host, "error", err)
		}
		said = fmt.Sprint(err)
		wait := time.NewTimer(e.refreshIn())
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

func (e *Engine) refreshIn() time.Duration {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.listed {
		return refreshEvery
	}
	return refreshRetry
}

// Refresh asks the engine which models it serves and matches them with the catalogue.
// An engine without such a list (404) is taken to serve the catalogue. On errors the
// last list stays; they are faults that say what to do.
func (e *Engine) Refresh(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	listed, t := e.fetchModels(limited)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t != nil {
		e.listing = t.fault.Message
		return fmt.Errorf("list the engine's models: %w (%w)", t.fault, t.cause)
	}
	e.listing, e.listed = "", true
	if listed == nil {
		e.models = e.assumed()
	} else {
		e.recognise(listed)
		e.models = e.matched(listed)
	}
	for _, m := range e.models {
		if m.Available && m.Tokenizer != "" {
			vocabulary.Get(m.Tokenizer) // so that it is there when somebody asks
		}
	}
	return nil
}

// fetchModels is nil without trouble when the engine has no list.
func (e *Engine) fetchModels(ctx context.Context) ([]listedModel, *trouble) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base.JoinPath("models").String(), nil)
	if err != nil {
		return nil, unreachable(err)
	}
	e.authorize(req)
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxListBody))
	if err != nil {
		return nil, unreachable(err)
	}
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		return nil, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, e.refused(resp.StatusCode, resp.Header, body)
	}
	var list struct {
		Data []listedModel `json:"data"`
	}
	if json.Unmarshal(body, &list) != nil || list.Data == nil && !strings.Contains(string(body), `"data"`) {
		return nil, notOurs(resp.Header.Get("Content-Type"))
	}
	return append([]listedModel{}, list.Data...), nil
}

// recognise learns from the list what kind of engine this is, if nobody said.
func (e *Engine) recognise(listed []listedModel) {
	if e.name != "" || len(listed) == 0 {
		return
	}
	switch strings.ToLower(listed[0].OwnedBy) {
	case "vllm":
		e.name = NameVLLM
	case "sglang":
		e.name = NameSGLang
	case "llamacpp":
		e.name = NameLlamaCPP
	case "library":
		e.name = NameOllama
	case "organization_owner":
		e.name = NameLMStudio
	case "moonshot":
		e.name = NameMoonshot
	}
}

// matched is the list for the person: what the engine serves in catalogue order, what
// the catalogue lacks, then the rest of the catalogue as unavailable.
func (e *Engine) matched(listed []listedModel) []Model {
	found := map[string]listedModel{} // by our id
	var extra []Model
	for _, l := range listed {
		if l.ID == "" || len(found)+len(extra) >= maxListed {
			continue
		}
		m, known := e.catalogue.find(l.ID)
		switch {
		case known && (m.Family == FamilyDemo) != (e.kind == KindDemo):
			continue
		case known:
			if have, twice := found[m.ID]; !twice || have.ID != m.EngineID {
				found[m.ID] = l
			}
		case canChat(l.ID):
			extra = append(extra, e.stranger(l))
		}
	}
	var available, missing []Model
	for _, m := range e.catalogue.models {
		l, served := found[m.ID]
		if served {
			available = append(available, e.served(m, l))
		} else if m.Family != FamilyDemo {
			missing = append(missing, e.suited(m))
		}
	}
	return slices.Concat(available, extra, missing)
}

// served is a model of the catalogue as this engine serves it.
func (e *Engine) served(m Model, l listedModel) Model {
	m = e.suited(m)
	m.EngineID, m.Available = l.ID, true
	if c := l.context(); c > 0 && c < m.ContextTokens {
		m.ContextTokens = c
		m.MaxOutputTokens = min(m.MaxOutputTokens, max(c/2, 1))
	}
	return m
}

// stranger is a model that the catalogue lacks: it goes by the engine's name for it.
func (e *Engine) stranger(l listedModel) Model {
	m := e.catalogue.unknown
	m.ID, m.Name, m.EngineID, m.Available = l.ID, l.ID, l.ID, true
	m = e.suited(m)
	if c := l.context(); c > 0 {
		m.ContextTokens = c
		m.MaxOutputTokens = min(m.MaxOutputTokens, max(c/2, 1))
	}
	return m
}

// suited fits what a model leaves open to the kind of engine.
func (e *Engine) suited(m Model) Model {
	switch {
	case m.Continuation == continueNone:
		m.Continuation = ""
	case m.Continuation != "":
	case e.name == NameMoonshot || e.kind == KindDemo:
		m.Continuation = ContinuePartial
	case e.name == NameVLLM || e.name == NameSGLang:
		m.Continuation = ContinueFinalMessage
	}
	if m.OutputLimit == "" || e.kind == KindLocal || e.kind == KindDemo {
		m.OutputLimit = LimitMaxTokens
	}
	switch m.Tokenizer {
	case tokenizerNone:
		m.Tokenizer = ""
	case "":
		m.Tokenizer = tokenizerOf(cmp.Or(m.Family, m.ID))
	}
	if m.EngineID == "" {
		m.EngineID = m.ID
	}
	m.Aliases = slices.Clone(m.Aliases)
	return m
}

// assumed is the list of an engine that does not tell: all that is not retired.
func (e *Engine) assumed() []Model {
	var available, retired []Model
	for _, m := range e.catalogue.models {
		m = e.suited(m)
		switch {
		case (m.Family == FamilyDemo) != (e.kind == KindDemo):
		case m.Retired:
			retired = append(retired, m)
		default:
			m.Available = true
			available = append(available, m)
		}
	}
	return append(available, retired...)
}

// unlisted is the list before the engine has answered: nothing is available yet.
func (e *Engine) unlisted() []Model {
	models := e.assumed()
	for i := range models {
		models[i].Available = false
	}
	return models
}

func canChat(id string) bool {
	id = strings.ToLower(id)
	return !slices.ContainsFunc(notChat, func(part string) bool { return strings.Contains(id, part) })
}
