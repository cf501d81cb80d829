package resolvers

import (
	"strconv"

	"github.com/kimi-k2/kimi-k2/graph"
)

// step is a part of a delta's JSON: text that is always the same, and then a value.
type step struct {
	same  string
	value value
}

type value uint8

const (
	noValue value = iota
	seqValue
	textValue
)

// steps works a delta's selection out into as few steps as there are values.
func steps(typ string, of []selected) []step {
	all := []step{{same: "{"}}
	for i, s := range of {
		last := &all[len(all)-1]
		if i > 0 {
			last.same += ","
		}
		last.same += s.key
		switch s.name {
		case "__typename":
			last.same += string(graph.AppendString(nil, typ))
			continue
		case "seq":
			last.value = seqValue
		default:
			last.value = textValue
		}
		all = append(all, step{})
	}
	all[len(all)-1].same += "}"
	return all
}

// appendDelta appends a delta.
func appendDelta[T string | []byte](dst []byte, of []step, seq int, text T) []byte {
	for i := range of {
		dst = append(dst, of[i].same...)
		switch of[i].value {
		case seqValue:
			dst = strconv.AppendInt(dst, int64(seq), 10)
		case textValue:
			dst = graph.AppendString(dst, text)
		}
	}
	return dst
}
