package wire

import (
	"errors"
	"io"
)

// framing is how the end of a body is told.
type framing uint8

const (
	counted  framing = iota // by Content-Length
	chunked                 // by a chunk of no size
	toTheEnd                // by the end of the connection
)

const (
	// maxSizeLine is the longest line before a chunk, in bytes, as net/http has it.
	maxSizeLine = 4096
	// maxTrailer bounds what may follow the last chunk, in bytes.
	maxTrailer = 64 << 10
)

var errChunk = errors.New("malformed chunked encoding")

// place is where in a chunked body the next byte stands.
type place uint8

const (
	atSize      place = iota // in the digits of a chunk's size
	afterSize                // behind them, in spaces or an extension
	atSizeEnd                // behind the CR that ends the line
	atData                   // in the chunk
	atDataCR                 // before the CR behind the chunk
	atDataLF                 // before its LF
	atTrailer                // at the beginning of a line behind the last chunk
	inTrailer                // in such a line
	atTrailerCR              // behind a CR that begins one
)

// decoder cuts the data of a body out of its bytes, however these are cut. It never holds
// any of them.
type decoder struct {
	kind framing
	at   place
	left uint64 // of the chunk or the body
	seen int    // bytes of this line, or of the trailer
	any  bool   // the size has a digit
	over bool   // the body has ended
}

// next returns the first stretch of data in raw, empty when there is none, and what follows.
func (d *decoder) next(raw []byte) (data, rest []byte, err error) {
	if d.kind == toTheEnd {
		return raw, nil, nil
	}
	for len(raw) > 0 && !d.over {
		if d.kind == counted || d.at == atData {
			data, raw = d.data(raw)
			return data, raw, nil
		}
		if err := d.step(raw[0]); err != nil {
			return nil, nil, err
		}
		raw = raw[1:]
	}
	return nil, raw, nil
}

func (d *decoder) data(raw []byte) (data, rest []byte) {
	n := min(d.left, uint64(len(raw)))
	if d.left -= n; d.left == 0 {
		d.at, d.over = atDataCR, d.kind == counted
	}
	return raw[:n:n], raw[n:]
}

// step takes a byte that is not data.
func (d *decoder) step(b byte) error {
	d.seen++
	switch d.at {
	case atSize, afterSize, atSizeEnd:
		return d.size(b)
	case atDataCR, atDataLF:
		return d.behind(b)
	default:
		return d.trailer(b)
	}
}

// size takes a byte of the line before a chunk.
func (d *decoder) size(b byte) error {
	v, digit := hex(b)
	switch {
	case d.seen > maxSizeLine:
		return errChunk
	case b == '\n' && d.any:
		d.begin()
	case d.at == atSizeEnd || b == '\n':
		return errChunk
	case d.at == atSize && digit:
		if d.left > 1<<58 {
			return errChunk
		}
		d.left, d.any = d.left<<4|v, true
	case b == '\r' && d.any:
		d.at = atSizeEnd
	case d.at == atSize && (!d.any || b != ';' && b != ' ' && b != '\t'):
		return errChunk
	default:
		d.at = afterSize
	}
	return nil
}

// begin begins the chunk whose size was read.
func (d *decoder) begin() {
	d.at = atData
	if d.left == 0 {
		d.at = atTrailer
	}
	d.seen, d.any = 0, false
}

// behind takes the line's end that follows a chunk.
func (d *decoder) behind(b byte) error {
	switch {
	case d.at == atDataCR && b == '\r':
		d.at = atDataLF
	case d.at == atDataLF && b == '\n':
		d.at, d.seen = atSize, 0
	default:
		return errChunk
	}
	return nil
}

// trailer takes a byte behind the last chunk: lines, which nobody needs, and an empty one.
func (d *decoder) trailer(b byte) error {
	switch {
	case d.seen > maxTrailer:
		return errChunk
	case b == '\n':
		d.over = d.at != inTrailer
		d.at = atTrailer
	case b == '\r' && d.at == atTrailer:
		d.at = atTrailerCR
	default:
		d.at = inTrailer
	}
	return nil
}

func hex(b byte) (v uint64, ok bool) {
	switch {
	case '0' <= b && b <= '9':
		return uint64(b - '0'), true
	case 'a' <= b && b <= 'f':
		return uint64(b-'a') + 10, true
	case 'A' <= b && b <= 'F':
		return uint64(b-'A') + 10, true
	}
	return 0, false
}

// end is what the end of the connection means here.
func (d *decoder) end() error {
	if d.kind == toTheEnd || d.over {
		d.over = true
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}
