package demo

import (
	"unicode"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// pieceRunes is the most letters of a word in one token.
const pieceRunes = 6

// messageTokens is what each message costs beside its text.
const messageTokens = 4

// pieces cuts a text into the demo's tokens: a word with the space before it, long
// words in parts, two Chinese characters at a time, signs one by one.
func pieces(text string) []string {
	var out []string
	for len(text) > 0 {
		n := pieceEnd(text)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// pieceEnd is the length in bytes of the token at the beginning of text.
func pieceEnd(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	if first == ' ' && n < len(text) {
		next, size := utf8.DecodeRuneInString(text[n:])
		if next == ' ' || !isWord(next) {
			return n
		}
		first, n = next, n+size
	}
	most := pieceRunes
	switch {
	case unicode.Is(unicode.Han, first):
		most = 2
	case !isWord(first):
		return n
	}
	for count := 1; count < most && n < len(text); count++ {
		next, size := utf8.DecodeRuneInString(text[n:])
		if !isWord(next) || unicode.Is(unicode.Han, next) != unicode.Is(unicode.Han, first) {
			break
		}
		n += size
	}
	return n
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// promptTokens counts what the messages cost.
func promptTokens(messages []openai.Message) int {
	sum := 0
	for _, m := range messages {
		sum += messageTokens + countTokens(m.Content) + countTokens(m.ReasoningContent)
	}
	return sum
}

func countTokens(text string) int {
	n := 0
	for len(text) > 0 {
		text = text[pieceEnd(text):]
		n++
	}
	return n
}
