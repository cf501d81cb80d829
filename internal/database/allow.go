package database

import (
	"fmt"
	"time"

	"gorm.io/gorm"
)

// AllowTx lets each statement of the transaction take so long, instead of the time that
// Config.StatementTimeout gives all others: for deletions, whose cascades may be large.
func AllowTx(tx *gorm.DB, d time.Duration) error {
	if err := tx.Exec("SET LOCAL statement_timeout = " + millis(d)).Error; err != nil {
		return fmt.Errorf("allow a statement its time: %w", err)
	}
	return nil
}
