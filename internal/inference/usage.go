package inference

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxTokens is more than any request can hold; figures above it are nonsense.
const maxTokens = 1_000_000_000

const (
	// absurdTimes is how many times our own count an engine's may be: our estimate, and
	// vocabularies, aren't off by more.
	absurdTimes = 10
	// absurdBeyond is by how much it may be more besides: chat templates and engines' own
	// system prompts add tokens that we don't see, and to a short message many times its own.
	absurdBeyond = 300
)

// Absurd reports whether usage can't be that of a prompt and an output of so many tokens
// by our own count. What can't be is never charged.
func (u Usage) Absurd(prompt, output int64) bool {
	return beyond(u.PromptTokens, prompt) || beyond(u.OutputTokens, output)
}

func beyond(told, own int64) bool { return told > max(absurdTimes*own, own+absurdBeyond) }

// count is a number of tokens as engines write it: whole, as a float, as a string.
type count int64

// UnmarshalJSON reads any spelling of a number; what is none counts as -1.
func (c *count) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > maxTokens {
		f = -1
	}
	*c = count(f)
	return nil
}

// parseUsage reads the usage of OpenAI, Moonshot (cached_tokens beside the others)
// and DeepSeek's kind (prompt_cache_hit_tokens). What cannot be true never becomes
// money: negative or absurd figures, and more cached tokens than there were tokens at
// all, are told apart as absurd, with -1 for what is no number of tokens.
func parseUsage(raw []byte) (usage, absurd *Usage) {
	var u struct {
		Prompt     count `json:"prompt_tokens"`
		Completion count `json:"completion_tokens"`
		Cached     count `json:"cached_tokens"`
		CacheHit   count `json:"prompt_cache_hit_tokens"`
		Reasoning  count `json:"reasoning_tokens"`
		Details    struct {
			Cached count `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		OutputDetails struct {
			Reasoning count `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &u) != nil {
		return nil, nil
	}
	cached := max(u.Cached, u.CacheHit, u.Details.Cached)
	reasoning := max(u.Reasoning, u.OutputDetails.Reasoning)
	lowest := min(u.Prompt, u.Completion, u.Cached, u.CacheHit, u.Details.Cached, u.Reasoning, u.OutputDetails.Reasoning)
	told := &Usage{
		PromptTokens:    int64(u.Prompt),
		CachedTokens:    int64(cached),
		OutputTokens:    int64(u.Completion),
		ReasoningTokens: int64(min(reasoning, u.Completion)),
	}
	switch {
	case lowest < 0 || cached > u.Prompt:
		return nil, told
	case u.Prompt+u.Completion == 0:
		return nil, nil
	}
	return told, nil
}
