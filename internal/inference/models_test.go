package inference_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// catalogueOf writes a catalogue file and loads it.
func catalogueOf(t *testing.T, text string) (*inference.Catalogue, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return inference.LoadCatalogue(path)
}

// refreshed is an engine of the kind and name that reports the ids.
func refreshed(t *testing.T, kind inference.Kind, name string, ids ...string) *inference.Engine {
	t.Helper()
	fake := inferencetest.New(t)
	fake.Models(ids...)
	e := newEngine(t, fake.URL(), func(c *inference.Config) { c.Kind, c.Name = kind, name })
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

func ids(models []inference.Model, available bool) []string {
	var out []string
	for _, m := range models {
		if m.Available == available {
			out = append(out, m.ID)
		}
	}
	return out
}

func TestModelsMatchTheEngineWithTheCatalogue(t *testing.T) {
	e := refreshed(t, inference.KindExternal, "", "llama3.2:latest", "moonshotai/Kimi-K2-Instruct", "text-embedding-3", "KIMI-K2.6", "demo")
	got := e.Models()
	if want := []string{"kimi-k2.6", "kimi-k2", "llama3.2:latest"}; !slices.Equal(ids(got, true), want) {
		t.Errorf("available: %q, want %q", ids(got, true), want)
	}
	if missing := ids(got, false); slices.Contains(missing, "demo") || !slices.Contains(missing, "kimi-k3") {
		t.Errorf("not available: %q", missing)
	}
	k2, stranger := got[1], got[2]
	if k2.EngineID != "moonshotai/Kimi-K2-Instruct" || !k2.MoE || k2.ContextTokens != 131072 || k2.Price.Input != 60_000_000 || k2.Price.CachedInput != 15_000_000 || k2.Price.Output != 250_000_000 {
		t.Errorf("kimi-k2 is %+v", k2)
	}
	if stranger.Name != "llama3.2:latest" || stranger.MoE || stranger.Family != "" || stranger.ContextTokens == 0 || stranger.MaxOutputTokens == 0 { // P132
		t.Errorf("the stranger is %+v", stranger)
	}
}

func TestContextIsNeverMoreThanTheEngines(t *testing.T) {
	fake := inferencetest.New(t)
	fake.ModelInfos(openai.ModelInfo{ID: "kimi-k2", MaxModelLen: 4096}, openai.ModelInfo{ID: "other", ContextLength: 1000})
	e := newEngine(t, fake.URL())
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{4096, 1000} {
		if m := e.Models()[i]; m.ContextTokens != want || m.MaxOutputTokens > want/2 {
			t.Errorf("%s has %d and %d tokens", m.ID, m.ContextTokens, m.MaxOutputTokens)
		}
	}
}

func TestContinuationAndLimitFitTheEngine(t *testing.T) {
	tests := map[string]struct {
		kind         inference.Kind
		name         string
		continuation string
		limit        string
	}{
		"Moonshot":  {inference.KindExternal, inference.NameMoonshot, inference.ContinuePartial, inference.LimitMaxCompletionTokens},
		"vLLM":      {inference.KindLocal, inference.NameVLLM, inference.ContinueFinalMessage, inference.LimitMaxTokens},
		"found out": {inference.KindLocal, "", inference.ContinueFinalMessage, inference.LimitMaxTokens}, // owned_by says vllm
		"Ollama":    {inference.KindLocal, inference.NameOllama, "", inference.LimitMaxTokens},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := refreshed(t, tt.kind, tt.name, "kimi-k2").Resolve("")
			if err != nil || m.Continuation != tt.continuation || m.OutputLimit != tt.limit {
				t.Errorf("got %q, %q, %v", m.Continuation, m.OutputLimit, err)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	moonshot := []string{"kimi-k3", "kimi-k2.6", "kimi-k2.5"}
	local := []string{"kimi-k2"}
	tests := []struct {
		engine   []string
		id, want string
	}{
		{moonshot, "", "kimi-k2.6"},
		{moonshot, "kimi-k3", "kimi-k3"},
		{moonshot, "moonshotai/kimi-k2.6", "kimi-k2.6"},
		{moonshot, "kimi-k2-0711-preview", "kimi-k2.6"}, // over kimi-k2, which is not here
		{moonshot, "kimi-k2-thinking-turbo", "kimi-k2.6"},
		{local, "", "kimi-k2"},
		{local, "kimi-k2-0711-preview", "kimi-k2"},
		{local, "KIMI-K2-INSTRUCT", "kimi-k2"},
		{[]string{"kimi-k2-0711-preview"}, "kimi-k2-0711-preview", "kimi-k2-0711-preview"}, // still served
		{[]string{"tiny", "kimi-k2:1t-cloud"}, "kimi-k2:1t-cloud", "kimi-k2"},
		{[]string{"tiny"}, "", "tiny"},
	}
	for _, tt := range tests {
		m, err := refreshed(t, inference.KindExternal, "", tt.engine...).Resolve(tt.id)
		if err != nil || m.ID != tt.want || !m.Available {
			t.Errorf("%q with %q: got %q, %v, want %q", tt.id, tt.engine, m.ID, err, tt.want)
		}
	}
	for _, id := range []string{"gpt-5", "kimi-k2", "demo", strings.Repeat("x", 1000)} {
		_, err := refreshed(t, inference.KindExternal, "", moonshot...).Resolve(id)
		if f := wantFault(t, err, fault.ModelUnavailable, "Available: kimi-k2.6, kimi-k3, kimi-k2.5."); len(f.Message) > 200 || f.Field[0] != "modelId" {
			t.Errorf("got %+v", f)
		}
	}
	_, err := refreshed(t, inference.KindExternal, "").Resolve("")
	wantFault(t, err, fault.ModelUnavailable, "no model")
}

func TestDemoIsNeverMistakenForAModel(t *testing.T) {
	e := refreshed(t, inference.KindDemo, "", "demo")
	m, err := e.Resolve("")
	if err != nil || m.ID != "demo" || m.Family != inference.FamilyDemo || m.MoE || m.Price != (inference.Price{}) || m.Continuation != inference.ContinuePartial {
		t.Errorf("got %+v, %v", m, err)
	}
	if e.Info().Name != inference.NameDemo {
		t.Errorf("the name is %q", e.Info().Name)
	}
	_, err = e.Resolve("kimi-k2.6")
	wantFault(t, err, fault.ModelUnavailable, "Available: demo.")
}

func TestEngineWithoutAListServesTheCatalogue(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Listing(http.NotFound)
	e := newEngine(t, fake.URL())
	if _, err := e.Resolve(""); err == nil {
		t.Error("a model was available before the engine was asked")
	}
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := e.Resolve(""); err != nil || m.ID != "kimi-k2.6" {
		t.Errorf("got %q, %v", m.ID, err)
	}
}

func TestRefreshKeepsTheLastListAndSaysWhatIsWrong(t *testing.T) {
	fake := inferencetest.New(t)
	e := newEngine(t, fake.URL())
	refuse := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	fake.Listing(refuse(401, "application/json", `{"error":{"message":"no"}}`))
	wantFault(t, e.Refresh(t.Context()), fault.UpstreamAuth)
	if i := e.Info(); i.State != inference.StateDown || !strings.Contains(i.Message, "INFERENCE_API_KEY") {
		t.Errorf("the state is %+v", i)
	}
	_, err := e.Resolve("")
	wantFault(t, err, fault.UpstreamFailed, "INFERENCE_API_KEY")
	fake.Models("kimi-k2")
	if err := e.Refresh(t.Context()); err != nil || e.Info().State != inference.StateOK {
		t.Fatalf("%v, %+v", err, e.Info())
	}
	fake.Listing(refuse(200, "text/html", "<html></html>"))
	wantFault(t, e.Refresh(t.Context()), fault.UpstreamFailed, "OpenAI-compatible")
	if i := e.Info(); i.State != inference.StateDegraded {
		t.Errorf("the state is %+v", i)
	}
	if m, err := e.Resolve(""); err != nil || m.ID != "kimi-k2" {
		t.Errorf("got %q, %v", m.ID, err)
	}
}

func TestCatalogueRefusesNonsenseWithOneClearLine(t *testing.T) {
	model := func(rest string) string {
		return `{"models": [{"id": "a", "contextTokens": 100, "maxOutputTokens": 10` + rest + `}]}`
	}
	second := func(rest string) string {
		return model(`}, {"id": "b", "contextTokens": 100, "maxOutputTokens": 10` + rest)
	}
	tests := map[string]struct{ text, words string }{
		"empty":               {``, "ends too early"},
		"not JSON":            {"{\n\"models\": [\n{,}]}", "line 3"},
		"cut off":             {`{"models": [`, "ends too early"},
		"something after":     {`{"models": []} {}`, "after the end"},
		"no models":           {`{"models": []}`, "no model"},
		"unknown field":       {`{"model": []}`, `"model"`},
		"unknown model field": {model(`, "prices": 1`), `model 1 ("a"): unknown field "prices"`},
		"wrong kind":          {model(`, "name": 1`), `model 1 ("a")`},
		"fraction of a price": {model(`, "price": {"input": 0.6}`), `model 1 ("a")`},
		"no id":               {`{"models": [{"contextTokens": 1}]}`, "model 1: id"},
		"id with a space":     {`{"models": [{"id": "a b"}]}`, `model 1 ("a b"): id`},
		"no context":          {`{"models": [{"id": "a", "maxOutputTokens": 1}]}`, "contextTokens"},
		"output over context": {model(`, "maxOutputTokens": 200`), "maxOutputTokens"},
		"negative price":      {model(`, "price": {"output": -1}`), `model 1 ("a"): price.output is -1`},
		"price out of range":  {model(`, "price": {"input": 9000000000000000000}`), "price.input"},
		"temperature":         {model(`, "sampling": {"temperature": 3}`), "sampling.temperature"},
		"top p":               {model(`, "sampling": {"topP": 0}`), "sampling.topP"},
		"fixed and sent":      {model(`, "sampling": {"fixed": true, "topP": 1}`), "sampling.fixed"},
		"continuation":        {model(`, "continuation": "maybe"`), `continuation "maybe"`},
		"tokenizer":           {model(`, "tokenizer": "p50k_base"`), `model 1 ("a"): tokenizer "p50k_base" must be none, o200k_base or cl100k_base`},
		"output limit":        {model(`, "outputLimit": "n"`), `outputLimit "n"`},
		"same id":             {second(`, "aliases": ["A"]`), `model 2 ("b"): the name "A" already belongs to model "a"`},
		"empty alias":         {model(`, "aliases": [""]`), "alias"},
		"missing successor":   {model(`, "successor": "x"`), `successor "x"`},
		"successor by alias":  {second(`, "aliases": ["c"], "successor": "c"`), `successor "c"`},
		"own successor":       {model(`, "successor": "a"`), "circle"},
		"only retired":        {model(`, "retired": true`), "not retired"},
		"two defaults":        {model(`, "default": true}, {"id": "b", "contextTokens": 100, "maxOutputTokens": 10, "default": true`), `model 2 ("b"): default`},
		"retired default":     {model(`, "default": true, "retired": true`), "retired"},
		"unknown with an id":  {`{"unknown": {"id": "x"}, "models": []}`, `"unknown"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := catalogueOf(t, tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), "models.json") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := inference.LoadCatalogue(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing file was accepted")
	}
}

func TestCatalogueOfOnesOwnDecidesEverything(t *testing.T) {
	c, err := catalogueOf(t, `{
		"models": [{"id": "house", "name": "Our model", "engineId": "tiny", "contextTokens": 2048, "maxOutputTokens": 512, "price": {"input": 1, "cachedInput": 2, "output": 3}, "continuation": "none"}],
		"unknown": {"contextTokens": 4000, "maxOutputTokens": 1000, "price": {"output": 9}}
	}`)
	if err != nil {
		t.Fatal(err)
	}
	fake := inferencetest.New(t)
	fake.Models("other", "tiny")
	e := newEngine(t, fake.URL(), func(cfg *inference.Config) { cfg.Catalogue = c })
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	house, other := e.Models()[0], e.Models()[1]
	if house.ID != "house" || house.EngineID != "tiny" || house.Price != (inference.Price{Input: 1, CachedInput: 2, Output: 3}) || house.Continuation != "" {
		t.Errorf("got %+v", house)
	}
	if other.ID != "other" || other.ContextTokens != 4000 || other.Price.Output != 9 {
		t.Errorf("got %+v", other)
	}
}

func TestDiscoverFindsOnlyRealEngines(t *testing.T) {
	serve := func(routes map[string]string, header ...string) string {
		return listenHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			body, ok := routes[r.URL.Path]
			if !ok {
				http.NotFound(w, r)
				return
			}
			if len(header) > 0 {
				w.Header().Set("Server", header[0])
			}
			_, _ = w.Write([]byte(body))
		})
	}
	list := func(owner string) string { return `{"object":"list","data":[{"id":"m","owned_by":"` + owner + `"}]}` }
	const none = `{"object":"list","data":null}`
	silent := listenHTTP(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	tests := map[string]struct {
		candidate inference.Candidate
		want      string
		note      string
	}{
		"Ollama":            {inference.Candidate{Name: inference.NameOllama, Address: serve(map[string]string{"/v1/models": list("library"), "/api/version": `{"version":"0.6.5"}`})}, inference.NameOllama, "1 model"},
		"Ollama, no models": {inference.Candidate{Name: inference.NameOllama, Address: serve(map[string]string{"/v1/models": none, "/api/version": `{"version":"0.6.5"}`})}, "", "no model"},
		"not Ollama":        {inference.Candidate{Name: inference.NameOllama, Address: serve(map[string]string{"/v1/models": list("x")})}, "", "something else"},
		"vLLM":              {inference.Candidate{Name: inference.NameVLLM, Address: serve(map[string]string{"/v1/models": list("vllm")})}, inference.NameVLLM, "1 model"},
		"SGLang":            {inference.Candidate{Name: inference.NameVLLM, Address: serve(map[string]string{"/v1/models": list("sglang")})}, inference.NameSGLang, "1 model"},
		"a web server":      {inference.Candidate{Name: inference.NameVLLM, Address: serve(map[string]string{"/": "hello"})}, "", "something else"},
		"LM Studio":         {inference.Candidate{Name: inference.NameLMStudio, Address: serve(map[string]string{"/v1/models": list("organization_owner")})}, inference.NameLMStudio, "1 model"},
		"LM Studio, native": {inference.Candidate{Name: inference.NameLMStudio, Address: serve(map[string]string{"/v1/models": list("x"), "/api/v0/models": `{"data":[]}`})}, inference.NameLMStudio, "1 model"},
		"llama.cpp":         {inference.Candidate{Name: inference.NameLlamaCPP, Address: serve(map[string]string{"/v1/models": list("llamacpp")})}, inference.NameLlamaCPP, "1 model"},
		"llama.cpp, header": {inference.Candidate{Name: inference.NameLlamaCPP, Address: serve(map[string]string{"/v1/models": list("x")}, "llama.cpp")}, inference.NameLlamaCPP, "1 model"},
		"something silent":  {inference.Candidate{Name: inference.NameOllama, Address: silent}, "", "no answer in time"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, tried := inference.Discover(t.Context(), nil, "127.0.0.1:1", []inference.Candidate{tt.candidate})
			if len(tried) != 1 || !strings.Contains(tried[0], tt.note) || !strings.Contains(tried[0], tt.candidate.Address) {
				t.Errorf("tried %q", tried)
			}
			if tt.want == "" && found != nil || tt.want != "" && (found == nil || found.Name != tt.want || found.BaseURL != "http://"+tt.candidate.Address+"/v1") {
				t.Errorf("found %+v", found)
			}
		})
	}
	t.Run("the first that is of use, and never ourselves", func(t *testing.T) {
		vllm, ollama := tests["vLLM"].candidate, tests["Ollama"].candidate
		found, tried := inference.Discover(t.Context(), nil, ollama.Address, []inference.Candidate{tests["not Ollama"].candidate, ollama, vllm})
		if found == nil || found.Name != inference.NameVLLM || len(tried) != 3 || !strings.Contains(tried[1], "our own address") {
			t.Errorf("found %+v, tried %q", found, tried)
		}
	})
}

func TestEstimateIsNearTheRuleOfThumb(t *testing.T) {
	tests := map[string][2]int{ // text: lowest, highest
		"":  {0, 0},
		"a": {1, 1},
		"The quick brown fox jumps over the lazy dog and runs away.": {12, 18},
		"今天天气很好，我们去公园散步吧。":                                           {8, 16},
		"3.14159265358979":  {4, 8},
		"Привет, как дела?": {6, 10},
	}
	for text, bounds := range tests {
		if n := inference.EstimateTokens(text); n < bounds[0] || n > bounds[1] {
			t.Errorf("%q: %d tokens, want %v", text, n, bounds)
		}
	}
}
