package account_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// victim names the database whose key a process of its own exchanges until it is killed.
const victim = "K2_REKEY_VICTIM"

// instance is a service with the key of that number as SECRET_KEY and the others as
// SECRET_KEY_PREVIOUS.
func instance(ctx context.Context, db *database.DB, key byte, previous ...byte) (*account.Service, account.Keys, error) {
	var others [][]byte
	for _, n := range previous {
		others = append(others, secret(n))
	}
	keys, err := account.OpenKeys(ctx, db, clock.System{}, secret(key), others...)
	if err != nil {
		return nil, keys, err
	}
	return account.New(account.Config{DB: db, Audit: audittest.Under(db, keys.Root), Keeper: keys.Keeper, Clock: clock.System{}, GuestLimit: 10, CookieKey: keys.Root}), keys, nil
}

func newInstance(t testing.TB, db *database.DB, key byte, previous ...byte) *account.Service {
	t.Helper()
	s, _, err := instance(t.Context(), db, key, previous...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// running is an instance that says which keys it holds.
func running(t testing.TB, db *database.DB, key byte, previous ...byte) *account.Service {
	t.Helper()
	s := newInstance(t, db, key, previous...)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// guests makes so many guests, and gives their cookies.
func guests(t testing.TB, s *account.Service, db *database.DB, n int) (cookies []string) {
	t.Helper()
	for range n {
		cookies = append(cookies, s.NewTicket())
		begin(t, s, db, cookies[len(cookies)-1])
	}
	return cookies
}

// known counts the cookies by which an instance knows a guest, whose key opens.
func known(t testing.TB, s *account.Service, cookies []string) (n int) {
	t.Helper()
	for _, c := range cookies {
		v, err := s.Viewer(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if v.IsOwner() && v.Key != nil {
			n++
		}
	}
	return n
}

// under counts the owners by the key that wraps theirs; "" are those of before.
func under(t testing.TB, db *database.DB) map[string]int {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), `SELECT coalesce(kek_id, ''), count(*) FROM owners GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			t.Fatal(err)
		}
		out[id] = n
	}
	return out
}

// turnedAway opens an installation with keys of which one is missing, and is told why.
func turnedAway(t testing.TB, db *database.DB, words []string, key byte, previous ...byte) {
	t.Helper()
	before := dbtest.Dump(t, db)
	_, _, err := instance(t.Context(), db, key, previous...)
	if !errors.Is(err, account.ErrWrongKey) {
		t.Fatalf("with key %d: %v", key, err)
	}
	for _, w := range append(words, "SECRET_KEY", "nothing was changed") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
	if dbtest.Dump(t, db) != before {
		t.Error("the refusal changed the database")
	}
}

// P80: the key is exchanged while instances with the former setting and the new one run side
// by side; what either writes meanwhile both read, and afterwards the former key opens nothing.
func TestTheKeyIsExchangedWhileEverythingRuns(t *testing.T) {
	db := dbtest.New(t)
	first := running(t, db, 1)
	cookies := guests(t, first, db, 450)
	// The first of two instances has been restarted with the new key: nothing is under it yet.
	second := running(t, db, 2, 1)
	cookies = append(cookies, guests(t, second, db, 3)...)
	if n := known(t, first, cookies); n != 453 {
		t.Errorf("the instance with the former key alone knows %d", n)
	}
	if _, err := newInstance(t, db, 2, 1).Rekey(t.Context(), nil); !errors.Is(err, account.ErrKeyNotEverywhere) {
		t.Fatalf("an instance would be locked out: %v", err)
	}
	if got := under(t, db); got[seal.KeyID(secret(1))] != 453 || count(t, db, "key_encryption_keys") != 1 || count(t, db, "audit_entries") != 0 {
		t.Fatalf("the refusal changed something: %v", got)
	}
	first.Close()
	other := running(t, db, 1, 2) // it reads both, and is to go on with the former
	done, err := newInstance(t, db, 2, 1).Rekey(t.Context(), func(done, total int64) {
		if done > total {
			t.Errorf("%d of %d", done, total)
		}
		for _, s := range []*account.Service{second, other} {
			cookies = append(cookies, guests(t, s, db, 2)...)
			if n := known(t, s, cookies); n != len(cookies) {
				t.Errorf("after %d of %d, %d of %d are known", done, total, n, len(cookies))
			}
		}
	})
	if err != nil || done.Rewrapped != 453 || !slices.Equal(done.Retired, []string{seal.KeyID(secret(1))}) || done.To != seal.KeyID(secret(2)) {
		t.Fatalf("%+v %v", done, err)
	}
	if got := under(t, db); len(got) != 1 || got[seal.KeyID(secret(2))] != len(cookies) {
		t.Errorf("the keys lie under %v", got)
	}
	second.Close()
	other.Close()
	turnedAway(t, db, nil, 1)
	last := running(t, db, 2)
	if n := known(t, last, cookies); n != len(cookies) {
		t.Errorf("with the new key alone, %d of %d are known", n, len(cookies))
	}
	opensNothing(t, db, secret(1))
	if again, err := last.Rekey(t.Context(), nil); err != nil || again.Rewrapped != 0 || again.Retired != nil {
		t.Errorf("a second exchange for the same key did %+v, %v", again, err)
	}
	var acts string
	if err := db.Pool().QueryRow(t.Context(), `SELECT string_agg(facts, ' ' ORDER BY at) FROM audit_entries WHERE act = 'SECRET_KEY_CHANGED'`).Scan(&acts); err != nil ||
		acts != fmt.Sprintf(`{"outcome":"BEGUN","ref":%q} {"outcome":"FINISHED","ref":%[1]q,"count":453}`, seal.KeyID(secret(2))) {
		t.Error(acts, err)
	}
}

// opensNothing looks that a key opens no value of a dump as what a key-encryption key opens.
func opensNothing(t testing.TB, db *database.DB, key []byte) {
	t.Helper()
	keeper, err := seal.NewKeeper(key)
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	if err := db.Gorm(t.Context()).Raw(`SELECT id FROM owners`).Scan(&owners).Error; err != nil {
		t.Fatal(err)
	}
	for _, value := range dbtest.Values(t, db) {
		if keeper.Verify(value) == nil {
			t.Error("the former key opens the check")
		}
		if _, err := keeper.OpenRoot(keeper.IDs()[0], value); err == nil {
			t.Error("the former key opens the root")
		}
	}
	for _, o := range owners {
		var wrapped []byte
		if err := db.Pool().QueryRow(t.Context(), `SELECT key_wrapped FROM owners WHERE id = $1`, o).Scan(&wrapped); err != nil {
			t.Fatal(err)
		}
		if _, err := keeper.Unwrap(o, wrapped); err == nil {
			t.Fatal("the former key opens the key of", o)
		}
	}
}

// rekeyUntilKilled says so after the second batch, and then stands still in the midst.
func rekeyUntilKilled(url string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{URL: url, MaxConns: 4, AppName: "victim"})
	if err != nil {
		return err
	}
	s, _, err := instance(ctx, db, 2, 1)
	if err != nil {
		return err
	}
	batches := 0
	_, err = s.Rekey(ctx, func(int64, int64) {
		if batches++; batches == 2 {
			fmt.Fprintln(os.Stdout, "two batches")
			select {}
		}
	})
	return err
}

// P80: kill -9 in the midst of an exchange leaves everything readable with both keys, says
// which key is missing without, and the next call goes on.
func TestAKilledExchangeIsGoneOnWith(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	cookies := guests(t, newInstance(t, db, 1), db, 450)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if killed := cmd.Process.Kill(); line != "two batches\n" || err != nil || killed != nil {
		t.Fatal(line, err, killed)
	}
	_ = cmd.Wait() // it was killed
	former, fresh := seal.KeyID(secret(1)), seal.KeyID(secret(2))
	if got := under(t, db); got[former] != 50 || got[fresh] != 400 {
		t.Fatalf("the keys lie under %v", got)
	}
	turnedAway(t, db, []string{former, "SECRET_KEY_PREVIOUS", "kimi-k2 rekey"}, 2)
	turnedAway(t, db, []string{fresh}, 1)
	both := newInstance(t, db, 2, 1)
	if n := known(t, both, cookies); n != 450 {
		t.Errorf("in the midst %d of 450 are known", n)
	}
	if n, err := both.VerifyOwners(t.Context()); err != nil || n != 450 {
		t.Error(n, err)
	}
	done, err := both.Rekey(t.Context(), nil)
	if err != nil || done.Rewrapped != 50 || !slices.Equal(done.Retired, []string{former}) {
		t.Fatalf("%+v %v", done, err)
	}
	if n := known(t, newInstance(t, db, 2), cookies); n != 450 {
		t.Errorf("afterwards %d of 450 are known", n)
	}
}

// An exchange can be turned back in its midst, and two that are made at once do no harm.
func TestExchangesAtOnce(t *testing.T) {
	db := dbtest.New(t)
	cookies := guests(t, newInstance(t, db, 1), db, 250)
	back := newInstance(t, db, 1, 2)
	enough, cancel := context.WithCancel(t.Context())
	if _, err := newInstance(t, db, 2, 1).Rekey(enough, func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if done, err := back.Rekey(t.Context(), nil); err != nil || done.Rewrapped != 200 || !slices.Equal(done.Retired, []string{seal.KeyID(secret(2))}) {
		t.Fatalf("back: %+v %v", done, err)
	}
	var wg sync.WaitGroup
	results := make([]account.Rekeyed, 2)
	for i := range results {
		s := newInstance(t, db, 3, 1)
		wg.Go(func() {
			var err error
			if results[i], err = s.Rekey(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := results[0].Rewrapped + results[1].Rewrapped; n != 250 || len(results[0].Retired)+len(results[1].Retired) != 1 {
		t.Errorf("two at once did %+v", results)
	}
	one, other := newInstance(t, db, 4, 3, 5), newInstance(t, db, 5, 3, 4)
	_, err := one.Rekey(t.Context(), func(done, _ int64) {
		if done == 200 {
			if _, err := other.Rekey(t.Context(), nil); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, account.ErrOvertaken) {
		t.Errorf("the one that was overtaken ended with %v", err)
	}
	if n := known(t, newInstance(t, db, 5), cookies); n != 250 {
		t.Errorf("%d of 250 are known", n)
	}
}

// What was stored by a version that derived everything from the key itself stays valid: that
// key becomes the root secret, once, and doesn't change with the key any more.
func TestAnInstallationOfBeforeKeepsWhatWasDerived(t *testing.T) {
	db := dbtest.New(t)
	keeper, err := seal.NewKeeper(secret(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool().Exec(t.Context(), `INSERT INTO installation (id, key_check, created_at) VALUES (1, $1, now())`, keeper.Check()); err != nil {
		t.Fatal(err)
	}
	before := account.New(account.Config{DB: db, Audit: audittest.Under(db, secret(1)), Keeper: keeper, Clock: clock.System{}, GuestLimit: 10, CookieKey: secret(1)})
	cookies := guests(t, before, db, 3)
	if got := under(t, db); got[""] != 3 {
		t.Fatalf("the keys lie under %v", got)
	}
	turnedAway(t, db, nil, 2)
	// The key may be exchanged with the very update.
	s, keys, err := instance(t.Context(), db, 2, 1)
	if err != nil || string(keys.Root) != string(secret(1)) || keys.Keeper.Using() != seal.KeyID(secret(1)) {
		t.Fatal(keys.Keeper.Using(), err)
	}
	if done, err := s.Rekey(t.Context(), nil); err != nil || done.Rewrapped != 3 {
		t.Fatalf("%+v %v", done, err)
	}
	last, keys, err := instance(t.Context(), db, 2)
	if err != nil || string(keys.Root) != string(secret(1)) {
		t.Fatal(err)
	}
	if n := known(t, last, cookies); n != 3 {
		t.Errorf("%d of 3 are known", n)
	}
	turnedAway(t, db, nil, 1)
}

// The root secret of a new installation is random: who has a former key knows nothing of it.
// Instances that begin at once agree on one.
func TestTheRootOfANewInstallationIsItsOwn(t *testing.T) {
	db := dbtest.New(t)
	roots := make([]string, 8)
	var wg sync.WaitGroup
	for i := range roots {
		wg.Go(func() {
			_, keys, err := instance(t.Context(), db, 1)
			if err != nil {
				t.Error(err)
			}
			roots[i] = string(keys.Root)
		})
	}
	wg.Wait()
	if slices.Sort(roots); roots[0] != roots[7] || len(roots[0]) != seal.KeySize || roots[0] == string(secret(1)) {
		t.Error("there are several roots, or it is the key")
	}
	for _, value := range dbtest.Values(t, db) {
		if strings.Contains(string(value), roots[0]) {
			t.Error("the root lies in the database")
		}
	}
}

// A key that opens nowhere keeps the former one from being dropped; nothing else is kept.
func TestWhatOpensNowhereIsSaid(t *testing.T) {
	db := dbtest.New(t)
	s := newInstance(t, db, 1)
	v := begin(t, s, db, s.NewTicket())
	cookies := guests(t, s, db, 3)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Pool().Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE owners SET key_wrapped = '\x00' WHERE id = $1`, v.OwnerID)
	both := newInstance(t, db, 2, 1)
	if done, err := both.Rekey(t.Context(), nil); !errors.Is(err, account.ErrUnopened) || !strings.Contains(err.Error(), v.OwnerID) || done.Retired != nil || done.Rewrapped != 3 {
		t.Fatalf("%+v %v", done, err)
	}
	turnedAway(t, db, []string{seal.KeyID(secret(1))}, 2)
	exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	if done, err := both.Rekey(t.Context(), nil); err != nil || len(done.Retired) != 1 {
		t.Fatalf("%+v %v", done, err)
	}
	if n := known(t, newInstance(t, db, 2), cookies); n != 3 {
		t.Errorf("%d of 3 are known", n)
	}
}

// Who slept through an exchange stores nothing under the former key: the database refuses it,
// and from the next beat on it wraps under the new one.
func TestALateInstanceStoresNothingUnderAFormerKey(t *testing.T) {
	db := dbtest.New(t)
	late := newInstance(t, db, 1, 2)
	cookies := guests(t, late, db, 1)
	if _, err := newInstance(t, db, 2, 1).Rekey(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := known(t, late, cookies); n != 1 {
		t.Error("it can't read what was wrapped anew")
	}
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		_, err := late.EnsureGuestTx(tx, late.Visitor(late.NewTicket()))
		return err
	})
	if err == nil || count(t, db, "owners") != 1 {
		t.Fatalf("it stored somebody under a key that is forgotten: %v", err)
	}
	if err := late.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	guests(t, late, db, 1)
	if got := under(t, db); got[seal.KeyID(secret(2))] != 2 || len(got) != 1 {
		t.Errorf("the keys lie under %v", got)
	}
}

// An instance that wasn't given the key in use doesn't begin, and one that learns of it is
// not ready.
func TestAnInstanceWithoutTheKeyIsNotReady(t *testing.T) {
	db := dbtest.New(t)
	slept, begun := newInstance(t, db, 1), running(t, db, 1)
	if err := begun.Ready(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool().Exec(t.Context(), `UPDATE key_holders SET seen_at = now() - interval '1 minute'`); err != nil {
		t.Fatal(err)
	}
	exchanged := false
	for until := time.Now().Add(20 * time.Second); !exchanged && time.Now().Before(until); {
		_, err := newInstance(t, db, 2, 1).Rekey(t.Context(), nil)
		if exchanged = err == nil; !exchanged { // it said so again meanwhile
			if _, err := db.Pool().Exec(t.Context(), `UPDATE key_holders SET seen_at = now() - interval '1 minute'`); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := slept.Start(t.Context()); !errors.Is(err, account.ErrWrongKey) || !strings.Contains(err.Error(), seal.KeyID(secret(2))) {
		t.Errorf("it begins: %v", err)
	}
	ready := begun.Ready()
	for until := time.Now().Add(20 * time.Second); ready == nil && time.Now().Before(until); ready = begun.Ready() {
		if _, err := begun.Viewer(t.Context(), begun.NewTicket()); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(ready, account.ErrWrongKey) {
		t.Errorf("it is ready: %v", ready)
	}
}
