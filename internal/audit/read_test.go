package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P84, P110, T35: each sees what concerns them and who did it, page by page, and nothing of others; of
// the operator only that it was the operator.
func TestEachSeesWhatConcernsThem(t *testing.T) {
	r := newRoom(t)
	v, other, operator := r.person(), r.person(), r.person()
	key := v
	key.Kind, key.KeyID, key.SessionID = viewer.APIKey, "key_1", ""
	for _, e := range []audit.Entry{
		{Act: models.AuditKeyCreated, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{KeyID: "key_1"}},
		did(other, models.AuditKeyRevoked),
		{Act: models.AuditCreditsAdjusted, Subject: v.OwnerID, By: audit.Operator(operator), Facts: models.AuditFacts{Micro: -7}},
		{Act: models.AuditKeyRevoked, Subject: v.OwnerID, By: audit.By(key), Facts: models.AuditFacts{KeyID: "key_1"}},
		{Act: models.AuditSessionEnded, Subject: v.OwnerID, By: audit.System()},
		{Act: models.AuditGuestsPurged, By: audit.System()},
	} {
		r.write(e)
		r.hand.move(time.Minute)
	}
	var acts []models.AuditAct
	var actors []models.AuditActor
	p := page.Args{Size: 3}
	for {
		rows, more, err := r.AccessLog(t.Context(), v, p)
		r.must(err)
		for _, e := range rows {
			acts, actors = append(acts, e.Act), append(actors, e.Actor)
			if (e.SessionID != "") != (e.Act == models.AuditKeyCreated) || (e.ActorKeyID != "") != (e.Actor == models.AuditByKey) {
				t.Errorf("%+v", e)
			}
			if c := e.Credits(); (c != nil) != (e.Act == models.AuditCreditsAdjusted) || c != nil && *c != -7 {
				t.Errorf("%+v moves %v", e, c)
			}
		}
		if !more {
			break
		}
		last := rows[len(rows)-1]
		p.After = audit.Position(last.At, last.ID)
	}
	if want := []models.AuditAct{models.AuditSessionEnded, models.AuditKeyRevoked, models.AuditCreditsAdjusted, models.AuditKeyCreated}; !slices.Equal(acts, want) {
		t.Errorf("%v", acts)
	}
	if want := []models.AuditActor{models.AuditBySystem, models.AuditByKey, models.AuditByOperator, models.AuditByOwner}; !slices.Equal(actors, want) {
		t.Errorf("%v", actors)
	}
	for _, nobody := range []viewer.Viewer{{}, {Kind: viewer.Visitor}, key} {
		if rows, _, err := r.AccessLog(t.Context(), nobody, page.Args{Size: 10}); err != nil || len(rows) > 0 {
			t.Errorf("%s sees %v, %v", nobody, rows, err)
		}
	}
}

// T35: the operator sees all acts, by kind and time, with whom they concern as long as that
// is somebody; nobody else does.
func TestTheOperatorSeesAllActs(t *testing.T) {
	r := newRoom(t)
	v, operator := r.person(), r.person()
	operator.Admin = true
	began := r.hand.Now()
	for _, e := range []audit.Entry{did(v, models.AuditKeyCreated), {Act: models.AuditCreditsAdjusted, Subject: v.OwnerID, By: audit.Operator(operator)}, {Act: models.AuditOperatorLinkMade, By: audit.Terminal()}} {
		r.write(e)
		r.link()
		r.hand.move(time.Hour)
	}
	records := func(f audit.Filter) []*models.AuditRecord {
		t.Helper()
		rows, _, err := r.Records(t.Context(), operator, page.Args{Size: 10}, f)
		r.must(err)
		return rows
	}
	all := records(audit.Filter{})
	if len(all) != 3 || all[0].OwnerID != nil || all[0].ActorID != nil || *all[1].OwnerID != v.OwnerID || *all[1].ActorID != operator.OwnerID || *all[2].Place != 1 {
		t.Errorf("%+v", all)
	}
	if got := records(audit.Filter{Acts: []models.AuditAct{models.AuditKeyCreated, models.AuditKeyRevoked}}); len(got) != 1 || got[0].ID != all[2].ID {
		t.Errorf("by act: %+v", got)
	}
	if got := records(audit.Filter{From: began.Add(time.Hour), To: began.Add(2 * time.Hour)}); len(got) != 1 || got[0].ID != all[1].ID {
		t.Errorf("by time: %+v", got)
	}
	r.must(r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID))
	if got := records(audit.Filter{}); len(got) != 3 || got[1].OwnerID != nil || *got[1].ActorID != operator.OwnerID {
		t.Errorf("once it is gone: %+v", got)
	}
	if _, _, err := r.Records(t.Context(), v, page.Args{Size: 10}, audit.Filter{}); !fault.Is(err, fault.Forbidden) {
		t.Error(err)
	}
	if _, _, err := r.Records(t.Context(), operator, page.Args{Size: 10}, audit.Filter{From: began, To: began}); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
