package gguf_test

import (
	"bytes"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/realengine/gguf"
)

func write(t *testing.T, m gguf.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gguf.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSameSeedGivesTheSameModel(t *testing.T) {
	one := write(t, gguf.Model{Seed: 1})
	if !bytes.Equal(one, write(t, gguf.Model{Seed: 1})) {
		t.Error("two models of one seed differ")
	}
	if bytes.Equal(one, write(t, gguf.Model{Seed: 2})) {
		t.Error("two seeds give one model")
	}
	if !bytes.HasPrefix(one, []byte("GGUF\x03\x00\x00\x00")) || len(one) > 2<<20 {
		t.Errorf("%d bytes that begin with %q", len(one), one[:8])
	}
}

func TestEndlessModelDiffersOnlyInOneWeight(t *testing.T) {
	one, endless := write(t, gguf.Model{Seed: 1}), write(t, gguf.Model{Seed: 1, Endless: true})
	first, last := -1, -1
	for i := range one {
		if one[i] != endless[i] {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if len(one) != len(endless) || first < 0 || last-first >= 4 {
		t.Errorf("%d and %d bytes differ from %d to %d", len(one), len(endless), first, last)
	}
}
