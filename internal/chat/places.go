package chat

import (
	"strconv"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// Where sealed values live.

func titlePlace(owner, conversation string) seal.Place {
	return seal.Place{Table: "conversations", Column: "title_sealed", Row: conversation, Owner: owner}
}

func messagePlace(column, owner, message string) seal.Place {
	return seal.Place{Table: "messages", Column: column, Row: message, Owner: owner}
}

func chunkPlace(owner, run string, seq int) seal.Place {
	return seal.Place{Table: "run_chunks", Column: "body_sealed", Row: run + "/" + strconv.Itoa(seq), Owner: owner}
}

func sealMessage(k *seal.Key, m *models.Message) {
	m.TextSealed = sealText(k, messagePlace("text_sealed", m.OwnerID, m.ID), m.Text)
	m.ReasoningSealed = sealText(k, messagePlace("reasoning_sealed", m.OwnerID, m.ID), m.Reasoning)
	m.ErrorSealed = sealText(k, messagePlace("error_sealed", m.OwnerID, m.ID), m.ErrorMessage)
}

// sealText leaves nothing where there is nothing.
func sealText(k *seal.Key, p seal.Place, text string) []byte {
	if text == "" {
		return nil
	}
	return k.SealString(p, text)
}

func openMessage(k *seal.Key, m *models.Message) (err error) {
	if m.Text, err = k.OpenString(messagePlace("text_sealed", m.OwnerID, m.ID), m.TextSealed); err != nil {
		return err
	}
	if m.Reasoning, err = k.OpenString(messagePlace("reasoning_sealed", m.OwnerID, m.ID), m.ReasoningSealed); err != nil {
		return err
	}
	m.ErrorMessage, err = k.OpenString(messagePlace("error_sealed", m.OwnerID, m.ID), m.ErrorSealed)
	return err
}

func openConversation(k *seal.Key, c *models.Conversation) (err error) {
	c.Title, err = k.OpenString(titlePlace(c.OwnerID, c.ID), c.TitleSealed)
	return err
}
