// Command tokens counts the tokens of texts with the public vocabularies that are nearest
// to those of the models served: K2's own, a byte-pair encoding of 163,840 entries, is in
// no library. It prints a line of JSON for each part of each file; parts are divided by
// empty lines.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tiktoken-go/tokenizer"
)

// part is what a part of a text takes.
type part struct {
	File  string                     `json:"file"`
	Part  int                        `json:"part"`
	Bytes int                        `json:"bytes"`
	Count map[tokenizer.Encoding]int `json:"count"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(files []string) error {
	codecs := map[tokenizer.Encoding]tokenizer.Codec{}
	for _, name := range []tokenizer.Encoding{tokenizer.O200kBase, tokenizer.Cl100kBase} {
		c, err := tokenizer.Get(name)
		if err != nil {
			return fmt.Errorf("read the vocabulary %s: %w", name, err)
		}
		codecs[name] = c
	}
	out := json.NewEncoder(os.Stdout)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read a text: %w", err)
		}
		for n, s := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			p := part{File: filepath.Base(file), Part: n, Bytes: len(s), Count: map[tokenizer.Encoding]int{}}
			for name, c := range codecs {
				if p.Count[name], err = c.Count(s); err != nil {
					return fmt.Errorf("count %s: %w", file, err)
				}
			}
			if err := out.Encode(p); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
	}
	return nil
}
