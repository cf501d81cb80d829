package main

import (
	"github.com/kimi-k2/kimi-k2/internal/inventory"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// openInventory builds what answers for what is held about somebody, from the register.
func (s *server) openInventory() (*inventory.Service, error) {
	r, err := register.Load(policyfiles.Files())
	if err != nil {
		return nil, err
	}
	return inventory.New(rows.Reader{DB: s.db, Register: r}), nil
}
