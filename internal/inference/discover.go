package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// discoverPatience is how long Discover may take in all.
const discoverPatience = 500 * time.Millisecond

// Candidate is a place where an engine of that name may listen, as host:port.
type Candidate struct{ Name, Address string }

// Candidates are the usual places on this machine, in the order of preference.
func Candidates() []Candidate {
	return []Candidate{
		{NameOllama, "127.0.0.1:11434"},
		{NameVLLM, "127.0.0.1:8000"},
		{NameLMStudio, "127.0.0.1:1234"},
		{NameLlamaCPP, "127.0.0.1:8080"},
	}
}

// Found is an engine that answered, ready for a Config.
type Found struct{ Name, BaseURL string }

// Discover looks at the candidates all at once, for at most 500 ms, and returns the
// first in their order that is an engine of its kind and has a model. tried says of
// each in a short line what was there. An address with the port of own, our own
// listen address, is left out; way must reach the others.
func Discover(ctx context.Context, way *egress.Guard, own string, candidates []Candidate) (found *Found, tried []string) {
	ctx, cancel := context.WithTimeout(ctx, discoverPatience)
	defer cancel()
	transport := way.Transport()
	transport.DisableKeepAlives, transport.DisableCompression = true, true
	client := &http.Client{Transport: transport, CheckRedirect: neverRedirect}
	results := make([]probe, len(candidates))
	var looking sync.WaitGroup
	for i, c := range candidates {
		if samePort(own, c.Address) {
			results[i].note = "our own address"
			continue
		}
		looking.Go(func() { results[i] = look(ctx, client, c) })
	}
	looking.Wait()
	for i, c := range candidates {
		tried = append(tried, fmt.Sprintf("%s at %s: %s", c.Name, c.Address, results[i].note))
		if found == nil && results[i].name != "" {
			found = &Found{Name: results[i].name, BaseURL: "http://" + c.Address + "/v1"}
		}
	}
	return found, tried
}

// probe is what one address turned out to be; name is "" when it is of no use.
type probe struct{ name, note string }

func look(ctx context.Context, client *http.Client, c Candidate) probe {
	list, server, err := listModels(ctx, client, c.Address)
	if err != nil {
		return probe{note: absence(err)}
	}
	name := identify(ctx, client, c, list, server)
	switch {
	case name == "":
		return probe{note: "something else answers"}
	case len(list) == 0:
		return probe{note: name + " answers but has no model loaded"}
	}
	return probe{name: name, note: fmt.Sprintf("%s answers with %d model(s)", name, len(list))}
}

// listModels reads the OpenAI-compatible list of models at an address.
func listModels(ctx context.Context, client *http.Client, address string) (list []listedModel, server string, err error) {
	var body struct {
		Object string        `json:"object"`
		Data   []listedModel `json:"data"`
	}
	server, err = getJSON(ctx, client, "http://"+address+"/v1/models", &body)
	if err == nil && body.Object != "list" {
		err = errNotEngine
	}
	return body.Data, server, err
}

var errNotEngine = errors.New("something else answers")

// identify checks that the engine is what stands usually there, by who owns its
// models, its server header or an address that only it has; "" means that it isn't.
func identify(ctx context.Context, client *http.Client, c Candidate, list []listedModel, server string) string {
	owner := ""
	if len(list) > 0 {
		owner = strings.ToLower(list[0].OwnedBy)
	}
	switch c.Name {
	case NameOllama:
		var version struct {
			Version string `json:"version"`
		}
		if _, err := getJSON(ctx, client, "http://"+c.Address+"/api/version", &version); err == nil && version.Version != "" {
			return NameOllama
		}
	case NameVLLM:
		if owner == "sglang" {
			return NameSGLang
		}
		if owner == "vllm" {
			return NameVLLM
		}
	case NameLMStudio:
		var native struct {
			Data []json.RawMessage `json:"data"`
		}
		if owner == "organization_owner" {
			return NameLMStudio
		}
		if _, err := getJSON(ctx, client, "http://"+c.Address+"/api/v0/models", &native); err == nil && native.Data != nil {
			return NameLMStudio
		}
	case NameLlamaCPP:
		if owner == "llamacpp" || strings.HasPrefix(server, "llama.cpp") {
			return NameLlamaCPP
		}
	}
	return ""
}

// getJSON reads a JSON answer of 200 and returns the Server header.
func getJSON(ctx context.Context, client *http.Client, url string, into any) (server string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("look for an engine: %w", err)
	}
	req.Header.Set("User-Agent", "kimi-k2")
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("look for an engine: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, maxListBody)).Decode(into) != nil {
		return "", errNotEngine
	}
	return resp.Header.Get("Server"), nil
}

// absence says in a few words why there is no engine.
func absence(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errNotEngine):
		return "something else answers"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing answers"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return "no connection"
}

// samePort reports whether both addresses name the same port; an empty own never.
func samePort(own, address string) bool {
	_, ownPort, err := net.SplitHostPort(own)
	if err != nil {
		return false
	}
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == ownPort
}
