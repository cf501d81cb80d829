package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

const (
	paidDocument = `mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { id } userErrors { code ... on InsufficientCreditsError { needed available } } } }`
	costDocument = `query($id: ID!) { node(id: $id) { ... on Message { status text credits usage { promptTokens cachedTokens outputTokens estimated } } } }`
	bookDocument = `{ viewer { credits { balance held available owed } ledgerEntries { nodes { kind amount reason usage { feature modelId status credits price { input cachedInput output } } } } } }`
)

// priced is a product whose engine's model costs what priceList says. New accounts get a
// number of credits.
func priced(t *testing.T, signup int, settings ...string) *product {
	t.Helper()
	return start(t, append([]string{priceList(t), fmt.Sprintf("SIGNUP_CREDITS=%d", signup), "CHARGE=on"}, settings...)...)
}

// priceList is the setting by which a token read costs a micro-credit, half of it when
// cached, and one written three.
func priceList(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "models.json")
	catalogue := fmt.Sprintf(`{"models": [{"id": %q, "name": "Priced", "engineId": %q, "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
		"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}], "unknown": {"contextTokens": 8192, "maxOutputTokens": 4096}}`, inferencetest.ModelID, inferencetest.ModelID)
	if err := os.WriteFile(file, []byte(catalogue), 0o600); err != nil {
		t.Fatal(err)
	}
	return "MODELS_FILE=" + file
}

// told is an engine's usage.
func told(prompt, cached, output int64) inferencetest.Step {
	u := openai.Usage{PromptTokens: prompt, CompletionTokens: output}
	if cached > 0 {
		u.PromptTokensDetails = &openai.PromptDetails{CachedTokens: cached}
	}
	return inferencetest.Usage(u)
}

// reply sends a message and waits for the end of its reply.
func (b *browser) paidReply(clientID, text string) any {
	b.p.t.Helper()
	sent := at(b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": clientID, "text": text}}), "data", "messageSend")
	id, ok := at(sent, "reply", "id").(string)
	if !ok {
		b.p.t.Fatalf("not sent: %v", sent)
	}
	return b.end(id)
}

// end is a reply once it has ended.
func (b *browser) end(id string) any {
	b.p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		m := at(b.ask(costDocument, map[string]any{"id": id}), "data", "node")
		if s := at(m, "status"); s != "PENDING" && s != "STREAMING" {
			return m
		}
	}
	b.p.t.Fatal("the reply does not end")
	return nil
}

// books proves the ledger.
func (p *product) books() {
	p.t.Helper()
	r, err := p.server.credit.Verify(p.t.Context())
	if err != nil || !r.OK {
		p.t.Errorf("the books: %v %+v", err, r.Findings)
	}
	var out bytes.Buffer
	if err := printReport(&out, r); err != nil || strings.Contains(out.String(), "FAIL") {
		p.t.Error(err, out.String())
	}
}

// P61, P62, P63, P65, P68, F9, F10, F12, F14, F16: what is charged in each phase of a reply.
func TestChargeByPhase(t *testing.T) {
	p := priced(t, 1)
	b := p.signIn("payer")
	text := strings.Repeat("word ", 40) // 50 tokens by our own count
	for name, c := range map[string]struct {
		script inferencetest.Script
		want   string
	}{
		"complete, with the engine's usage": {inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 40, 7), inferencetest.Done()},
			`{"status":"COMPLETE","text":"Hello","credits":"0.000101","usage":{"promptTokens":100,"cachedTokens":40,"outputTokens":7,"estimated":false}}`},
		"complete without usage: our own count": {inferencetest.Script{inferencetest.Say(text), inferencetest.Finish("stop"), inferencetest.Done()},
			`{"status":"COMPLETE","text":"` + text + `","credits":"0.000155","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":50,"estimated":true}}`},
		"negative usage: our own count": {inferencetest.Script{inferencetest.Say(text), inferencetest.Finish("stop"), told(-5, 0, -50), inferencetest.Done()},
			`{"status":"COMPLETE","text":"` + text + `","credits":"0.000155","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":50,"estimated":true}}`},
		"absurd usage: our own count": {inferencetest.Script{inferencetest.Say(text), inferencetest.Finish("stop"), told(10, 0, 900000), inferencetest.Done()},
			`{"status":"COMPLETE","text":"` + text + `","credits":"0.000155","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":50,"estimated":true}}`},
		"refused before the first token: nothing": {inferencetest.Refuse(400, `{"error":{"message":"a long text of an error that is no output"}}`),
			`{"status":"FAILED","text":"","credits":"0","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":0,"estimated":true}}`},
		"cut after some tokens: what was delivered": {inferencetest.Script{inferencetest.Say(text), inferencetest.Cut()},
			`{"status":"FAILED","text":"` + text + `","credits":"0.000155","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":50,"estimated":true}}`},
		"nothing written though the engine counts: nothing": {inferencetest.Script{inferencetest.Finish("stop"), told(100, 0, 3), inferencetest.Done()}, ""},
	} {
		p.engine.Queue(c.script)
		got := b.paidReply("c-"+name[:12], "m")
		if c.want == "" {
			if at(got, "credits") != "0" {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		t.Run(name, func(t *testing.T) { want(t, got, c.want) })
	}
	var marked int
	if err := p.server.db.Gorm(t.Context()).Raw("SELECT count(*) FROM usage_rows WHERE quarantined").Scan(&marked).Error; err != nil || marked != 2 {
		t.Errorf("%d acts in quarantine, %v", marked, err)
	}
	if held := at(b.ask(bookDocument, nil), "data", "viewer", "credits", "held"); held != "0" {
		t.Errorf("%v is still held", held)
	}
	p.books()
}

// P60, P67, T26, F11, F15, F18: what the balance doesn't cover is refused before the engine is asked, with
// needed and available; of parallel messages exactly those are let in that fit.
func TestSendingWithoutEnoughCredits(t *testing.T) {
	p := priced(t, 0, "STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000")
	b := p.signIn("poor")
	send := func(n int) any {
		return at(b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": fmt.Sprint("c", n), "text": "m"}}), "data", "messageSend")
	}
	want(t, send(0), `{"reply":null,"userErrors":[{"code":"INSUFFICIENT_CREDITS","needed":"0.003077","available":"0"}]}`)
	operator := p.operator()
	given := at(operator.ask(`mutation($i: CreditAdjustInput!) { creditAdjust(input: $i) { balance userErrors { code field } } }`,
		map[string]any{"i": map[string]any{"clientId": "g1", "account": "poor@example.org", "amount": "0.021539", "reason": "seven messages"}}), "data", "creditAdjust")
	want(t, given, `{"balance":"0.021539","userErrors":[]}`)
	release := make(chan struct{})
	p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Wait(release), inferencetest.Say("Hi"), inferencetest.Finish("stop"), told(5, 0, 1), inferencetest.Done()}
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var admitted []string
	for n := range 40 {
		wg.Go(func() {
			got := send(n + 1)
			mu.Lock()
			defer mu.Unlock()
			if id, ok := at(got, "reply", "id").(string); ok {
				admitted = append(admitted, id)
			}
		})
	}
	wg.Wait()
	close(release)
	if len(admitted) != 7 {
		t.Errorf("%d messages were let in, the balance is for 7", len(admitted))
	}
	for _, id := range admitted {
		b.end(id)
	}
	want(t, at(b.ask(`{ viewer { credits { balance held } ledgerEntries(filter: {kinds: [GRANT]}) { nodes { kind amount reason } } usage(from: "`+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+`", to: "`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`", by: [FEATURE]) { total { acts credits } groups { feature sum { acts } } } } }`, nil), "data", "viewer"),
		`{"credits":{"balance":"0.021483","held":"0"},"ledgerEntries":{"nodes":[{"kind":"GRANT","amount":"0.021539","reason":"seven messages"}]},"usage":{"total":{"acts":7,"credits":"0.000056"},"groups":[{"feature":"CHAT","sum":{"acts":7}}]}}`)
	p.books()
}

// P62, P64: a stopped reply is charged for what was delivered, once however often it is
// stopped, and what is continued is another charge.
func TestStoppedAndContinuedRepliesAreChargedByPhase(t *testing.T) {
	p := priced(t, 1)
	b := p.signIn("stopper")
	text := strings.Repeat("word ", 40)
	hang := make(chan struct{})
	defer close(hang)
	p.engine.Queue(inferencetest.Script{inferencetest.Say(text), inferencetest.Wait(hang)})
	sent := at(b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "c", "text": "m"}}), "data", "messageSend")
	id := at(sent, "reply", "id").(string)
	for deadline := time.Now().Add(patience); at(b.ask(costDocument, map[string]any{"id": id}), "data", "node", "text") != text; {
		if time.Now().After(deadline) {
			t.Fatal("nothing was written")
		}
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			b.ask(`mutation($id: ID!) { replyStop(input: {replyId: $id}) { userErrors { code } } }`, map[string]any{"id": id})
		})
	}
	wg.Wait()
	want(t, b.end(id), `{"status":"STOPPED","text":"`+text+`","credits":"0.000155","usage":{"promptTokens":5,"cachedTokens":0,"outputTokens":50,"estimated":true}}`)
	p.engine.Queue(inferencetest.Script{inferencetest.Say("end"), inferencetest.Finish("stop"), told(60, 0, 1), inferencetest.Done()})
	b.ask(`mutation($id: ID!) { replyContinue(input: {replyId: $id}) { userErrors { code } } }`, map[string]any{"id": id})
	want(t, b.end(id), `{"status":"COMPLETE","text":"`+text+`end","credits":"0.000218","usage":{"promptTokens":65,"cachedTokens":0,"outputTokens":51,"estimated":true}}`)
	want(t, at(b.ask(bookDocument, nil), "data", "viewer", "ledgerEntries", "nodes"), `[
		{"kind":"CHARGE","amount":"-0.000063","reason":"","usage":{"feature":"CONTINUE","modelId":"`+inferencetest.ModelID+`","status":"COMPLETE","credits":"0.000063","price":{"input":"1","cachedInput":"0.5","output":"3"}}},
		{"kind":"CHARGE","amount":"-0.000155","reason":"","usage":{"feature":"CHAT","modelId":"`+inferencetest.ModelID+`","status":"STOPPED","credits":"0.000155","price":{"input":"1","cachedInput":"0.5","output":"3"}}},
		{"kind":"GRANT","amount":"1","reason":"","usage":null}]`)
	const acts = `query($id: ID!) { node(id: $id) { ... on Message { acts { feature credits } } } }`
	want(t, at(b.ask(acts, map[string]any{"id": id}), "data", "node", "acts"), `[{"feature":"CHAT","credits":"0.000155"},{"feature":"CONTINUE","credits":"0.000063"}]`)
	want(t, at(p.signIn("another").ask(acts, map[string]any{"id": id}), "data", "node"), `null`)
	p.books()
}

// L8: the job and `kimi-k2 verify` find a reply that has ended without its row of usage,
// though it cost nothing.
func TestVerifyFindsAReplyWithoutItsRowOfUsage(t *testing.T) {
	p := priced(t, 1)
	b := p.signIn("payer")
	p.engine.Queue(inferencetest.Refuse(400, `{}`))
	if got := b.paidReply("c", "m"); at(got, "credits") != "0" {
		t.Fatal(got)
	}
	p.books()
	if err := p.server.db.Gorm(t.Context()).Exec(`DELETE FROM usage_rows`).Error; err != nil {
		t.Fatal(err)
	}
	if c, err := p.server.credit.RunCheck(t.Context()); err != nil || c.OK {
		t.Errorf("the job says %t %v", c.OK, err)
	}
	var out bytes.Buffer
	err := runVerify(t.Context(), p.server.cfg, &out)
	if !errors.Is(err, errBooks) || strings.Count(out.String(), "FAIL") != 1 || !strings.Contains(out.String(), "FAIL  L8   an act that has ended and had a hold has its row of usage (1 checked)\n        run_") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// A tokenizer that isn't there stops the start, and says which there are.
func TestAnUnknownTokenizerStopsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, []byte(`{"models": [{"id": "a", "contextTokens": 100, "maxOutputTokens": 10, "tokenizer": "o200k"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load([]string{"MODELS_FILE=" + file, "DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	err = (&server{cfg: cfg}).openEngine(t.Context())
	if want := "MODELS_FILE: model catalogue " + file + `: model 1 ("a"): tokenizer "o200k" must be none, o200k_base or cl100k_base`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// The operator sees of each model how far our own count was off, and how it was counted.
func TestTheErrorOfOurCountIsToldByModel(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Models(inferencetest.ModelID, "gpt-oss:20b")
	fake.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say("3 1 4 1 5 9 2 6"), inferencetest.Finish("stop"), told(50, 0, 15), inferencetest.Done()}
	})
	p := priced(t, 10, "INFERENCE_URL="+fake.URL())
	vocabulary.Load(inference.TokenizerO200k)
	for n := range 5 {
		b := p.signIn(fmt.Sprint("payer", n))
		for _, model := range []string{inferencetest.ModelID, "gpt-oss:20b"} {
			sent := b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": model, "text": "m", "modelId": model}})
			id, _ := at(sent, "data", "messageSend", "reply", "id").(string)
			if m := b.end(id); at(m, "status") != "COMPLETE" {
				t.Fatalf("%v of %v", m, sent)
			}
		}
	}
	want(t, at(p.operator().ask(`{ operator { estimateErrors { modelId tokenizer acts outputRatio } } }`, nil), "data", "operator", "estimateErrors"),
		`[{"modelId":"gpt-oss:20b","tokenizer":"o200k_base","acts":5,"outputRatio":1},{"modelId":"`+inferencetest.ModelID+`","tokenizer":null,"acts":5,"outputRatio":0.3333333333333333}]`)
}
