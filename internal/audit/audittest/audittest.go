// Package audittest writes acts down in tests.
package audittest

import (
	"bytes"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
)

// New is a service with the machine's clock and a secret of its own.
func New(db *database.DB) *audit.Service {
	return audit.New(audit.Config{DB: db, Clock: clock.System{}, Secret: bytes.Repeat([]byte{7}, 32)})
}
