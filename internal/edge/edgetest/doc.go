// Package edgetest is a small GraphQL schema and a server of it, for tests of the
// transports.
package edgetest

//go:generate sh -c "cd ../../.. && go run github.com/99designs/gqlgen --config internal/edge/edgetest/gqlgen.yml"
