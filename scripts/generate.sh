#!/usr/bin/env bash
# Makes the generated code anew: Go from the schemas, the schema as one document,
# the frontend's types and documents, the page about data, the table of proofs, the quick starts. Works in the folder it is called in, so that a copy of the
# tree can be generated beside the real one.
set -euo pipefail
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
for config in gqlgen.yml internal/edge/edgetest/gqlgen.yml; do
	go tool gqlgen --config "$config" generate
done
# Lists go through graph/slice.go.
sed -i.bak 's/graphql\.MarshalSliceConcurrently(ctx, len(v), /marshalSlice(ctx, sel, v, /' graph/*.generated.go
rm -f graph/*.generated.go.bak
go run ./scripts/printschema graph/schema/*.graphqls >graph/schema.graphql.new
mv graph/schema.graphql.new graph/schema.graphql
npm run --silent --prefix frontend codegen
go run ./scripts/data
go run ./scripts/proofs
go run ./scripts/quickstarts
