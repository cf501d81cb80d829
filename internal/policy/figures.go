package policy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"time"
)

// Figure is a number of the policy in force beside the one that the program keeps to.
type Figure struct {
	Clause, Words, What string
	Promised, Kept      int
}

// Figures are those of the version in force.
func (s *Service) Figures() ([]Figure, error) {
	entries, err := readEntries(s.Files)
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	kept := map[string]int{"minimum age": MinimumAge, "guest days": int(s.GuestTTL / day), "API log days": int(s.APILogTTL / day)}
	current := s.Current().Version
	var out []Figure
	for _, e := range entries {
		for _, f := range e.Figures {
			if e.Version == current {
				out = append(out, Figure{Clause: f.Clause, Words: f.Text, What: f.What, Promised: f.Value, Kept: kept[f.What]})
			}
		}
	}
	return out, nil
}

// Recheck reads all versions again, as at the start, and refuses like New.
func (s *Service) Recheck() error {
	_, err := load(s.Config)
	return err
}

func readEntries(files fs.FS) ([]entry, error) {
	raw, err := fs.ReadFile(files, "versions.json")
	if err != nil {
		return nil, fmt.Errorf("read the versions: %w", err)
	}
	var entries []entry
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("versions.json: %w", err)
	}
	return entries, nil
}
