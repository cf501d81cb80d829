// Command go-genqlient asks with typed Go made from the schema, and prints the answer as
// it comes over a websocket.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"
)

func main() {
	log.SetFlags(0)
	question := "Say hello in one sentence."
	if len(os.Args) > 1 {
		question = os.Args[1]
	}
	if err := ask(context.Background(), question); err != nil {
		log.Fatal(err)
	}
}

func ask(ctx context.Context, question string) error {
	url := cmp.Or(os.Getenv("KIMI_URL"), "http://localhost:8080") + "/graphql"
	bearer := "Bearer " + os.Getenv("KIMI_API_KEY")
	// clientId makes the send safe to repeat: the same id never sends twice.
	sent, err := Send(ctx, graphql.NewClient(url, &http.Client{Transport: keyed(bearer)}), MessageSendInput{ClientId: rand.Text(), Text: question})
	if err != nil {
		return err
	}
	if sent.MessageSend.Reply == nil {
		return errors.New(sent.MessageSend.UserErrors[0].GetMessage())
	}

	socket := graphql.NewClientUsingWebSocket(strings.Replace(url, "http", "ws", 1), dialer{websocket.DefaultDialer},
		graphql.WithConnectionParams(map[string]any{"authorization": bearer}))
	failed, err := socket.Start(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	events, _, err := Follow(ctx, socket, sent.MessageSend.Reply.Id)
	if err != nil {
		return err
	}
	for {
		select {
		case err := <-failed:
			return err
		case event, more := <-events:
			if !more {
				return nil
			}
			if event.Errors != nil {
				return event.Errors
			}
			if err := show(event.Data.ReplyEvents); err != nil {
				return err
			}
		}
	}
}

func show(event FollowReplyEventsReplyEvent) error {
	switch e := event.(type) {
	case *FollowReplyEventsReplyDelta:
		fmt.Print(e.Text)
	case *FollowReplyEventsReplyFinished:
		fmt.Printf("\n%d tokens read, %d written, %s credits\n", e.Usage.PromptTokens, e.Usage.OutputTokens, *e.Credits)
	case *FollowReplyEventsReplyFailed:
		return errors.New(e.Error.Message)
	}
	return nil
}

// keyed is a transport that sends the API key.
type keyed string

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// dialer opens websockets for genqlient.
type dialer struct{ *websocket.Dialer }

func (d dialer) DialContext(ctx context.Context, url string, h http.Header) (graphql.WSConn, error) {
	conn, resp, err := d.Dialer.DialContext(ctx, url, h)
	if resp != nil {
		resp.Body.Close()
	}
	return conn, err
}
