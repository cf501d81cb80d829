package figures_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kimi-k2/kimi-k2/bench/internal/figures"
)

// noise is a script of n bytes that gzip can't shrink below n/2, after the imports.
func noise(imports string, n int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 1))
	b := append([]byte(imports), `;"`...)
	for range n {
		b = append(b, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"[rnd.IntN(64)])
	}
	return append(b, '"')
}

func TestFirstLoadFollowsStaticImports(t *testing.T) {
	dist := t.TempDir()
	if err := os.Mkdir(filepath.Join(dist, "assets"), 0o755); err != nil {
		t.Fatal(err)
	}
	const kb = 1 << 10
	for name, b := range map[string][]byte{
		"index.html": []byte(`<script type="module" crossorigin src="/assets/main.js"></script>
			<link rel="modulepreload" crossorigin href="/assets/vendor.js"><link rel="stylesheet" href="/x.css">`),
		"assets/main.js": noise(`import{a as b}from"./vendor.js";import"./side.js";import c,{d}from"./named.js";
			export*from"./star.js";const l=()=>import("./lazy.js")`, 10*kb),
		"assets/vendor.js": noise("", 20*kb), "assets/side.js": noise(`import*as v from"./vendor.js"`, 4*kb),
		"assets/named.js": noise("", 2*kb), "assets/star.js": noise("", kb), "assets/lazy.js": noise("", 500*kb),
	} {
		if err := os.WriteFile(filepath.Join(dist, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	total, err := figures.FirstLoad(dist)
	if err != nil {
		t.Fatal(err)
	}
	const raw = 37 * kb
	if total < raw/2 || total > raw {
		t.Errorf("%d bytes for %d before compression", total, raw)
	}
	if _, err := figures.FirstLoad(t.TempDir()); err == nil {
		t.Error("a frontend that is not built was no error")
	}
}
