// Package clients_test runs public GraphQL clients against the transports.
package clients_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
)

// node runs one of the scripts against a server of the test schema.
func node(t *testing.T, script string, env ...string) {
	t.Helper()
	if _, err := os.Stat("node_modules"); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the clients are not installed: run npm ci --prefix tests/clients")
	}
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Streams.Heartbeat = 50 * time.Millisecond
		set.Edge.Documents = map[string]string{helloHash: helloQuery}
		set.Edge.Limits = edge.Limits{}
		set.Websocket.MessagesPerMinute = 600
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = append(append(os.Environ(), "ENDPOINT="+s.URL+"/graphql"), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", script, out)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// A trusted document and its SHA-256.
const (
	helloQuery = "query Hello($name: String) { hello(name: $name) }"
	helloHash  = "4ceaff872f41e40384e91b30e1a76100d149e25f3ee10aef88a1a7e308869a67"
)

func TestGraphQLOverHTTPAudits(t *testing.T) { node(t, "audits.mjs") }
func TestGraphQLWS(t *testing.T)             { node(t, "graphql-ws.mjs") }
func TestGraphQLSSE(t *testing.T)            { node(t, "graphql-sse.mjs") }
func TestApollo(t *testing.T)                { node(t, "apollo.mjs") }
func TestUrql(t *testing.T)                  { node(t, "urql.mjs") }

func TestRelayCompiler(t *testing.T) {
	schema, err := filepath.Abs("../../internal/edge/edgetest/schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	node(t, "relay.mjs", "SCHEMA="+schema)
}

// The product's own schema is one that Relay compiles against: a connection that is fetched
// page by page, a payload with its errors, and the events of a reply.
func TestRelayCompilesAgainstTheProduct(t *testing.T) {
	schema, err := filepath.Abs("../../graph/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	node(t, "relay.mjs", "SCHEMA="+schema, "OPERATIONS=testdata/product.json")
}
