package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// chunk is how much is sealed at a time, overhead what sealing adds to it.
const (
	chunk    = 64 << 10
	overhead = 29
)

// place is where a chunk lives. The last one says so: a file that was cut off doesn't open.
func place(ownerID, exportID string, n int, last bool) seal.Place {
	row := exportID + "/" + strconv.Itoa(n)
	if last {
		row += "/last"
	}
	return seal.Place{Table: "exports", Column: "file", Row: row, Owner: ownerID}
}

// sealer writes a file in sealed chunks. Close writes the last one.
type sealer struct {
	out         io.Writer
	key         *seal.Key
	owner, name string
	buffer      []byte
	n           int
	written     int64 // unsealed
}

func newSealer(out io.Writer, key *seal.Key, ownerID, exportID string) *sealer {
	return &sealer{out: out, key: key, owner: ownerID, name: exportID, buffer: make([]byte, 0, chunk)}
}

// Write seals full chunks.
func (s *sealer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if len(s.buffer) == chunk {
			if err := s.flush(false); err != nil {
				return 0, err
			}
		}
		n := min(chunk-len(s.buffer), len(p))
		s.buffer, p = append(s.buffer, p[:n]...), p[n:]
	}
	return total, nil
}

func (s *sealer) flush(last bool) error {
	if _, err := s.out.Write(s.key.Seal(place(s.owner, s.name, s.n, last), s.buffer)); err != nil {
		return fmt.Errorf("write a part of an export: %w", err)
	}
	s.written += int64(len(s.buffer))
	s.n++
	s.buffer = s.buffer[:0]
	return nil
}

// Close writes the last chunk.
func (s *sealer) Close() error { return s.flush(true) }

// unsealer reads what a sealer wrote. It fails with seal.ErrOpen where the file was changed
// or cut.
type unsealer struct {
	in          *bufio.Reader
	key         *seal.Key
	owner, name string
	plain       []byte
	n           int
	done        bool
}

func newUnsealer(in io.Reader, key *seal.Key, ownerID, exportID string) *unsealer {
	return &unsealer{in: bufio.NewReaderSize(in, chunk+overhead), key: key, owner: ownerID, name: exportID}
}

// Read opens chunk after chunk.
func (u *unsealer) Read(p []byte) (int, error) {
	for len(u.plain) == 0 {
		if u.done {
			return 0, io.EOF
		}
		if err := u.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.plain)
	u.plain = u.plain[n:]
	return n, nil
}

func (u *unsealer) next() error {
	sealed := make([]byte, chunk+overhead)
	n, err := io.ReadFull(u.in, sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read an export: %w", errors.Join(seal.ErrOpen, err))
	}
	_, err = u.in.Peek(1)
	u.done = errors.Is(err, io.EOF)
	u.plain, err = u.key.Open(place(u.owner, u.name, u.n, u.done), sealed[:n])
	if err != nil {
		return fmt.Errorf("read an export: %w", err)
	}
	u.n++
	return nil
}
