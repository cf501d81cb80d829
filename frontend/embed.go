// Package frontend carries the built single-page app inside the binary.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Dist is the built app: index.html, its assets and their .br and .gz versions. Before
// the first build it holds no index.html.
func Dist() fs.FS {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic("frontend: " + err.Error()) // "dist" is a valid path: embed has checked it
	}
	return dist
}
