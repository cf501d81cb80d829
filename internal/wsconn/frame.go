package wsconn

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// Opcodes of RFC 6455 with the FIN bit, for frames that a server sends.
const (
	frameText  = 0x80 | 0x1
	frameClose = 0x80 | 0x8
	framePing  = 0x80 | 0x9
	framePong  = 0x80 | 0xA
)

// headerRoom is the longest header of an unmasked frame.
const headerRoom = 10

// keepBuffer is the largest buffer that goes back to the pool.
const keepBuffer = 64 << 10

// buffers hold frames while they are built and written.
var buffers = sync.Pool{New: func() any { return new(frame) }}

// frame builds one frame in place: room for the header, then the payload.
type frame struct{ b []byte }

func newFrame() *frame {
	f := buffers.Get().(*frame)
	if f.b == nil {
		f.b = make([]byte, 0, 512)
	}
	f.b = f.b[:headerRoom]
	return f
}

func (f *frame) free() {
	if cap(f.b) <= keepBuffer {
		buffers.Put(f)
	}
}

func (f *frame) text(s string)  { f.b = append(f.b, s...) }
func (f *frame) bytes(b []byte) { f.b = append(f.b, b...) }

// finish writes the header right before the payload and is the whole frame.
func (f *frame) finish(opcode byte) []byte {
	n := len(f.b) - headerRoom
	switch {
	case n < 126:
		h := f.b[headerRoom-2:]
		h[0], h[1] = opcode, byte(n)
		return h
	case n < 1<<16:
		h := f.b[headerRoom-4:]
		h[0], h[1] = opcode, 126
		binary.BigEndian.PutUint16(h[2:], uint16(n))
		return h
	default:
		h := f.b
		h[0], h[1] = opcode, 127
		binary.BigEndian.PutUint64(h[2:], uint64(n))
		return h
	}
}

// head is the beginning of every message of an operation.
func head(id, typ string) string {
	q, err := json.Marshal(id)
	if err != nil { // strings always marshal
		q = []byte(`""`)
	}
	return `{"id":` + string(q) + `,"type":"` + typ + `"`
}

// next appends a `next` message. The response's data are copied as they are: they
// are JSON already, and their buffer is reused by the executor for the next event.
func (f *frame) next(prefix string, r *graphql.Response) error {
	f.text(prefix)
	f.text(`,"payload":{`)
	if len(r.Errors) > 0 {
		f.text(`"errors":`)
		if err := f.json(r.Errors); err != nil {
			return err
		}
		f.text(`,`)
	}
	f.text(`"data":`)
	if r.Data == nil {
		f.text(`null`)
	} else {
		f.bytes(r.Data)
	}
	if len(r.Extensions) > 0 {
		f.text(`,"extensions":`)
		if err := f.json(r.Extensions); err != nil {
			return err
		}
	}
	f.text(`}}`)
	return nil
}

func (f *frame) json(v any) error {
	w := bytes.NewBuffer(f.b)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	f.b = bytes.TrimSuffix(w.Bytes(), []byte("\n"))
	return err
}
