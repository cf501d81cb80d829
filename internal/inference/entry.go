package inference

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

// entry is a model as a catalogue file writes it.
type entry struct {
	ID              string   `json:"id"`
	Name            string   `json:"name"`
	Description     string   `json:"description"`
	EngineID        string   `json:"engineId"`
	Family          string   `json:"family"`
	Tokenizer       string   `json:"tokenizer"`
	Aliases         []string `json:"aliases"`
	Successor       string   `json:"successor"`
	ContextTokens   int      `json:"contextTokens"`
	MaxOutputTokens int      `json:"maxOutputTokens"`
	Price           Price    `json:"price"`
	Sampling        Sampling `json:"sampling"`
	Continuation    string   `json:"continuation"`
	OutputLimit     string   `json:"outputLimit"`
	Reasoning       bool     `json:"reasoning"`
	MoE             bool     `json:"moe"`
	Retired         bool     `json:"retired"`
	Default         bool     `json:"default"`
}

// check refuses impossible values of one entry.
func (e entry) check() error {
	switch {
	case !isName(e.ID):
		return errors.New("id must be 1 to 200 printable characters without spaces")
	case e.ContextTokens <= 0:
		return errors.New("contextTokens must be a positive number of tokens")
	case e.MaxOutputTokens <= 0 || e.MaxOutputTokens > e.ContextTokens:
		return errors.New("maxOutputTokens must be positive and at most contextTokens")
	case e.Continuation != "" && e.Continuation != continueNone && e.Continuation != ContinuePartial && e.Continuation != ContinueFinalMessage:
		return fmt.Errorf("continuation %q must be none, partial or continue_final_message", e.Continuation)
	case e.OutputLimit != "" && e.OutputLimit != LimitMaxTokens && e.OutputLimit != LimitMaxCompletionTokens:
		return fmt.Errorf("outputLimit %q must be max_tokens or max_completion_tokens", e.OutputLimit)
	case e.Tokenizer != "" && e.Tokenizer != tokenizerNone && !vocabulary.Known(e.Tokenizer):
		return fmt.Errorf("tokenizer %q must be none, o200k_base or cl100k_base; without one, a model of no family of those is counted with the estimate", e.Tokenizer)
	case e.Default && e.Retired:
		return errors.New("a retired model cannot be the default")
	}
	for _, name := range e.Aliases {
		if !isName(name) {
			return fmt.Errorf("alias %q must be 1 to 200 printable characters without spaces", name)
		}
	}
	return errors.Join(e.Price.check(), e.Sampling.check())
}

func (p Price) check() error {
	for _, v := range []struct {
		field string
		value int64
	}{{"input", p.Input}, {"cachedInput", p.CachedInput}, {"output", p.Output}} {
		if v.value < 0 || v.value > maxPrice {
			return fmt.Errorf("price.%s is %d micro-credits per million tokens; it must be between 0 and %d", v.field, v.value, int64(maxPrice))
		}
	}
	return nil
}

func (s Sampling) check() error {
	switch {
	case s.Fixed && (s.Temperature != nil || s.TopP != nil):
		return errors.New("sampling.fixed means that none is sent, so it takes no temperature and no topP")
	case s.Temperature != nil && (*s.Temperature < 0 || *s.Temperature > 2):
		return fmt.Errorf("sampling.temperature is %v; it must be between 0 and 2", *s.Temperature)
	case s.TopP != nil && (*s.TopP <= 0 || *s.TopP > 1):
		return fmt.Errorf("sampling.topP is %v; it must be above 0 and at most 1", *s.TopP)
	}
	return nil
}

func (e entry) model() Model {
	if e.Name == "" {
		e.Name = e.ID
	}
	return Model{
		ID: e.ID, Name: e.Name, Description: e.Description, EngineID: e.EngineID, Family: e.Family, Tokenizer: e.Tokenizer,
		Aliases: e.Aliases, Successor: e.Successor, ContextTokens: e.ContextTokens, MaxOutputTokens: e.MaxOutputTokens,
		Price: e.Price, Sampling: e.Sampling, Continuation: e.Continuation, OutputLimit: e.OutputLimit,
		Reasoning: e.Reasoning, MoE: e.MoE, Retired: e.Retired, Default: e.Default,
	}
}

func isName(s string) bool {
	return s != "" && len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) < 0
}
