// Package gguf writes a tiny language model with random weights in the GGUF format, so
// that a real engine can be tested without any file from outside. It speaks nonsense,
// but its tokens, stops and limits are real. Nothing but a seed goes in.
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

// endToken ends a text.
const endToken = 2

// alignment is where tensors may begin, in bytes.
const alignment = 32

// spread is the standard deviation of the weights; the rows by which bytes are chosen
// get less, so that words are more usual than broken UTF-8, but both come.
const (
	spread     = 0.25
	byteSpread = 0.2
)

// One channel of the embedding is the same for every token and nothing in the layers
// writes to it, so that a row of the output matrix can use it as a bias: by it a model
// ends sooner or later, or never.
const (
	biasChannel = 0
	biasLevel   = 2
	endSoon     = 25
	endNever    = -300
)

// template joins the messages of a conversation.
const template = "{% for m in messages %}{{ m['content'] }}{% if not loop.last %}\n{% endif %}{% endfor %}"

// Model says which model is written. The same Seed gives the same bytes. An Endless
// one never chooses the token that ends a text; others do after some dozen tokens.
type Model struct {
	Seed    uint64
	Endless bool
}

// Write writes the model.
func Write(w io.Writer, m Model) error {
	meta, count := metadata()
	index, data, tensors := m.weights()
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
	m.number("tokenizer.ggml.eos_token_id", endToken)
	m.key("tokenizer.ggml.add_bos_token", kindBool)
	m.WriteByte(1)
	m.text("tokenizer.chat_template", template)
	return m.Bytes(), m.count
}

// weights are the index of the tensors, their bytes and how many there are.
func (m Model) weights() (index, data []byte, count int) {
	t := &tensors{random: rand.New(rand.NewPCG(m.Seed, 0))}
	t.add("token_embd.weight", width, vocabulary, func(row, column int) float32 {
		if column == biasChannel {
			return biasLevel
		}
		return t.normal(spread)
	})
	for i := range layers {
		block := fmt.Sprintf("blk.%d.", i)
		t.add(block+"attn_norm.weight", width, 1, one)
		t.add(block+"attn_q.weight", width, width, t.any)
		t.add(block+"attn_k.weight", width, keyWidth, t.any)
		t.add(block+"attn_v.weight", width, keyWidth, t.any)
		t.add(block+"attn_output.weight", width, width, t.butBias)
		t.add(block+"ffn_norm.weight", width, 1, one)
		t.add(block+"ffn_gate.weight", width, hidden, t.any)
		t.add(block+"ffn_down.weight", hidden, width, t.butBias)
		t.add(block+"ffn_up.weight", width, hidden, t.any)
	}
	t.add("output_norm.weight", width, 1, one)
	list := tokens()
	t.add("output.weight", width, vocabulary, func(row, column int) float32 {
		switch {
		case column == biasChannel:
			return m.bias(row)
		case list[row].kind == typeByte:
			return t.normal(byteSpread)
		}
		return t.normal(spread)
	})
	return t.index.Bytes(), t.data.Bytes(), t.count
}

// bias is how much a token is preferred whatever came before.
func (m Model) bias(token int) float32 {
	switch {
	case token != endToken:
		return 0
	case m.Endless:
		return endNever
	}
	return endSoon
}

// tensors collects what describes the tensors and what they hold.
type tensors struct {
	random      *rand.Rand
	index, data bytes.Buffer
	count       int
}

// add appends a tensor of 32-bit floats, row by row.
func (t *tensors) add(name string, columns, rows int, value func(row, column int) float32) {
	pad(&t.data)
	shape := []any{uint64(columns), uint64(rows)}
	if rows == 1 {
		shape = shape[:1]
	}
	put(&t.index, uint64(len(name)), []byte(name), uint32(len(shape)))
	put(&t.index, shape...)
	put(&t.index, uint32(0), uint64(t.data.Len()))
	for row := range rows {
		for column := range columns {
			put(&t.data, value(row, column))
		}
	}
	t.count++
}

func (t *tensors) normal(spread float64) float32 { return float32(t.random.NormFloat64() * spread) }

func (t *tensors) any(_, _ int) float32 { return t.normal(spread) }

// butBias leaves the channel of the bias as it is.
func (t *tensors) butBias(row, _ int) float32 {
	if row == biasChannel {
		return 0
	}
	return t.normal(spread)
}

func one(_, _ int) float32 { return 1 }

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
