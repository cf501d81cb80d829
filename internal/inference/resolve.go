package inference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Models lists the available models first, in the catalogue's order, then those of
// the engine that the catalogue lacks, then what is not available here.
func (e *Engine) Models() []Model {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return slices.Clone(e.models)
}

// Resolve finds the model for an id, an alias or an engine's name; "" is the default
// model. A retired id leads to its nearest available successor. The fault is
// MODEL_UNAVAILABLE and names what is available, or UPSTREAM_FAILED when the engine
// has not been reached yet.
func (e *Engine) Resolve(id string) (Model, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !e.listed {
		message := e.listing
		if message == "" {
			message = "The inference engine has not been reached yet. Try again in a moment."
		}
		return Model{}, fault.New(fault.UpstreamFailed, "%s", message)
	}
	if id == "" {
		return e.preferred()
	}
	m, ok := e.named(id)
	for steps := 0; ok && !m.Available && (m.Retired || steps > 0) && m.Successor != ""; steps++ {
		m, ok = e.named(m.Successor)
	}
	if ok && m.Available {
		return m, nil
	}
	return Model{}, fault.On("modelId", fault.ModelUnavailable, "The model %q is not available here. %s", shorten(id), e.offer())
}

// preferred is the default model if it is available, else the first available one.
func (e *Engine) preferred() (Model, error) {
	for _, m := range e.models {
		if m.Default && m.Available {
			return m, nil
		}
	}
	if len(e.models) > 0 && e.models[0].Available {
		return e.models[0], nil
	}
	return Model{}, fault.New(fault.ModelUnavailable, "The inference engine serves no model. The operator must load one.")
}

func (e *Engine) named(id string) (Model, bool) {
	for _, m := range e.models {
		if m.ID == id {
			return m, true
		}
	}
	for _, m := range e.models {
		same := func(name string) bool { return strings.EqualFold(name, id) }
		if same(m.ID) || same(m.EngineID) || slices.ContainsFunc(m.Aliases, same) {
			return m, true
		}
	}
	return Model{}, false
}

// offer names what can be chosen.
func (e *Engine) offer() string {
	const most = 8
	var ids []string
	for _, m := range e.models {
		if m.Available {
			ids = append(ids, m.ID)
		}
	}
	switch {
	case len(ids) == 0:
		return "The inference engine serves no model."
	case len(ids) > most:
		return fmt.Sprintf("Available: %s and %d more.", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return "Available: " + strings.Join(ids, ", ") + "."
}

func shorten(id string) string {
	if r := []rune(id); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return id
}
