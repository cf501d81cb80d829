package models_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// C-RETENTION: an answer is given again until its end, to the microsecond.
func TestAKeptAnswerIsOverAtItsEnd(t *testing.T) {
	end := time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)
	kept := models.Completion{Status: models.CompletionEnded, ExpiresAt: end}
	if kept.IsOver(end.Add(-time.Microsecond)) || !kept.IsOver(end) {
		t.Error("it is not over at its end")
	}
	running := models.Completion{Status: models.CompletionRunning, LeaseExpiresAt: end, ExpiresAt: end.Add(time.Hour)}
	if running.IsOver(end.Add(-time.Microsecond)) || !running.IsOver(end) {
		t.Error("a dead instance's is not over with its lease")
	}
}
