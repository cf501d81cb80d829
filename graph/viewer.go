// Package graph is the wire: the GraphQL schema and what gqlgen generates from it.
package graph

// Viewer is who asks. Its lists are resolved when they are asked for.
type Viewer struct {
	ID   *string
	Kind ViewerKind
}
