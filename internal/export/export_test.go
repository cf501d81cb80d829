package export

import (
	"bytes"
	"io"

	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// OnRow has f called with each row that is written; an error of it ends the writing.
func (s *Service) OnRow(f func(exportID string, done int64) error) { s.onRow = f }

// Idle waits until this instance writes nothing.
func (s *Service) Idle() { s.working.Wait() }

// Seal and Unseal are how files lie in the folder.
func Seal(key *seal.Key, ownerID, exportID string, plain []byte) ([]byte, error) {
	var out bytes.Buffer
	s := newSealer(&out, key, ownerID, exportID)
	if _, err := s.Write(plain); err != nil {
		return nil, err
	}
	err := s.Close()
	return out.Bytes(), err
}

func Unseal(key *seal.Key, ownerID, exportID string, sealed []byte) ([]byte, error) {
	return io.ReadAll(newUnsealer(bytes.NewReader(sealed), key, ownerID, exportID))
}

// SealedChunk is how long a full one is.
const SealedChunk = chunk + overhead
