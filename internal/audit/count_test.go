package audit_test

import (
	"maps"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/models"
)

// P82: what administrators did in a period is counted by act, and nothing of others.
func TestActsOfAdministratorsAreCounted(t *testing.T) {
	r := newRoom(t)
	admin, somebody := r.person(), r.person()
	admin.Admin = true
	by := audit.Operator(admin)
	gave := audit.Entry{Act: models.AuditCreditsAdjusted, Subject: somebody.OwnerID, By: by}
	r.write(gave)
	r.hand.move(100 * 24 * time.Hour)
	r.write(gave, gave, audit.Entry{Act: models.AuditMailRetried, Subject: somebody.OwnerID, By: by}, did(somebody, models.AuditKeyCreated))
	got, err := r.Count(t.Context(), models.AuditByOperator, r.hand.Now().Add(-90*24*time.Hour))
	want := map[models.AuditAct]int64{models.AuditCreditsAdjusted: 2, models.AuditMailRetried: 1}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}
