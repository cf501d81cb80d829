// Package edgetest is a small GraphQL schema and a server of it, for tests of the
// transports.
package edgetest

//go:generate go run github.com/99designs/gqlgen --config internal/edge/edgetest/gqlgen.yml
