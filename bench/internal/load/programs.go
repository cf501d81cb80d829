package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

const completionsPath = "/v1/chat/completions"

// doneMark ends every whole stream.
var doneMark = []byte("data: [DONE]")

var errUnended = errors.New("the stream ended without [DONE]")

// program orders one stream of /v1, under one of the keys if there are any, and receives it
// to its end.
func (s Spec) program(o wire.Order, i int, t *tally, deadline time.Time) error {
	c := client.NewHTTP(s.Addr, i)
	defer c.Close()
	ended := false
	err := c.Stream(client.Request(s.Addr, completionsPath, relayBody(o), s.bearer(i)...), deadline, func(line []byte) {
		t.tokens(line, 0)
		ended = ended || bytes.HasPrefix(line, doneMark)
	})
	if err == nil && !ended {
		err = fmt.Errorf("after %d tokens: %w", t.got, errUnended)
	}
	return err
}

// bearer is the header line with the i-th client's key.
func (s Spec) bearer(i int) []string {
	if len(s.Keys) == 0 {
		return nil
	}
	return []string{"Authorization: Bearer " + s.Keys[i%len(s.Keys)]}
}

// wholes asks for answers in one piece, each request under another of the keys. The engine
// takes no time for them.
func wholes(s Spec) (Result, error) {
	o := wire.Order{Tokens: 2, Rate: wire.AtOnce}
	body := `{"model":"bench","messages":[{"role":"user","content":` + strconv.Quote(o.String()) + `}]}`
	requests := make([][]byte, len(s.Keys))
	for i := range s.Keys {
		requests[i] = client.Request(s.Addr, completionsPath, body, s.bearer(i)...)
	}
	return askAll(s, requests, []byte(`"finish_reason":"stop"`))
}
