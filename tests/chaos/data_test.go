package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
)

// How much everybody has there, and how long a deed that is cut off is left to its instance.
const (
	libraryConversations = 120
	libraryMessages      = 4 // of each
	leasesOver           = 3 * time.Minute
)

// P101, P106, P108, P111, P112, P115, T33, T34: two instances on one database are killed with
// kill -9 at random moments while accounts are deleted, exported and brought files for. After
// that every deletion that had begun is finished by whoever lives, with receipts that count
// every row once, and its tombstone lies beside the database; one that had not begun has left
// everything as it was. Every export is one file whose manifest is right, with nothing half
// beside it. Of a file that was brought all conversations are there or none.
func TestChaosDataSurvivesKills(t *testing.T) {
	l := newLibrary(t)
	rounds := 3
	if l.long {
		rounds = 20
	}
	deeds := map[string]func(*reader) error{"delete": l.erase, "export": l.export, "import": l.bring}
	for _, name := range []string{"delete", "export", "import"} {
		usual := min(l.rehearse(t, name, deeds[name]), l.rehearse(t, name, deeds[name]))
		hit, kills := 0, 0
		for hit < rounds && kills < 3*rounds { // not every kill comes in time
			if l.cutOff(t, name, l.instances[kills%2], usual, deeds[name]) {
				hit++
			}
			kills++
		}
		t.Logf("%s: takes %v, %d of %d were cut off before they had answered", name, usual, hit, kills)
		if hit == 0 {
			t.Errorf("%s: nothing was at risk: the test tested nothing", name)
		}
	}
	l.goOn(t)
	for _, r := range l.readers {
		if err := l.audit(t, r); err != nil {
			t.Errorf("%s, %s: %v", r.name, r.deed, err)
		}
	}
	l.files(t)
	l.instances[0].verify()
}

// library is two instances that share a folder, and accounts with much to read.
type library struct {
	long      bool
	dir, url  string
	instances []*process
	pool      *pgxpool.Pool
	readers   []*reader
}

// reader is an account, what was done for it when its instance was killed, and whether that
// had answered.
type reader struct {
	*customer
	owner    string
	deed     string
	at       *process
	answered bool
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{long: os.Getenv("CHAOS") != "", dir: t.TempDir(), url: dbtest.URL(t)}
	env := []string{"DATABASE_URL=" + l.url, "DATA_DIR=" + l.dir, "INFERENCE_URL=" + inferencetest.New(t).URL(), "NATS_URL=" + startBus(t, 0).url}
	l.instances = []*process{newInstance(t, "one", env...), newInstance(t, "two", env...)}
	for _, i := range l.instances {
		i.launch()
	}
	pool, err := pgxpool.New(t.Context(), l.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	l.pool = pool
	return l
}

// newReader is an account for a deed at an instance, with its conversations unless they are
// what the deed brings.
func (l *library) newReader(t *testing.T, deed string, at *process) *reader {
	t.Helper()
	r := &reader{customer: newCustomer(t, l.url, l.instances, fmt.Sprintf("reader-%d", len(l.readers))), deed: deed, at: at}
	var got struct{ Viewer struct{ ID string } }
	if err := r.ask(at.addr, `{ viewer { id } }`, nil, &got); err != nil {
		t.Fatal(err)
	}
	r.owner = got.Viewer.ID
	if deed != "import" {
		if err := l.bring(r); err != nil {
			t.Fatal(err)
		}
	}
	l.readers = append(l.readers, r)
	return r
}

// rehearse does a deed without a kill, and says how long it takes.
func (l *library) rehearse(t *testing.T, name string, deed func(*reader) error) time.Duration {
	t.Helper()
	r := l.newReader(t, name, l.instances[0])
	began := time.Now()
	if err := deed(r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r.answered = true
	return time.Since(began)
}

// cutOff kills the instance at a random moment of a deed, and reports whether it had not
// answered yet.
func (l *library) cutOff(t *testing.T, name string, at *process, usual time.Duration, deed func(*reader) error) bool {
	t.Helper()
	r := l.newReader(t, name, at)
	over := make(chan error, 1)
	go func() { over <- deed(r) }()
	pause(t.Context(), rand.N(usual))
	at.kill()
	err := <-over
	r.answered = err == nil
	at.launch()
	return err != nil
}

// erase deletes the account.
func (l *library) erase(r *reader) error {
	var got struct {
		AccountDelete struct {
			Deletion   *struct{ State string }
			UserErrors []struct{ Code string }
		}
	}
	err := r.ask(r.at.addr, `mutation($word: String!) { accountDelete(input: {confirmation: $word}) { deletion { state } userErrors { code } } }`,
		map[string]any{"word": r.name + "@example.org"}, &got)
	if err == nil && got.AccountDelete.Deletion == nil {
		err = fmt.Errorf("refused: %v", got.AccountDelete.UserErrors)
	}
	return err
}

// export makes a file, and waits until it is there.
func (l *library) export(r *reader) error {
	var got struct {
		ExportStart struct {
			Export     *struct{ ID string }
			UserErrors []struct{ Code string }
		}
	}
	if err := r.ask(r.at.addr, `mutation { exportStart(input: {}) { export { id } userErrors { code } } }`, nil, &got); err != nil || got.ExportStart.Export == nil {
		return errors.Join(err, fmt.Errorf("%v", got.ExportStart.UserErrors))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		path, err := r.exported(r.at)
		if path != "" || err != nil {
			return err
		}
		pause(ctx, 5*time.Millisecond)
	}
	return errors.New("the export is not ready")
}

// exported is where the file is; empty when it isn't ready.
func (r *reader) exported(at *process) (path string, err error) {
	var got struct {
		Viewer struct {
			Exports []struct{ Status, URL string }
		}
	}
	if err := r.ask(at.addr, `{ viewer { exports { status url } } }`, nil, &got); err != nil || len(got.Viewer.Exports) == 0 {
		return "", err
	}
	if e := got.Viewer.Exports[0]; e.Status == "FAILED" {
		return "", errors.New("the export has failed")
	} else if e.Status == "READY" {
		return e.URL, nil
	}
	return "", nil
}

// bring imports a file.
func (l *library) bring(r *reader) error {
	var file bytes.Buffer
	for c := range libraryConversations {
		fmt.Fprintf(&file, `%s{"title":"title %d","create_time":1700000000,"current_node":"%d","mapping":{`, map[bool]string{true: "[", false: ","}[c == 0], c, libraryMessages-1)
		for m := range libraryMessages {
			parent, child, role := "", fmt.Sprintf(`"%d"`, m+1), "user"
			if m > 0 {
				parent = fmt.Sprintf(`"parent":"%d",`, m-1)
			}
			if m%2 == 1 {
				role = "assistant"
			}
			if m == libraryMessages-1 {
				child = ""
			}
			fmt.Fprintf(&file, `%s"%d":{"id":"%d",%s"children":[%s],"message":{"author":{"role":%q},"create_time":%d,"content":{"content_type":"text","parts":[%q]}}}`,
				map[bool]string{true: "", false: ","}[m == 0], m, m, parent, child, role, 1700000000+m, strings.Repeat(fmt.Sprintf("%s says %d in %d. ", r.name, m, c), 20))
		}
		file.WriteString("}}")
	}
	file.WriteString("]")
	status, answer, err := r.fetch(r.at, http.MethodPost, "/imports", &file)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, answer)
	}
	return err
}

// fetch asks an instance as a page does.
func (r *reader) fetch(at *process, method, path string, body io.Reader) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, "http://"+at.addr+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Origin", "http://"+at.addr)
	resp, err := r.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// goOn waits until whoever lives has finished what was cut off. The short form lets the
// leases of the dead be over at once; the long one waits for that.
func (l *library) goOn(t *testing.T) {
	t.Helper()
	erasing, exporting, err := l.halfDone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d deletions and %d exports were left half done", erasing, exporting)
	if !l.long {
		db, err := database.Open(t.Context(), database.Config{URL: l.url, MaxConns: 2, AppName: "chaos"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close(t.Context()) }()
		runner := jobs.New(jobs.Config{DB: db})
		err = db.Tx(t.Context(), func(tx *gorm.DB) error {
			for _, sql := range []string{`UPDATE erasures SET attempted_at = attempted_at - interval '1 hour' WHERE state = 'ERASING'`, `UPDATE exports SET lease_expires_at = created_at WHERE status = 'RUNNING'`} {
				if err := tx.Exec(sql).Error; err != nil {
					return err
				}
			}
			return errors.Join(runner.NudgeTx(tx, account.EraseJob), runner.NudgeTx(tx, export.Job))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), leasesOver)
	defer cancel()
	for erasing+exporting > 0 {
		pause(ctx, 20*time.Millisecond)
		still := fmt.Sprintf("%d deletions and %d exports are not over", erasing, exporting)
		if erasing, exporting, err = l.halfDone(ctx); err != nil {
			t.Fatal(still, err)
		}
	}
}

// halfDone counts the deletions and exports that are not over.
func (l *library) halfDone(ctx context.Context) (erasing, exporting int, err error) {
	err = l.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM erasures WHERE state = 'ERASING'), (SELECT count(*) FROM exports WHERE status = 'RUNNING')`).Scan(&erasing, &exporting)
	return erasing, exporting, err
}

// audit looks at what became of a deed.
func (l *library) audit(t *testing.T, r *reader) error {
	t.Helper()
	switch r.deed {
	case "delete":
		return l.auditErasure(t, r)
	case "export":
		return l.auditExport(t, r)
	}
	return l.auditImport(t, r)
}

// auditErasure wants everything to be gone, or, where the deletion had not begun, to be there;
// then it can be deleted.
func (l *library) auditErasure(t *testing.T, r *reader) error {
	t.Helper()
	rows := l.rows(t, r.owner)
	switch {
	case rows["owners"] == 0:
	case r.answered:
		return errors.New("the deletion was answered, and the owner is there")
	case rows["conversations"] != libraryConversations || rows["messages"] != libraryConversations*libraryMessages || rows["sessions"] == 0:
		return fmt.Errorf("the deletion had not begun, and something is missing: %v", rows)
	default:
		if err := l.erase(r); err != nil {
			return fmt.Errorf("delete it now: %w", err)
		}
		rows = l.rows(t, r.owner)
	}
	for table, n := range rows {
		if n != 0 {
			return fmt.Errorf("%d rows of %s are left", n, table)
		}
	}
	return nil
}

// rows counts an owner's rows in every table of the database's own catalogue.
func (l *library) rows(t *testing.T, owner string) map[string]int {
	t.Helper()
	found, err := l.pool.Query(t.Context(), `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_id' WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')`)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for found.Next() {
		var table string
		if err := found.Scan(&table); err != nil {
			t.Fatal(err)
		}
		counts[table] = 0
	}
	if found.Err() != nil {
		t.Fatal(found.Err())
	}
	for table := range counts {
		var n int
		if err := l.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE owner_id = $1`, owner).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	var n int
	if err := l.pool.QueryRow(t.Context(), `SELECT count(*) FROM owners WHERE id = $1`, owner).Scan(&n); err != nil {
		t.Fatal(err)
	}
	counts["owners"] = n
	return counts
}

// auditExport fetches the file, or, where none had been begun, makes it, and checks it.
func (l *library) auditExport(t *testing.T, r *reader) error {
	t.Helper()
	path, err := r.exported(l.instances[0])
	if err == nil && path == "" {
		if r.answered {
			return errors.New("the export was ready, and there is none")
		}
		if err = l.export(r); err == nil {
			path, err = r.exported(l.instances[0])
		}
	}
	if err != nil {
		return err
	}
	status, file, err := r.fetch(l.instances[1], http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("fetch it: status %d, %w", status, err)
	}
	m, err := export.Check(r.root, bytes.NewReader(file), int64(len(file)))
	if err == nil && (m.Rows["conversations"] != libraryConversations || m.Rows["messages"] != libraryConversations*libraryMessages) {
		err = fmt.Errorf("it holds %v", m.Rows)
	}
	return err
}

// auditImport wants all of the file to be there, or nothing; then it can be brought.
func (l *library) auditImport(t *testing.T, r *reader) error {
	t.Helper()
	rows := l.rows(t, r.owner)
	if rows["conversations"] == 0 && rows["messages"] == 0 {
		if r.answered {
			return errors.New("the file was taken, and nothing of it is there")
		}
		if err := l.bring(r); err != nil {
			return fmt.Errorf("bring it now: %w", err)
		}
		rows = l.rows(t, r.owner)
	}
	if rows["conversations"] != libraryConversations || rows["messages"] != libraryConversations*libraryMessages {
		return fmt.Errorf("a part of the file is there: %v", rows)
	}
	return nil
}

// files looks at what is left beside the tables: every tombstone, whose receipt counts every
// row once, a file for each export, and nothing else.
func (l *library) files(t *testing.T) {
	t.Helper()
	journal, err := os.ReadFile(filepath.Join(l.dir, "deletions.journal"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.pool.Query(t.Context(), `SELECT encode(tombstone, 'hex'), rows FROM erasures`)
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		var tombstone string
		var text []byte
		var rows map[string]int
		if err := found.Scan(&tombstone, &text); err != nil || json.Unmarshal(text, &rows) != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(journal), tombstone) {
			t.Error("a deletion is not in the journal beside the database")
		}
		if rows["conversations"] != libraryConversations || rows["messages"] != libraryConversations*libraryMessages || rows["owners"] != 1 || rows["accounts"] != 1 {
			t.Errorf("a deletion counted %v", rows)
		}
	}
	if found.Err() != nil {
		t.Fatal(found.Err())
	}
	entries, err := os.ReadDir(filepath.Join(l.dir, "exports"))
	if err != nil {
		t.Fatal(err)
	}
	exports := 0
	for _, r := range l.readers {
		if r.deed == "export" {
			exports++
		}
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".zip.sealed") || len(entries) != exports {
			t.Errorf("among the files of %d exports is %s", exports, e.Name())
		}
	}
	left, err := filepath.Glob(filepath.Join(l.dir, ".import-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left { // a kill between two calls may leave a name, nothing in it
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			t.Errorf("%d bytes of a file that was brought are left", info.Size())
		}
	}
}
