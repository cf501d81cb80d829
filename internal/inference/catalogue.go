package inference

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed catalogue.json
var defaultCatalogue []byte

//go:embed demo_model.json
var demoModel []byte

// continueNone, in a catalogue file, forbids to continue replies; leaving the field
// out lets the engine's kind decide.
const continueNone = "none"

// maxPrice is $1,000 per million tokens: enough for any model, and small enough that
// price times tokens cannot overflow.
const maxPrice = 100_000_000_000

// Catalogue is what is known about models apart from any engine: an ordered list, the
// preferred first. It never changes after loading.
type Catalogue struct {
	models []Model
	byName map[string]int // lower-case ids, engine ids and aliases
	// unknown describes models that the engine reports and the catalogue lacks.
	unknown Model
}

// LoadCatalogue reads the catalogue file at path, or the built-in one when path is
// "". It is strict: unknown fields, impossible numbers, double names and successors
// that don't exist are refused, each error naming the entry and the field. The demo
// model is always part of it. Prices are micro-credits per million tokens.
func LoadCatalogue(path string) (*Catalogue, error) {
	if path == "" {
		return parseCatalogue(defaultCatalogue)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the model catalogue: %w", err)
	}
	c, err := parseCatalogue(b)
	if err != nil {
		return nil, fmt.Errorf("model catalogue %s: %w", path, err)
	}
	return c, nil
}

func parseCatalogue(b []byte) (*Catalogue, error) {
	var file struct {
		Models  []json.RawMessage `json:"models"`
		Unknown json.RawMessage   `json:"unknown"`
	}
	if err := decodeStrict(b, &file); err != nil {
		return nil, err
	}
	c := &Catalogue{byName: map[string]int{}, unknown: Model{ContextTokens: 8192, MaxOutputTokens: 4096}}
	for i, raw := range file.Models {
		if err := c.add(raw, fmt.Sprintf("model %d", i+1)); err != nil {
			return nil, err
		}
	}
	if _, ok := c.find("demo"); !ok {
		if err := c.add(demoModel, "the demo model"); err != nil {
			return nil, err
		}
	}
	if err := c.setUnknown(file.Unknown); err != nil {
		return nil, err
	}
	return c, c.check()
}

// setUnknown reads the entry for models that the catalogue lacks.
func (c *Catalogue) setUnknown(raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var e entry
	if err := decodeStrict(raw, &e); err != nil {
		return fmt.Errorf(`"unknown": %w`, err)
	}
	if e.ID != "" || e.EngineID != "" || len(e.Aliases) > 0 || e.Successor != "" || e.Default || e.Retired {
		return errors.New(`"unknown": it describes every model without an entry, so it takes no id, engineId, aliases, successor, default or retired`)
	}
	e.ID = "unknown"
	if err := e.check(); err != nil {
		return fmt.Errorf(`"unknown": %w`, err)
	}
	c.unknown = e.model()
	return nil
}

// add appends one entry and takes its names.
func (c *Catalogue) add(raw []byte, place string) error {
	var e entry
	if err := decodeStrict(raw, &e); err != nil {
		return fmt.Errorf("%s%s: %w", place, quoted(idOf(raw)), err)
	}
	place += quoted(e.ID)
	if err := e.check(); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	index := len(c.models)
	for _, name := range append([]string{e.ID, e.EngineID}, e.Aliases...) {
		key := strings.ToLower(name)
		if key == "" {
			continue
		}
		if other, taken := c.byName[key]; taken && other != index {
			return fmt.Errorf("%s: the name %q already belongs to model %q", place, name, c.models[other].ID)
		}
		c.byName[key] = index
	}
	c.models = append(c.models, e.model())
	return nil
}

// check looks at what only the whole list can tell.
func (c *Catalogue) check() error {
	usable, preferred := 0, ""
	for i, m := range c.models {
		place := fmt.Sprintf("model %d%s", i+1, quoted(m.ID))
		if !m.Retired && m.Family != FamilyDemo {
			usable++
		}
		if m.Default && preferred != "" {
			return fmt.Errorf("%s: default is already taken by %q; only one model can be the default", place, preferred)
		}
		if m.Default {
			preferred = m.ID
		}
		if err := c.checkSuccessors(m); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	if usable == 0 {
		return errors.New(`"models" names no model that is not retired`)
	}
	return nil
}

// checkSuccessors follows the successors of m to their end.
func (c *Catalogue) checkSuccessors(m Model) error {
	seen := map[string]bool{m.ID: true}
	for at := m; at.Successor != ""; {
		next, ok := c.byID(at.Successor)
		if !ok {
			return fmt.Errorf("successor %q is not the id of a model in this catalogue", at.Successor)
		}
		if seen[next.ID] {
			return fmt.Errorf("the successors lead in a circle back to %q", next.ID)
		}
		seen[next.ID] = true
		at = next
	}
	return nil
}

// find looks a name up among ids, engine ids and aliases; letter case is ignored, and
// so is Ollama's ":latest".
func (c *Catalogue) find(name string) (Model, bool) {
	key := strings.ToLower(name)
	i, ok := c.byName[key]
	if !ok {
		i, ok = c.byName[strings.TrimSuffix(key, ":latest")]
	}
	if !ok {
		return Model{}, false
	}
	return c.models[i], true
}

func (c *Catalogue) byID(id string) (Model, bool) {
	m, ok := c.find(id)
	return m, ok && m.ID == id
}

// decodeStrict reads exactly one JSON value without unknown fields.
func decodeStrict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("there is something after the end of the JSON value")
		}
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is not JSON: %w", 1+bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n")), err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// idOf reads the id of an entry that is otherwise wrong.
func idOf(raw []byte) string {
	var e struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(raw, &e)
	return e.ID
}

func quoted(id string) string {
	if id == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", id)
}
