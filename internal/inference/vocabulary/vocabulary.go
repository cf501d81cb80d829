// Package vocabulary counts tokens as the public vocabularies of some families of models
// cut text: byte-pair encodings, as the library reads them.
//
// It promises three things. Nobody waits for a vocabulary to be loaded: Get begins that
// beside everything else, and there is none until it is over. Counting takes time in
// proportion to the text, whatever that is. However a text is cut into pieces of whole
// characters, the sum is that of the whole.
//
// The library alone takes quadratic time for some texts (line breaks and spaces in turn: 7 s
// for 64 KiB), and it counts whole texts only. So it is given stretches: text is cut where
// these vocabularies cut it anyway, which changes nothing, and where there is no such place
// for longest bytes, there; that adds a token at most to each such place.
package vocabulary

import (
	"sync"
	"sync/atomic"

	"github.com/tiktoken-go/tokenizer/codec"
)

// Names of the vocabularies, as OpenAI calls them.
const (
	O200k  = "o200k_base"  // GPT-4o, GPT-4.1, GPT-5, the o series and gpt-oss
	CL100k = "cl100k_base" // GPT-3.5 and GPT-4
)

// counter is what the library does for us. It is safe for concurrent use.
type counter interface {
	Count(text string) (int, error)
}

// Vocabulary is one that is loaded, or will be.
type Vocabulary struct {
	load  func() counter
	once  sync.Once
	ready atomic.Pointer[counter]
}

var all = map[string]*Vocabulary{
	O200k:  {load: func() counter { return codec.NewO200kBase() }},
	CL100k: {load: func() counter { return codec.NewCl100kBase() }},
}

// Known reports whether there is a vocabulary of that name.
func Known(name string) bool { return all[name] != nil }

// Get is the vocabulary of that name if it is loaded. If it isn't, loading begins, and Get
// returns nil at once.
func Get(name string) *Vocabulary {
	v := all[name]
	if v == nil || v.get() {
		return v
	}
	return nil
}

// Load waits until the vocabulary of that name, which is known, is loaded.
func Load(name string) *Vocabulary {
	v := all[name]
	v.wait()
	return v
}

// get reports whether v is loaded, and has it loaded otherwise.
func (v *Vocabulary) get() bool {
	if v.ready.Load() != nil {
		return true
	}
	go v.wait()
	return false
}

func (v *Vocabulary) wait() {
	v.once.Do(func() {
		c := v.load()
		v.ready.Store(&c)
	})
}

// count is what a stretch takes.
func (v *Vocabulary) count(stretch string) int64 {
	if stretch == "" {
		return 0
	}
	n, err := (*v.ready.Load()).Count(stretch)
	if err != nil { // only patterns with a time limit fail
		return int64(len(stretch))
	}
	return int64(n)
}
