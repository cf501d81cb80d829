package rest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// BenchmarkDelta is one piece of a stream, from the run to the client's socket. The client
// is on the same core.
func BenchmarkDelta(b *testing.B) {
	f := newFixture(b, nil)
	f.run.Stream = func(_ context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
		d := inference.Delta{Text: " token"}
		if err := emit(d); err != nil {
			return completion.Outcome{}, err
		}
		b.ResetTimer()
		for range b.N {
			if err := emit(d); err != nil {
				return completion.Outcome{}, err
			}
		}
		b.StopTimer()
		return completion.Outcome{FinishReason: "stop", Usage: usage}, nil
	}
	resp := f.chat(strings.TrimSuffix(goodChat, "}") + `,"stream":true}`)
	if text := f.text(resp); strings.Count(text, "token") != b.N+1 {
		b.Errorf("%d of %d tokens", strings.Count(text, "token"), b.N+1)
	}
	f.record()
}

// BenchmarkWhole is one short answer in one piece on a connection that stays, the client
// included.
func BenchmarkWhole(b *testing.B) {
	f := newFixture(b, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(goodChat), goodChat)
	r := bufio.NewReader(conn)
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if line[0] == '{' {
				break
			}
		}
		f.record()
	}
}
