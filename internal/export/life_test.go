package export_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P111: a link is good for its owner only, for a day, and the file for a week; nobody else
// learns that there is one.
func TestALinkIsItsOwnersForADay(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	bob, _ := h.somebody()
	e := h.made(s, ada)
	token, until := s.Token(e)
	if left := until.Sub(h.Now()); left > export.LinkTTL || left < export.LinkTTL-time.Minute {
		t.Errorf("the link is good for %v", left)
	}
	program := ada
	program.Kind = viewer.APIKey
	open := func(v viewer.Viewer, token string) error {
		file, err := s.Open(t.Context(), v, token)
		if err == nil {
			_ = file.Close()
		}
		return err
	}
	refused(t, open(bob, token), fault.NotFound)
	refused(t, open(program, token), fault.Unauthenticated)
	refused(t, open(viewer.Viewer{Kind: viewer.Visitor}, token), fault.Unauthenticated)
	for _, wrong := range []string{"", e.ID, token + "x", strings.Replace(token, ".", ".z", 1), strings.Replace(token, "exp_0", "exp_1", 1)} {
		refused(t, open(ada, wrong), fault.NotFound)
	}
	if err := open(ada, token); err != nil {
		t.Error(err)
	}
	h.pass(export.LinkTTL)
	refused(t, open(ada, token), fault.NotFound)
	fresh, _ := s.Token(e)
	if err := open(ada, fresh); err != nil {
		t.Error(err)
	}
	h.pass(export.TTL - export.LinkTTL - time.Second)
	late, until := s.Token(e)
	if err := open(ada, late); err != nil || until.After(e.ExpiresAt) {
		t.Error(err, until)
	}
	h.pass(time.Second)
	refused(t, open(ada, late), fault.NotFound)
}

// P111, P84: the file goes after seven days, and what was started and fetched stands in the
// log of what was done.
func TestTheFileGoesAfterAWeek(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	h.fetched(s, ada, h.made(s, ada))
	var acts int
	if err := h.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM audit_entries WHERE act IN ('EXPORT_MADE', 'EXPORT_FETCHED')`).Scan(&acts); err != nil || acts != 2 {
		t.Error(acts, err)
	}
	h.execute(`DELETE FROM exports WHERE bytes > 1000000`) // the filled row's is no real one
	h.pass(export.TTL - time.Second)
	if n, _, err := s.Sweep(t.Context()); n != 0 || err != nil || len(h.lying()) != 1 {
		t.Error("swept too early:", n, err)
	}
	h.pass(time.Second)
	if n, _, err := s.Sweep(t.Context()); n != 1 || err != nil || len(h.lying()) != 0 {
		t.Error(n, err, h.lying())
	}
}

// P111, P106: with its account a file goes at once, also one that is being written, and what
// an instance that died left of one.
func TestAFileGoesWithItsAccount(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.accounts.EraseWith([]account.Shutter{s})
	ada, _ := h.somebody()
	e := h.made(s, ada)
	h.leaves(e.ID + ".1.part")
	token, _ := s.Token(e)
	begun, deleted := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.OnRow(func(string, int64) error {
		once.Do(func() { close(begun); <-deleted })
		return nil
	})
	if _, err := s.Start(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	<-begun
	if _, err := h.accounts.Remove(t.Context(), ada.OwnerID); err != nil {
		t.Fatal(err)
	}
	close(deleted)
	s.Idle()
	if len(h.lying()) != 0 {
		t.Errorf("files are left: %v", h.lying())
	}
	_, err := s.Open(t.Context(), ada, token)
	refused(t, err, fault.NotFound)
}

// P111, T33: an export whose instance died in the middle is begun anew by another one, which
// removes what the first one left; what an instance leaves of nobody's is swept.
func TestAnotherInstanceGoesOn(t *testing.T) {
	h := newHouse(t)
	first, second := h.open(), h.open()
	ada, _ := h.somebody()
	ctx, kill := context.WithCancel(t.Context())
	first.OnRow(func(_ string, done int64) error {
		if done == 20 {
			kill()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	e, err := first.Start(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	first.Idle()
	if err := second.Resume(t.Context()); err != nil || h.find(second, ada, e.ID).Status != models.ExportRunning {
		t.Errorf("the lease was not respected (%v)", err)
	}
	h.leaves(e.ID + ".1.part")
	h.pass(time.Minute)
	if err := second.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := h.find(second, ada, e.ID)
	if done.Status != models.ExportReady || done.Epoch != 2 {
		t.Errorf("%+v", done)
	}
	h.fetched(second, ada, done)
	if len(h.lying()) != 1 {
		t.Errorf("beside the file lies what the first instance left: %v", h.lying())
	}
	h.leaves(e.ID + ".1.part")
	h.pass(time.Hour)
	if _, orphans, err := second.Sweep(t.Context()); orphans != 1 || err != nil || len(h.lying()) != 1 {
		t.Error(orphans, err, h.lying())
	}
}

// T17: a row that breaks the writing down ends this try and nothing else, and the value of the
// panic is not told; the export is tried again when its lease has ended.
func TestAnExportThatPanicsIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	s.OnRow(func(_ string, done int64) error {
		if done == 20 {
			panic("a canary of the panic")
		}
		return nil
	})
	e, err := s.Start(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	s.Idle()
	h.pass(time.Minute)
	if err := s.Resume(t.Context()); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "broke down") {
		t.Errorf("told: %v", err)
	}
	s.OnRow(nil)
	h.pass(time.Minute)
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done := h.find(s, ada, e.ID); done.Status != models.ExportReady || done.Epoch != 3 {
		t.Errorf("%+v", done)
	}
}

// Whoever comes back after its lease has gone to another instance leaves the file alone; an
// export that fails again and again has failed.
func TestWhoLostTheLeaseWritesNothing(t *testing.T) {
	h := newHouse(t)
	slow, quick := h.open(), h.open()
	ada, _ := h.somebody()
	begun, overtaken := make(chan struct{}), make(chan struct{})
	slow.OnRow(func(_ string, done int64) error {
		if done == 20 {
			close(begun)
			<-overtaken
		}
		return nil
	})
	e, err := slow.Start(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	h.pass(2 * time.Minute)
	if err := quick.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(overtaken)
	slow.Idle()
	if done := h.find(quick, ada, e.ID); done.Status != models.ExportReady || done.Epoch != 2 || len(h.lying()) != 1 {
		t.Errorf("%+v %v", done, h.lying())
	}
	quick.OnRow(func(string, int64) error { return errors.New("broken") })
	if e, err = quick.Start(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	quick.Idle()
	for range 5 {
		h.pass(time.Hour)
		_ = quick.Resume(t.Context())
	}
	if failed := h.find(quick, ada, e.ID); failed.Status != models.ExportFailed {
		t.Errorf("%+v", failed)
	}
}

// P111, P115, P41: guests export as accounts do; programs don't; many clicks are one
// export; not more than ten a day, and not more than three files lie at once.
func TestWhoMayExportAndHowOften(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	guest, _ := h.somebody()
	h.execute(`DELETE FROM exports`)
	h.execute(`UPDATE owners SET kind = 'GUEST' WHERE id = $1`, guest.OwnerID)
	guest.Kind = viewer.Guest
	hold := make(chan struct{})
	s.OnRow(func(string, int64) error { <-hold; return nil })
	ids := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(ids) {
		all.Go(func() {
			e, err := s.Start(t.Context(), guest)
			if err != nil {
				t.Error(err)
				return
			}
			ids <- e.ID
		})
	}
	all.Wait()
	close(hold)
	close(ids)
	first := <-ids
	for other := range ids {
		if other != first {
			t.Error("two exports at once")
		}
	}
	s.Idle()
	for range 9 {
		h.made(s, guest)
		if _, _, err := s.Sweep(t.Context()); err != nil { // what is over is gone from the table too
			t.Fatal(err)
		}
	}
	if len(h.lying()) != 3 {
		t.Errorf("%d files lie", len(h.lying()))
	}
	_, err := s.Start(t.Context(), guest)
	refused(t, err, fault.RateLimited)
	h.pass(25 * time.Hour) // acts are written down by the machine's clock
	if _, err := s.Start(t.Context(), guest); err != nil {
		t.Error(err)
	}
	program := guest
	program.Kind = viewer.APIKey
	_, err = s.Start(t.Context(), program)
	refused(t, err, fault.Unauthenticated)
	_, err = s.Start(t.Context(), viewer.Viewer{Kind: viewer.Visitor})
	refused(t, err, fault.Unauthenticated)
}

// A file that was changed or cut does not open.
func TestADamagedFileDoesNotOpen(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	e := h.made(s, ada)
	path := filepath.Join(h.dir, h.lying()[0])
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{"cut": raw[:len(raw)-1], "changed": append([]byte{raw[0] + 1}, raw[1:]...), "empty": nil, "longer": append(raw[:len(raw):len(raw)], 1)} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		token, _ := s.Token(e)
		file, err := s.Open(t.Context(), ada, token)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1<<20)
		for err == nil {
			_, err = file.Read(buffer)
		}
		_ = file.Close()
		if !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the operator and everybody may know of exports: numbers.
func TestHealthTellsWhatWaitsAndWhatIsOverdue(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	ada, _ := h.somebody()
	h.execute(`DELETE FROM exports`)
	h.made(s, ada)
	s.OnRow(func(string, int64) error { return errors.New("broken") })
	if _, err := s.Start(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	s.Idle()
	h.pass(time.Minute)
	if got, err := s.Health(t.Context()); err != nil || got != (export.Health{Ready: 1, Waiting: 1, Longest: time.Minute}) {
		t.Errorf("%+v %v", got, err)
	}
	h.pass(export.TTL)
	if got, err := s.Health(t.Context()); err != nil || got.Overdue < time.Second {
		t.Errorf("%+v %v", got, err)
	}
	if _, _, err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Health(t.Context()); err != nil || got != (export.Health{}) {
		t.Errorf("%+v %v", got, err)
	}
}

// A file of several parts opens as it was, whatever its length, and not when it ends after a
// part or its parts change places.
func TestPartsOfAFileStayTogether(t *testing.T) {
	key, err := seal.KeyOf(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000} {
		plain := bytes.Repeat([]byte("a"), n)
		sealed, err := export.Seal(key, "own_1", "exp_1", plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := export.Unseal(key, "own_1", "exp_1", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes came back as %d (%v)", n, len(got), err)
		}
		wrong := [][]byte{append(sealed[:len(sealed):len(sealed)], sealed...)}
		if n > 2*64<<10 {
			a, b := sealed[:export.SealedChunk], sealed[export.SealedChunk:2*export.SealedChunk]
			wrong = append(wrong, a, sealed[:2*export.SealedChunk], bytes.Join([][]byte{b, a, sealed[2*export.SealedChunk:]}, nil))
		}
		for i, w := range wrong {
			if _, err := export.Unseal(key, "own_1", "exp_1", w); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("%d bytes, wrong %d: %v", n, i, err)
			}
		}
	}
}
