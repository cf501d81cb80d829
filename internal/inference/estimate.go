package inference

import "unicode/utf8"

// Weights of a character in twelfths of a token, after the rule of thumb of
// Moonshot's API documentation (a token is about 1.5 to 2 Chinese characters or 3 to
// 4 English ones), taken at the cautious end; K2's tokenizer groups digits by up to
// three. Other scripts and symbols are reckoned at two characters a token.
const (
	tokenUnit   = 12
	weightASCII = 3
	weightDigit = 4
	weightCJK   = 8
	weightOther = 6
)

// EstimateTokens guesses how many tokens s takes, for models whose vocabulary is in no
// library. It is 0 only for "". Prose of ordinary length is met within about a quarter.
func EstimateTokens(s string) int { return int(tokensOf(int64(unitsOf(s)))) }

// tokensOf rounds a weight up to whole tokens.
func tokensOf(units int64) int64 { return (units + tokenUnit - 1) / tokenUnit }

// unitsOf is the weight of s.
func unitsOf(s string) (sum int) {
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			sum += weightDigit
		case r < utf8.RuneSelf:
			sum += weightASCII
		case isCJK(r):
			sum += weightCJK
		default:
			sum += weightOther
		}
	}
	return sum
}

// isCJK covers Chinese, Japanese and Korean letters and their full-width signs.
func isCJK(r rune) bool {
	return r >= 0x3000 && r <= 0x30ff || // punctuation, kana
		r >= 0x3400 && r <= 0x9fff || // Han
		r >= 0xac00 && r <= 0xd7af || // Hangul
		r >= 0xf900 && r <= 0xfaff || // Han, compatibility
		r >= 0xff00 && r <= 0xffef || // full-width
		r >= 0x20000 && r <= 0x3ffff // Han, extensions
}
