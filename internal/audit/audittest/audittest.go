// Package audittest writes acts down in tests.
package audittest

import (
	"bytes"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
)

// New is a service with the machine's clock and a secret of its own.
func New(db *database.DB) *audit.Service { return Under(db, bytes.Repeat([]byte{7}, 32)) }

// Under is a service with the secret of servers that run on the same database.
func Under(db *database.DB, secret []byte) *audit.Service {
	return audit.New(audit.Config{DB: db, Clock: clock.System{}, Secret: secret})
}
