package share_test

import (
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P96, P100, P102, P95: whatever is shared while its conversation is deleted, its owner goes or
// its consent is withdrawn, nothing of it opens or is left once that is over.
func TestSharingRacesItsEnd(t *testing.T) {
	for name, end := range map[string]func(r *room, v viewer.Viewer, c talk) error{
		"the conversation": func(r *room, v viewer.Viewer, c talk) error { return r.chat.DeleteConversation(t.Context(), v, c.id) },
		"the owner": func(r *room, v viewer.Viewer, _ talk) error {
			_, err := r.db.Pool().Exec(t.Context(), `DELETE FROM owners WHERE id = $1`, v.OwnerID)
			return err
		},
		"the consent": func(r *room, v viewer.Viewer, _ talk) error {
			_, _, err := r.policy.SetConsent(t.Context(), v, models.ConsentShare, false, models.ConsentDialog)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			for range 15 {
				v := r.sharer("Ada")
				c := r.talk(v, "boats")
				links, errs := r.raced(v, c, func() error { return end(r, v, c) })
				for _, err := range errs {
					gone := fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.ConsentRequired)
					if err != nil && !gone {
						t.Errorf("%v", err)
					}
				}
				for _, link := range links {
					if link != "" {
						refused(t, "read", r.Look(t.Context(), link), fault.Gone)
					}
				}
				var left int
				if err := r.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM shares`).Scan(&left); err != nil || left != 0 {
					t.Fatalf("%d are left, %v", left, err)
				}
			}
		})
	}
}

// raced shares a conversation four times at once while something ends it.
func (r *room) raced(v viewer.Viewer, c talk, end func() error) (links []string, errs []error) {
	const makers = 4
	links, errs = make([]string, makers), make([]error, makers+1)
	var all sync.WaitGroup
	for i := range makers {
		all.Go(func() {
			made, err := r.Make(r.t.Context(), v, share.Make{ConversationID: c.id})
			if errs[i] = err; err == nil {
				links[i] = made.Link
			}
		})
	}
	all.Go(func() { errs[makers] = end() })
	all.Wait()
	return links, errs
}
