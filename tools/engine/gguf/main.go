// Command gguf writes the tiny random model that the tests give to a real engine:
//
//	go run ./tools/engine/gguf [-seed N] [-endless] model.gguf
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/kimi-k2/kimi-k2/internal/inference/realengine/gguf"
)

func main() {
	seed := flag.Uint64("seed", 1, "the same seed gives the same model")
	endless := flag.Bool("endless", false, "a model that never ends a text by itself")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: gguf [-seed N] [-endless] model.gguf")
		os.Exit(2)
	}
	var model bytes.Buffer
	err := gguf.Write(&model, gguf.Model{Seed: *seed, Endless: *endless})
	if err == nil {
		err = os.WriteFile(flag.Arg(0), model.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gguf:", err)
		os.Exit(1)
	}
}
