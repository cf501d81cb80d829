package inference

import (
	"testing"

	"pgregory.net/rapid"
)

// What is reasoning and what is text doesn't depend on how the stream is cut.
func TestThoughtsAreToldApartHoweverCut(t *testing.T) {
	words := rapid.SampledFrom([]string{"<think>", "</think>", " ", "\n", "<", "a", "</", "think>", "é"})
	split := func(pieces ...string) (reasoning, text string) {
		var k thinker
		for i, p := range pieces {
			r, x := k.split(p, i == len(pieces)-1)
			if r != "" && text != "" {
				t.Fatalf("%q: reasoning after text", pieces)
			}
			reasoning, text = reasoning+r, text+x
		}
		return reasoning, text
	}
	rapid.Check(t, func(rt *rapid.T) {
		var whole string
		for _, w := range rapid.SliceOfN(words, 0, 8).Draw(rt, "words") {
			whole += w
		}
		var pieces []string
		for rest := whole; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "cut")
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		r1, t1 := split(whole)
		r2, t2 := split(append(pieces, "")...)
		if r1 != r2 || t1 != t2 {
			rt.Fatalf("%q gives %q and %q, in pieces %q gives %q and %q", whole, r1, t1, pieces, r2, t2)
		}
	})
}
