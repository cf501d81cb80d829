package graph

import _ "embed"

//go:embed schema.graphql
var sdl string

// SDL is the schema as third parties get it: all files of graph/schema merged into one
// document without extensions, which not every tool understands.
func SDL() string { return sdl }
