// Package policy carries the privacy policy inside the binary: its text, the list of
// its versions, and the declaration of everything that is kept in browsers.
//
// policy.md is the version in force. A version is never altered once it is published:
// versions.json holds the SHA-256 of each, and the server refuses to start when a text
// and its hash differ. policy.zh.md is its translation, which doesn't count. To publish another one, move the old text to archive/, write the
// new policy.md and add it to the end of versions.json.
package policy

import (
	"embed"
	"io/fs"
)

//go:embed *.md *.json *.yaml archive/*.md
var files embed.FS

// Files are policy.md, policy.zh.md, versions.json, storage.json and register.yaml.
func Files() fs.FS { return files }
