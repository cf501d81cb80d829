package chat

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	maxTitleRunes = 60
	titleTimeout  = 20 * time.Second
	titleWatch    = 700 * time.Millisecond // between two looks whether it may still be made
	titleTokens   = 32
	titleSource   = 2000 // bytes of question and answer that the engine is shown
	titleAsk      = "Write a title for this conversation in its language: at most six words, no quotation marks, no full stop. Answer with the title only."
)

// firstWords is a title made of the beginning of a text.
func firstWords(text string) string {
	line := strings.Join(strings.Fields(strings.TrimLeft(text, "#>*-` \t\r\n")), " ")
	if line == "" {
		line = strings.Join(strings.Fields(text), " ")
	}
	if utf8.RuneCountInString(line) <= maxTitleRunes {
		return line
	}
	cut := string([]rune(line)[:maxTitleRunes])
	if i := strings.LastIndexByte(cut, ' '); i > maxTitleRunes/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.") + "…"
}

// title replaces first words by a short generated title after the first complete
// reply of a conversation, if the engine is a real one and the setting is on. It
// runs beside everything else and failing costs nothing. Whoever withdraws what was
// agreed to, or deletes the conversation, ends it within a second.
func (s *Service) title(r *activeRun) {
	if !s.Titles || s.Engine.Info().Kind == inference.KindDemo || len(r.req.Messages) != 1 || s.isDraining() {
		return
	}
	_, reply, _, status := r.log.content()
	if status != models.MessageComplete || reply == "" {
		return
	}
	s.workers.start(func() {
		ctx, cancel := context.WithTimeout(s.ctx, titleTimeout)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("a title broke down", "conversation", r.row.ConversationID, "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
			}
		}()
		defer s.watchTitle(ctx, cancel, r)()
		if err := s.writeTitle(ctx, r, reply); err != nil && ctx.Err() == nil {
			s.log.Info("no generated title", "conversation", r.row.ConversationID, "err", err)
		}
	})
}

// mayTitle refuses where the owner may not send any more, or the conversation is gone.
func (s *Service) mayTitle(ctx context.Context, r *activeRun) error {
	h := r.holder()
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		v := viewer.Viewer{OwnerID: h.ownerID, Key: h.key}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		var there bool
		if err := tx.Raw(`SELECT EXISTS (SELECT FROM conversations WHERE owner_id = ? AND id = ?)`, h.ownerID, r.row.ConversationID).Scan(&there).Error; err != nil {
			return fmt.Errorf("look for the conversation: %w", err)
		}
		if !there {
			return fault.New(fault.NotFound, "there is no such conversation")
		}
		return s.Gate.CheckTx(tx, v)
	})
}

// watchTitle ends a title that is being waited for once it may not be made any more.
func (s *Service) watchTitle(ctx context.Context, cancel context.CancelFunc, r *activeRun) (end func()) {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for t := time.NewTicker(titleWatch); ; {
			select {
			case <-over:
				t.Stop()
				return
			case <-t.C:
			}
			if err := s.mayTitle(ctx, r); err != nil && ctx.Err() == nil {
				cancel()
			}
		}
	})
	return func() { close(over); watching.Wait() }
}

func (s *Service) writeTitle(ctx context.Context, r *activeRun, reply string) error {
	ready := func(ctx context.Context) error { return s.mayTitle(ctx, r) }
	if err := ready(ctx); err != nil {
		return err
	}
	text, _, err := s.Engine.Complete(ctx, inference.Request{Model: r.model, MaxOutputTokens: titleTokens, Principal: r.holder().ownerID, Ready: ready, Messages: []inference.Message{
		{Role: inference.RoleUser, Text: clip(r.req.Messages[0].Text, titleSource)},
		{Role: inference.RoleAssistant, Text: clip(reply, titleSource)},
		{Role: inference.RoleUser, Text: titleAsk},
	}})
	if err != nil {
		return err
	}
	title := cleanTitle(text)
	if title == "" {
		return nil
	}
	h := r.holder()
	res := s.DB.Gorm(ctx).Model(&models.Conversation{}).
		Where("owner_id = ? AND id = ? AND title_source = ?", h.ownerID, r.row.ConversationID, models.TitleFirstWords).
		Updates(map[string]any{"title_sealed": h.key.SealString(titlePlace(h.ownerID, r.row.ConversationID), title), "title_source": models.TitleGenerated})
	if res.Error == nil && res.RowsAffected == 1 {
		s.announce(h.ownerID, event{Kind: eventChanged, Conversation: r.row.ConversationID})
	}
	return res.Error
}

// cleanTitle takes the first line of what a model calls a title.
func cleanTitle(s string) string {
	for line := range strings.Lines(s) {
		line = strings.Trim(strings.TrimSpace(line), "\"'“”‘’«»《》「」*#. ")
		if strings.IndexFunc(line, visible) >= 0 {
			return firstWords(line)
		}
	}
	return ""
}

// clip is the first n bytes of s, cut between runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
