package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// P86: versions of versions are refused before anything is read, however they are asked for;
// of very many versions the newest are told, and always the message that is asked of.
func TestVersionsDoNotMultiply(t *testing.T) {
	p := start(t)
	b := p.browser()
	sent := at(b.send("c1", "first"), "data", "messageSend")
	conversation, message := at(sent, "conversation", "id").(string), at(sent, "message", "id").(string)
	for _, inside := range []string{
		`siblings { siblings { siblings { id } } }`,
		`children { siblings { id } }`,
		`siblings { parent { children { id } } }`,
		`siblings { ...F }`,
		`children { conversation { branch(first: 1) { nodes { ... on Node { ... on Message { siblings { id } } } } } } }`,
	} {
		query := `query($id: ID!) { node(id: $id) { ... on Conversation { branch(first: 1) { nodes { ` + inside + ` } } } } }`
		if inside == `siblings { ...F }` {
			query += ` fragment F on Message { again: children { id } }`
		}
		answer := b.ask(query, map[string]any{"id": conversation})
		if code(answer) != "QUERY_TOO_COSTLY" || answer["data"] != nil {
			t.Errorf("%s: %v", inside, answer)
		}
	}
	first := new(models.Message)
	db := p.server.db.Gorm(t.Context())
	if err := db.Where("id = ?", message).Take(first).Error; err != nil {
		t.Fatal(err)
	}
	for range chat.MaxChildren + 20 {
		m := models.Message{OwnerID: first.OwnerID, ID: id.New(id.Message), ConversationID: conversation, Role: models.RoleUser, Status: models.MessageComplete, CreatedAt: time.Now()}
		if err := db.Create(&m).Error; err != nil {
			t.Fatal(err)
		}
	}
	for _, selection := range []string{`id`, `id role`} {
		answer := b.ask(fmt.Sprintf(`query($id: ID!) { node(id: $id) { ... on Message { siblings { %s } } } }`, selection), map[string]any{"id": message})
		all, _ := at(answer, "data", "node", "siblings").([]any)
		if len(all) != chat.MaxChildren || at(all, 0, "id") != message || at(all, 1, "id") == message {
			t.Errorf("%d versions: %.300v", len(all), answer)
		}
	}
	// What a page of the branch may cost: each message's versions at their full number.
	if answer := b.ask(`query($id: ID!) { node(id: $id) { ... on Conversation { branch(first: 40) { nodes { text siblings { text } } } } } }`, map[string]any{"id": conversation}); code(answer) != "QUERY_TOO_COSTLY" {
		t.Errorf("%.300v", answer)
	}
	if answer := b.ask(`query($id: ID!) { node(id: $id) { ... on Conversation { branch(first: 40) { nodes { text siblings { id } } } } } }`, map[string]any{"id": conversation}); answer["errors"] != nil {
		t.Errorf("%.300v", answer)
	}
}
