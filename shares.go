package main

import "github.com/kimi-k2/kimi-k2/internal/share"

// openShares builds what lets people share conversations by link.
func (s *server) openShares(secret []byte) {
	s.shares = share.New(share.Config{DB: s.db, Audit: s.audit, Conversations: s.chat, Owners: s.accounts, Policy: s.policy, Clock: s.clock, Secret: secret,
		PerGuest: int64(s.cfg.ImportPerGuest) << 20, PerAccount: int64(s.cfg.ImportPerAccount) << 20, Off: s.cfg.Shares == "off"})
}
