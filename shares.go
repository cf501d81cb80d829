package main

import "github.com/kimi-k2/kimi-k2/internal/share"

// openShares builds what lets people share conversations by link.
func (s *server) openShares(secret []byte) {
	s.shares = share.New(share.Config{DB: s.db, Audit: s.audit, Conversations: s.chat, Owners: s.accounts, Policy: s.policy, Clock: s.clock, Secret: secret, Off: s.cfg.Shares == "off"})
}
