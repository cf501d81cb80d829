package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// erase deletes somebody, and waits for the receipt.
func (e *exporter) erase(ctx context.Context, v viewer.Viewer, messages int) error {
	v.AuthenticatedAt = clock.System{}.Now()
	gone, err := e.accounts.Delete(ctx, v, models.EraseWord)
	for err == nil && gone.State != models.Erased {
		if err = wait(ctx, 20*time.Millisecond); err == nil {
			gone, err = e.accounts.FindErasure(ctx, gone.Ticket)
		}
	}
	if err != nil || gone.Counts["messages"] != int64(messages) {
		return fmt.Errorf("deleted were %v: %w", gone.Counts, err)
	}
	return nil
}
