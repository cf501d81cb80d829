package rest

import (
	"net/http"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// modelInfo is a model for the clients of both dialects. When it was made is not known.
type modelInfo struct {
	ID              string `json:"id"`
	Object          string `json:"object"`
	Created         int64  `json:"created"`
	OwnedBy         string `json:"owned_by"`
	Type            string `json:"type"`
	DisplayName     string `json:"display_name"`
	CreatedAt       string `json:"created_at"`
	ContextLength   int    `json:"context_length,omitempty"`
	MaxOutputTokens int    `json:"max_output_tokens,omitempty"`
}

type modelList struct {
	Object  string      `json:"object"`
	Data    []modelInfo `json:"data"`
	HasMore bool        `json:"has_more"`
	FirstID *string     `json:"first_id"`
	LastID  *string     `json:"last_id"`
}

func infoOf(m inference.Model) modelInfo {
	return modelInfo{ID: m.ID, Object: "model", OwnedBy: "kimi-k2", Type: "model", DisplayName: m.Name, CreatedAt: time.Unix(0, 0).UTC().Format(time.RFC3339),
		ContextLength: m.ContextTokens, MaxOutputTokens: m.MaxOutputTokens}
}

// listModels lists what can be asked now.
func (a *API) listModels(w http.ResponseWriter, r *http.Request) {
	c := a.call(w, r, routeModels)
	defer c.over()
	if !c.admitted(models.ScopeModelsRead) {
		return
	}
	list := modelList{Object: "list", Data: []modelInfo{}}
	for _, m := range a.Models.Models() {
		if m.Available {
			list.Data = append(list.Data, infoOf(m))
		}
	}
	if n := len(list.Data); n > 0 {
		list.FirstID, list.LastID = &list.Data[0].ID, &list.Data[n-1].ID
	}
	writeJSON(w, http.StatusOK, list)
}

// showModel shows one model, also by its aliases.
func (a *API) showModel(w http.ResponseWriter, r *http.Request) {
	c := a.call(w, r, routeModel)
	defer c.over()
	if !c.admitted(models.ScopeModelsRead) {
		return
	}
	id := r.PathValue("id")
	if id == "" {
		c.refuse(fault.New(fault.ModelUnavailable, "name a model: see /v1/models"))
		return
	}
	m, err := a.Models.Resolve(id)
	if err != nil {
		c.refuse(err)
		return
	}
	c.entry.ModelID = m.ID
	writeJSON(w, http.StatusOK, infoOf(m))
}

// countTokens says what a prompt would come to, by our own count.
func (a *API) countTokens(w http.ResponseWriter, r *http.Request) {
	c := a.call(w, r, routeCount)
	defer c.over()
	if !c.admitted(models.ScopeChatWrite) {
		return
	}
	question, err := c.countable()
	if err != nil {
		c.refuse(err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"input_tokens": inference.CountPrompt(question.prompt)})
}

func (c *call) countable() (asked, error) {
	body, err := c.body()
	if err != nil {
		return asked{}, err
	}
	question, err := readCount(body)
	if err != nil {
		return asked{}, err
	}
	m, err := c.model(question)
	c.entry.ModelID, question.prompt.Model = m.ID, m
	return question, err
}

// admitted checks limits and scope of what needs no engine, sets the headers, and answers
// if it may not be.
func (c *call) admitted(scope models.Scope) bool {
	if !c.counted() {
		return false
	}
	if err := allowed(c.viewer, scope); err != nil {
		c.refuse(err)
		return false
	}
	c.headers()
	c.deadline()
	return true
}
