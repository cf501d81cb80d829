// Package gguf writes a tiny language model with random weights in the GGUF format, so
// that a real engine can be tested without any file from outside. It speaks nonsense,
// but its tokens, stops and limits are real. The same seed gives the same bytes.
package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// The model's measures: a llama of four layers, about a megabyte.
const (
	width      = 64
	hidden     = 172
	layers     = 4
	heads      = 8
	keyHeads   = 4
	keyWidth   = width * keyHeads / heads
	vocabulary = 384
	// ContextTokens is how many tokens the model can look at.
	ContextTokens = 2048
)

// Token types of the format.
const (
	typeNormal  = 1
	typeUnknown = 2
	typeControl = 3
	typeByte    = 6
)

// alignment is where tensors may begin, in bytes.
const alignment = 32

// spread is the standard deviation of the weights; the rows by which bytes are chosen
// get less, so that words are more usual than broken UTF-8, but both come.
const (
	spread     = 0.25
	byteSpread = 0.1
)

// template joins the messages of a conversation.
const template = "{% for m in messages %}{{ m['content'] }}{% if not loop.last %}\n{% endif %}{% endfor %}"

// Write writes the model that belongs to the seed.
func Write(w io.Writer, seed uint64) error {
	meta, count := metadata()
	index, data, tensors := weights(rand.New(rand.NewPCG(seed, 0)))
	var head bytes.Buffer
	head.WriteString("GGUF")
	put(&head, uint32(3), uint64(tensors), uint64(count))
	head.Write(meta)
	head.Write(index)
	pad(&head)
	for _, part := range [][]byte{head.Bytes(), data} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("write the model: %w", err)
		}
	}
	return nil
}

// token is one entry of the vocabulary.
type token struct {
	text  string
	score float32
	kind  int32
}

// tokens are the control tokens, all bytes, and words made of two syllables.
func tokens() []token {
	list := []token{{"<unk>", 0, typeUnknown}, {"<s>", 0, typeControl}, {"</s>", 0, typeControl}}
	for b := range 256 {
		list = append(list, token{fmt.Sprintf("<0x%02X>", b), 0, typeByte})
	}
	syllables := strings.Fields("ba ke li mo nu ra se ti vo zu la mi")
	for i := 0; len(list) < vocabulary; i++ {
		word := syllables[i/len(syllables)%len(syllables)] + syllables[i%len(syllables)]
		// The format writes the space before a word as U+2581.
		list = append(list, token{"\u2581" + word, -float32(i), typeNormal})
	}
	return list
}

// metadata is the description of the model and how many entries it has.
func metadata() ([]byte, int) {
	m := &writer{}
	m.text("general.architecture", "llama")
	m.text("general.name", "random")
	m.number("general.file_type", 0)
	m.number("llama.context_length", ContextTokens)
	m.number("llama.embedding_length", width)
	m.number("llama.block_count", layers)
	m.number("llama.feed_forward_length", hidden)
	m.number("llama.rope.dimension_count", width/heads)
	m.number("llama.attention.head_count", heads)
	m.number("llama.attention.head_count_kv", keyHeads)
	m.key("llama.attention.layer_norm_rms_epsilon", kindFloat)
	put(&m.Buffer, float32(1e-5))
	m.number("llama.vocab_size", vocabulary)
	m.text("tokenizer.ggml.model", "llama")
	list := tokens()
	m.list("tokenizer.ggml.tokens", kindString, len(list))
	for _, t := range list {
		m.string(t.text)
	}
	m.list("tokenizer.ggml.scores", kindFloat, len(list))
	for _, t := range list {
		put(&m.Buffer, t.score)
	}
	m.list("tokenizer.ggml.token_type", kindInt, len(list))
	for _, t := range list {
		put(&m.Buffer, t.kind)
	}
	m.number("tokenizer.ggml.unknown_token_id", 0)
	m.number("tokenizer.ggml.bos_token_id", 1)
	m.number("tokenizer.ggml.eos_token_id", 2)
	m.key("tokenizer.ggml.add_bos_token", kindBool)
	m.WriteByte(1)
	m.text("tokenizer.chat_template", template)
	return m.Bytes(), m.count
}

// weights are the index of the tensors, their bytes and how many there are.
func weights(random *rand.Rand) (index, data []byte, count int) {
	t := &tensors{random: random}
	t.add("token_embd.weight", spread, width, vocabulary)
	for i := range layers {
		block := fmt.Sprintf("blk.%d.", i)
		t.ones(block + "attn_norm.weight")
		t.add(block+"attn_q.weight", spread, width, width)
		t.add(block+"attn_k.weight", spread, width, keyWidth)
		t.add(block+"attn_v.weight", spread, width, keyWidth)
		t.add(block+"attn_output.weight", spread, width, width)
		t.ones(block + "ffn_norm.weight")
		t.add(block+"ffn_gate.weight", spread, width, hidden)
		t.add(block+"ffn_down.weight", spread, hidden, width)
		t.add(block+"ffn_up.weight", spread, width, hidden)
	}
	t.ones("output_norm.weight")
	t.output("output.weight")
	return t.index.Bytes(), t.data.Bytes(), t.count
}

// tensors collects what describes the tensors and what they hold.
type tensors struct {
	random      *rand.Rand
	index, data bytes.Buffer
	count       int
}

// begin enters a tensor of 32-bit floats into the index.
func (t *tensors) begin(name string, shape ...int) {
	pad(&t.data)
	put(&t.index, uint64(len(name)), []byte(name), uint32(len(shape)))
	for _, n := range shape {
		put(&t.index, uint64(n))
	}
	put(&t.index, uint32(0), uint64(t.data.Len()))
	t.count++
}

func (t *tensors) add(name string, spread float64, columns, rows int) {
	t.begin(name, columns, rows)
	t.fill(columns*rows, spread)
}

func (t *tensors) fill(n int, spread float64) {
	for range n {
		put(&t.data, float32(t.random.NormFloat64()*spread))
	}
}

func (t *tensors) ones(name string) {
	t.begin(name, width)
	for range width {
		put(&t.data, float32(1))
	}
}

// output is the matrix that chooses the next token.
func (t *tensors) output(name string) {
	t.begin(name, width, vocabulary)
	for _, tok := range tokens() {
		if tok.kind == typeByte {
			t.fill(width, byteSpread)
		} else {
			t.fill(width, spread)
		}
	}
}

// Kinds of metadata values.
const (
	kindUint32 uint32 = 4
	kindInt    uint32 = 5
	kindFloat  uint32 = 6
	kindBool   uint32 = 7
	kindString uint32 = 8
	kindList   uint32 = 9
)

// writer writes metadata entries.
type writer struct {
	bytes.Buffer
	count int
}

func (w *writer) string(s string) { put(&w.Buffer, uint64(len(s)), []byte(s)) }

func (w *writer) key(name string, kind uint32) {
	w.count++
	w.string(name)
	put(&w.Buffer, kind)
}

func (w *writer) text(name, value string) {
	w.key(name, kindString)
	w.string(value)
}

func (w *writer) number(name string, value uint32) {
	w.key(name, kindUint32)
	put(&w.Buffer, value)
}

func (w *writer) list(name string, kind uint32, n int) {
	w.key(name, kindList)
	put(&w.Buffer, kind, uint64(n))
}

// put appends values in the format's byte order.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		out, err := binary.Append(b.AvailableBuffer(), binary.LittleEndian, v)
		if err != nil {
			// Only kinds without a fixed size end here, and no caller has any.
			panic(err)
		}
		b.Write(out)
	}
}

// pad fills b up to where a tensor may begin.
func pad(b *bytes.Buffer) {
	for b.Len()%alignment != 0 {
		b.WriteByte(0)
	}
}
