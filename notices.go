package main

import (
	"context"
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/disclosure"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/notice"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

const (
	noticesEvery   = 5 * time.Second
	noticesTimeout = 10 * time.Minute
)

// openNotices builds what writes to everybody, and what is shown to others.
func (s *server) openNotices() {
	s.notices = notice.New(notice.Config{DB: s.db, Audit: s.audit, Accounts: s.accounts, Policy: s.policy, Outbox: s.mails, Clock: s.clock, Log: s.log, PerMinute: s.cfg.NoticesPerMinute})
	s.mails.Join(s.notices, s.policy)
	s.disclosures = disclosure.New(disclosure.Config{DB: s.db, Audit: s.audit, Owners: s.accounts, Reader: opened{s.chat}, Clock: s.clock, Log: s.log})
}

func (s *server) noticesJob() jobs.Job {
	return jobs.Job{Name: notice.Job, Every: noticesEvery, Timeout: noticesTimeout, Run: func(ctx context.Context) error { _, err := s.notices.Run(ctx); return err }}
}

// maxOpened is how many messages of a conversation an administrator sees, in pages.
const maxOpened = 2

// opened reads conversations as their owner, for who has leave to.
type opened struct{ chat *chat.Service }

func (o opened) Owns(ctx context.Context, owner viewer.Viewer, conversationID string) error {
	_, err := o.chat.FindConversation(ctx, owner, conversationID)
	return err
}

func (o opened) Read(ctx context.Context, owner viewer.Viewer, conversationID string) (disclosure.Conversation, error) {
	c, err := o.chat.FindConversation(ctx, owner, conversationID)
	if err != nil {
		return disclosure.Conversation{}, err
	}
	out, p := disclosure.Conversation{ID: c.ID, Title: c.Title, Cut: true}, page.Args{Size: page.MaxSize}
	for n := 0; n < maxOpened && out.Cut; n++ {
		ms, more, err := o.chat.Branch(ctx, owner, c, "", p)
		if err != nil {
			return disclosure.Conversation{}, err
		}
		out.Messages, out.Cut = append(out.Messages, ms...), more
		if more {
			p.After = ms[len(ms)-1].ID
		}
	}
	slices.Reverse(out.Messages)
	return out, nil
}
