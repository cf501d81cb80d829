// Package journal keeps short values in a file that only grows, one on each line: what a
// database that was brought back out of a backup must learn anew.
package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// File is a journal. It is safe for concurrent use in one process.
type File struct {
	path string
	mu   sync.Mutex
	seen map[string]bool // nil: not read yet
}

// Open names the file; it is made with the first value.
func Open(path string) *File { return &File{path: path} }

// All are the values, in the order in which they came. A line that was cut off by a crash
// is left out.
func (f *File) All() ([][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read()
}

func (f *File) read() (all [][]byte, err error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if value, err := hex.DecodeString(lines.Text()); err == nil && len(value) > 0 {
			all = append(all, value)
		}
	}
	return all, lines.Err()
}

// Add keeps the values that aren't there yet; when it returns they are on the disk.
func (f *File) Add(values ...[]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		known, err := f.read()
		if err != nil {
			return err
		}
		f.seen = map[string]bool{}
		for _, v := range known {
			f.seen[string(v)] = true
		}
	}
	text := []byte{'\n'} // what a crash cut off stays a line of its own
	for _, v := range values {
		if !f.seen[string(v)] {
			text = append(append(text, hex.EncodeToString(v)...), '\n')
		}
	}
	if len(text) == 1 {
		return nil
	}
	if err := f.write(text); err != nil {
		return err
	}
	for _, v := range values {
		f.seen[string(v)] = true
	}
	return nil
}

func (f *File) write(text []byte) (err error) {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err = file.Write(text); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}
