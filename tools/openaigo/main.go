// Command openaigo is OpenAI's client for Go against the server in ENDPOINT, with the key
// in KEY and the model in MODEL. It prints a line for each check and exits 1 when one
// fails. LIMITED and FLAKY are what tests/clients/programs.mjs says; with REAL=1 only the
// form of answers is known.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

var (
	endpoint, key, model = os.Getenv("ENDPOINT"), os.Getenv("KEY"), os.Getenv("MODEL")
	limited, flaky       = os.Getenv("LIMITED"), os.Getenv("FLAKY")
	scripted             = os.Getenv("REAL") != "1"
	failed               = false
)

const patience = 15 * time.Second

// check runs one check and reports it.
func check(name string, run func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx); err != nil {
		failed = true
		fmt.Printf("FAIL %s: %v\n", name, err)
		return
	}
	fmt.Println("ok  ", name)
}

func connect(base, key string, options ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(base + "/v1"), option.WithAPIKey(key)}, options...)...)
	return &c
}

// saying is a request with one message of the user.
func saying(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

func short(p openai.ChatCompletionNewParams) openai.ChatCompletionNewParams {
	p.MaxCompletionTokens = openai.Int(200)
	return p
}

func main() {
	c := connect(endpoint, key)
	check("lists models", func(ctx context.Context) error { return models(ctx, c) })
	check("a completion", func(ctx context.Context) error { return whole(ctx, c) })
	check("a stream with its usage", func(ctx context.Context) error { return stream(ctx, c) })
	check("a stream that is left", func(ctx context.Context) error { return left(ctx, c) })
	check("errors", func(ctx context.Context) error { return refused(ctx, c) })
	if scripted {
		check("all parameters that apply", func(ctx context.Context) error { return many(ctx, c) })
		check("a tool, there and back", func(ctx context.Context) error { return tools(ctx, c) })
		check("JSON", func(ctx context.Context) error { return structured(ctx, c) })
		check("a stream that breaks", func(ctx context.Context) error { return breaks(ctx, c) })
	}
	if limited != "" {
		check("a limit", func(ctx context.Context) error {
			_, err := connect(limited, key, option.WithMaxRetries(1)).Chat.Completions.New(ctx, saying("hello"))
			return is(err, http.StatusTooManyRequests, "rate_limit_exceeded")
		})
	}
	if flaky != "" {
		check("a lost answer is given again", lost)
	}
	if failed {
		os.Exit(1)
	}
}

func models(ctx context.Context, c *openai.Client) error {
	page, err := c.Models.List(ctx)
	if err != nil {
		return err
	}
	for _, m := range page.Data {
		if m.ID == model {
			_, err := c.Models.Get(ctx, model)
			return err
		}
	}
	return fmt.Errorf("%s is not among %d models", model, len(page.Data))
}

func whole(ctx context.Context, c *openai.Client) error {
	got, err := c.Chat.Completions.New(ctx, short(saying("hello")))
	if err != nil {
		return err
	}
	text := got.Choices[0].Message.Content
	if text == "" || got.Usage.TotalTokens != got.Usage.PromptTokens+got.Usage.CompletionTokens || scripted && (text != "Hello there" || got.Usage.PromptTokensDetails.CachedTokens != 4) {
		return fmt.Errorf("%s", got.RawJSON())
	}
	return nil
}

func stream(ctx context.Context, c *openai.Client) error {
	p := short(saying("hello"))
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	s := c.Chat.Completions.NewStreaming(ctx, p)
	var all openai.ChatCompletionAccumulator
	for s.Next() {
		if !all.AddChunk(s.Current()) {
			return fmt.Errorf("a chunk doesn't fit: %s", s.Current().RawJSON())
		}
	}
	if s.Err() != nil {
		return s.Err()
	}
	if text := all.Choices[0].Message.Content; text == "" || all.Usage.CompletionTokens == 0 || scripted && text != "Hello there" {
		return fmt.Errorf("%q, %d tokens", text, all.Usage.CompletionTokens)
	}
	return nil
}

// many sends whatever the client's own test of all parameters sends, but for what is refused
// here; a real engine doesn't take its schema of a tool.
func many(ctx context.Context, c *openai.Client) error {
	tool := openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "name", Description: openai.String("description"), Strict: openai.Bool(true),
		Parameters: openai.FunctionParameters{"foo": "bar"}})
	got, err := c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: model,
		Messages: []openai.ChatCompletionMessageParamUnion{{OfDeveloper: &openai.ChatCompletionDeveloperMessageParam{Name: openai.String("name"),
			Content: openai.ChatCompletionDeveloperMessageParamContentUnion{OfString: openai.String("string")}}}, openai.UserMessage("hello")},
		FrequencyPenalty: openai.Float(-2), PresencePenalty: openai.Float(-2), MaxCompletionTokens: openai.Int(200), Seed: openai.Int(-9007199254740991), Temperature: openai.Float(1), TopP: openai.Float(1),
		Metadata: openai.Metadata{"foo": "string"}, Modalities: []string{"text"}, N: openai.Int(1), ParallelToolCalls: openai.Bool(true),
		Prediction:     openai.ChatCompletionPredictionContentParam{Content: openai.ChatCompletionPredictionContentContentUnionParam{OfString: openai.String("string")}},
		PromptCacheKey: openai.String("prompt-cache-key-1234"), ReasoningEffort: openai.ReasoningEffortNone, SafetyIdentifier: openai.String("safety-identifier-1234"),
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfText: new(openai.ResponseFormatTextParam)},
		ServiceTier:    openai.ChatCompletionNewParamsServiceTierAuto, Stop: openai.ChatCompletionNewParamsStopUnion{OfString: openai.String("\n")}, Store: openai.Bool(true),
		ToolChoice: openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("none")}, Tools: []openai.ChatCompletionToolUnionParam{tool},
		User: openai.String("user-1234"), Verbosity: openai.ChatCompletionNewParamsVerbosityLow})
	if err != nil {
		return err
	}
	if len(got.Choices) != 1 || scripted && got.Choices[0].Message.Content != "Hello there" {
		return fmt.Errorf("%s", got.RawJSON())
	}
	return nil
}

func left(ctx context.Context, c *openai.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := saying("endless")
	if endless := os.Getenv("ENDLESS"); endless != "" {
		p.Model = endless
	}
	s := c.Chat.Completions.NewStreaming(ctx, p)
	if !s.Next() {
		return s.Err()
	}
	cancel()
	for s.Next() {
	}
	if !errors.Is(s.Err(), context.Canceled) {
		return fmt.Errorf("it ended with %w", s.Err())
	}
	return nil
}

// is reports whether an error is the expected one of the API.
func is(err error, status int, code string) error {
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != status || e.Code != code || e.Message == "" {
		return fmt.Errorf("%d %s was expected, not %w", status, code, err)
	}
	return nil
}

func refused(ctx context.Context, c *openai.Client) error {
	_, unknown := connect(endpoint, "k2_live_wrong").Chat.Completions.New(ctx, saying("hello"))
	p := saying("hello")
	p.Model = "gpt-none"
	_, none := c.Chat.Completions.New(ctx, p)
	p = saying("hello")
	p.Temperature = openai.Float(9)
	_, hot := c.Chat.Completions.New(ctx, p)
	return errors.Join(is(unknown, 401, "invalid_api_key"), is(none, 404, "model_not_found"), is(hot, 400, "invalid_value"))
}

func tools(ctx context.Context, c *openai.Client) error {
	p := saying("weather")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "weather", Description: openai.String("How the weather is in a city"),
		Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}}})}
	first, err := c.Chat.Completions.New(ctx, p)
	if err != nil {
		return err
	}
	m := first.Choices[0].Message
	if len(m.ToolCalls) != 1 || m.ToolCalls[0].Function.Name != "weather" || first.Choices[0].FinishReason != "tool_calls" {
		return fmt.Errorf("%s", first.RawJSON())
	}
	p.Messages = append(p.Messages, m.ToParam(), openai.ToolMessage("rain", m.ToolCalls[0].ID))
	second, err := c.Chat.Completions.New(ctx, p)
	if err != nil {
		return err
	}
	if text := second.Choices[0].Message.Content; text != "The tool said: rain" {
		return errors.New(text)
	}
	return nil
}

func structured(ctx context.Context, c *openai.Client) error {
	p := saying("json")
	p.ResponseFormat.OfJSONObject = new(openai.ResponseFormatJSONObjectParam)
	got, err := c.Chat.Completions.New(ctx, p)
	if err != nil {
		return err
	}
	var answer struct{ Answer string }
	if err := json.Unmarshal([]byte(got.Choices[0].Message.Content), &answer); err != nil || answer.Answer != "yes" {
		return fmt.Errorf("%s: %w", got.RawJSON(), err)
	}
	return nil
}

func breaks(ctx context.Context, c *openai.Client) error {
	s := c.Chat.Completions.NewStreaming(ctx, saying("break"))
	var text strings.Builder
	for s.Next() {
		for _, choice := range s.Current().Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	if text.String() != "Half" || s.Err() == nil || !strings.Contains(s.Err().Error(), "upstream_failed") {
		return fmt.Errorf("%q and %w", text.String(), s.Err())
	}
	return nil
}

func lost(ctx context.Context) error {
	var resp *http.Response
	got, err := connect(flaky, key).Chat.Completions.New(ctx, saying("hello"), option.WithHeader("Idempotency-Key", "go-1"), option.WithResponseInto(&resp))
	if err != nil {
		return err
	}
	if got.Choices[0].Message.Content != "Hello there" || resp.Header.Get("Idempotency-Replayed") != "true" {
		return fmt.Errorf("%s %v", got.RawJSON(), resp.Header)
	}
	return nil
}
