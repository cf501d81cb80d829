package inferencetest_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

func TestTextIsTheSameForTheSameRequestAndGoesOnWhereItWasCut(t *testing.T) {
	ask := func(more ...openai.Message) inferencetest.Request {
		return inferencetest.Request{Request: openai.Request{Messages: append([]openai.Message{{Role: "user", Content: "hi"}}, more...)}}
	}
	whole := inferencetest.Text(ask())
	if whole != inferencetest.Text(ask()) || !strings.Contains(whole, "hi") {
		t.Errorf("got %q", whole)
	}
	rest := inferencetest.Text(ask(openai.Message{Role: "assistant", Content: whole[:10], Partial: true}))
	if whole[:10]+rest != whole {
		t.Errorf("got %q after %q", rest, whole[:10])
	}
	if got := strings.Join(inferencetest.Pieces(whole), ""); got != whole || len(inferencetest.Pieces(whole)) < 5 {
		t.Errorf("the pieces are %q", inferencetest.Pieces(whole))
	}
}
