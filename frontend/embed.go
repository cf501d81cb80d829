// Package frontend carries the built single-page app inside the binary.
package frontend

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

//go:embed documents.json
var documents []byte

// Documents are the texts of all operations that the app sends, by the lower-case SHA-256
// of each.
func Documents() (map[string]string, error) {
	all := map[string]string{}
	if err := json.Unmarshal(documents, &all); err != nil {
		return nil, fmt.Errorf("read the app's documents: %w", err)
	}
	return all, nil
}

// Dist is the built app: index.html, its assets and their .br and .gz versions. Before
// the first build it holds no index.html.
func Dist() fs.FS {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic("frontend: " + err.Error()) // "dist" is a valid path: embed has checked it
	}
	return dist
}
