// Command go-sse asks, and prints the answer as it comes over an event stream. Go's
// standard library is enough.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	log.SetFlags(0)
	question := "Say hello in one sentence."
	if len(os.Args) > 1 {
		question = os.Args[1]
	}
	if err := ask(question); err != nil {
		log.Fatal(err)
	}
}

const send = `mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { id } userErrors { code message } } }`

const follow = `subscription($id: ID!) { replyEvents(replyId: $id, afterSeq: 0) {
	__typename
	... on ReplyDelta { seq text }
	... on ReplyFinished { usage { promptTokens outputTokens } credits }
	... on ReplyFailed { error { code message } }
} }`

type problem struct{ Code, Message string }

func ask(question string) error {
	// clientId makes the send safe to repeat: the same id never sends twice.
	body, err := post(send, map[string]any{"i": map[string]any{"clientId": rand.Text(), "text": question}}, "application/json")
	if err != nil {
		return err
	}
	defer body.Close()
	var sent struct {
		MessageSend struct {
			Reply      *struct{ ID string }
			UserErrors []problem
		}
	}
	answer, err := io.ReadAll(body)
	if err == nil {
		err = decode(answer, &sent)
	}
	if err != nil {
		return err
	}
	if sent.MessageSend.Reply == nil {
		return fmt.Errorf("refused: %v", sent.MessageSend.UserErrors)
	}
	return print(sent.MessageSend.Reply.ID)
}

// print follows a reply to its end.
func print(replyID string) error {
	stream, err := post(follow, map[string]any{"id": replyID}, "text/event-stream")
	if err != nil {
		return err
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: {")
		if !ok {
			continue
		}
		var got struct {
			ReplyEvents struct {
				Typename string `json:"__typename"`
				Text     string
				Usage    struct{ PromptTokens, OutputTokens int }
				Credits  string
				Error    problem
			}
		}
		if err := decode([]byte("{"+data), &got); err != nil {
			return err
		}
		switch e := got.ReplyEvents; e.Typename {
		case "ReplyDelta":
			fmt.Print(e.Text)
		case "ReplyFinished":
			fmt.Printf("\n%d tokens read, %d written, %s credits\n", e.Usage.PromptTokens, e.Usage.OutputTokens, e.Credits)
		case "ReplyFailed":
			return fmt.Errorf("%s: %s", e.Error.Code, e.Error.Message)
		}
	}
	return lines.Err()
}

// post posts a document.
func post(query string, variables map[string]any, accept string) (io.ReadCloser, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	url := cmp.Or(os.Getenv("KIMI_URL"), "http://localhost:8080") + "/graphql"
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("KIMI_API_KEY"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// decode reads an answer's data, or says why there is none.
func decode(answer []byte, data any) error {
	got := struct {
		Data   any
		Errors []problem
	}{Data: data}
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if len(got.Errors) > 0 {
		return fmt.Errorf("refused: %s", got.Errors[0].Message)
	}
	return nil
}
