package transparency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	green = models.TransparencyGreen
	amber = models.TransparencyAmber
	red   = models.TransparencyRed
)

// P1, P5: where all is well every clause of the policy is green, with a sentence that says
// why, and stands in the policy's own words and order; but for what enterprises are promised
// and this program doesn't do for them.
func TestWhereAllIsWellEveryClauseIsGreen(t *testing.T) {
	r := newRoom(t)
	r.run() // the audit of the audits needs the results of the others
	r.hand.move(3 * time.Minute)
	report := r.run()
	for _, c := range report.Clauses {
		want := green
		if slices.Contains([]string{"C-ENT-SOC2", "C-ENT-HIPAA", "C-ENT-DPA"}, c.ID) {
			want = amber
		}
		if c.State != want || c.Evidence == "" || c.Title == "" || c.CheckedAt == nil {
			t.Errorf("%s: %s, %q: %s", c.ID, c.State, c.Title, c.Evidence)
		}
	}
	if report.State != amber || len(report.Clauses) != len(r.config.Register.Clauses) {
		t.Errorf("%s with %d of %d clauses", report.State, len(report.Clauses), len(r.config.Register.Clauses))
	}
	guests := clause(t, report, "C-RET-GUESTS")
	if guests.Section != "How long we keep it" || guests.Title != "Guests: everything of a guest is cleared after 30 days without activity." {
		t.Errorf("%+v", guests)
	}
	if c := clause(t, report, "C-NO-TRAINING"); c.Title != "We never train models with them." {
		t.Errorf("%q", c.Title)
	}
	for id, want := range map[string]string{
		"C-SHARE": "When we share it: We don't sell your data, and we don't trade it.", "C-RIGHTS": "Your rights", "C-RIGHT-EXPORT": "You can export your conversations",
		"C-SHARE-LAW": "We pass something on only where the law obliges us to", "C-READ-DATE": "The date at the top is the day from which this version counts.",
	} {
		if c := clause(t, report, id); c.Title != want {
			t.Errorf("%s is %q", id, c.Title)
		}
	}
}

// P6, P25, P79, P84, P85, P94, P125: each fact that breaks a promise turns its check red or
// amber, and the clause with it.
func TestABrokenPromiseShows(t *testing.T) {
	day := 24 * time.Hour
	type facts = transparency.Facts
	ago := func(r *room, d time.Duration) func(context.Context) (time.Time, bool, error) {
		return func(context.Context) (time.Time, bool, error) { return r.hand.Now().Add(-d), true, nil }
	}
	for _, c := range []struct {
		name, check string
		state       models.TransparencyState
		change      func(r *room, f *facts)
		says        string
	}{
		{"P1: the text is not the published one", "policy_text", red, func(_ *room, f *facts) { f.Recheck = func() error { return errBroken } }, "is not what it was"},
		{"P6: a figure differs", "figures", red, func(_ *room, f *facts) {
			f.Figures = func() []transparency.Figure {
				return []transparency.Figure{{Words: "after 30 days", Promised: 30, Kept: 31}}
			}
		}, "keeps to 31"},
		{"P79: a hop is not encrypted", "hops_encrypted", red, func(r *room, _ *facts) {
			r.config.Hops = func() []*models.Hop {
				return []*models.Hop{{Name: "This server to x", Way: models.HopRecipient, To: "x", State: red, About: "Not encrypted.", Protection: models.HopPlain}}
			}
		}, "This server to x: Not encrypted."},
		{"P94: somebody unlisted can be reached", "recipients", red, func(_ *room, f *facts) { f.Reachable = func() []string { return []string{"vLLM", "tracker"} } }, "tracker"},
		{"P94: a call was refused", "recipients", amber, func(r *room, f *facts) { f.Refused = func() (int64, time.Time) { return 2, r.hand.Now() } }, "2 times"},
		{"P71: a log is too old", "oldest_request_log", red, func(r *room, f *facts) { f.OldestRequestLog = ago(r, 93*day) }, "28 January 2026"},
		{"a log of its last day is not", "oldest_request_log", green, func(r *room, f *facts) { f.OldestRequestLog = ago(r, 90*day+23*time.Hour) }, "30 January 2026"},
		{"P46: a guest is too old", "oldest_guest", red, func(r *room, f *facts) { f.OldestGuest = ago(r, 31*day+time.Hour) }, "31 days ago"},
		{"P46: a guest goes late", "oldest_guest", amber, func(r *room, f *facts) { f.OldestGuest = ago(r, 30*day+3*time.Hour) }, "30 days ago"},
		{"P106: a deletion hangs", "deletions", red, func(r *room, f *facts) {
			f.Deletions = func(context.Context, time.Time) (transparency.Deletions, error) {
				return transparency.Deletions{Running: 1, Oldest: r.hand.Now().Add(-25 * time.Hour)}, nil
			}
		}, "within a day"},
		{"P105: the journal is behind", "deletions", red, func(_ *room, f *facts) {
			f.Deletions = func(context.Context, time.Time) (transparency.Deletions, error) {
				return transparency.Deletions{Unnoted: true}, nil
			}
		}, "can't be written"},
		{"P25: the books don't add up", "ledger_drift", red, func(r *room, f *facts) {
			f.Ledger = func(context.Context) (transparency.Ledger, bool, error) {
				return transparency.Ledger{At: r.hand.Now(), Broken: []string{"L3"}}, true, nil
			}
		}, "L3"},
		{"the books are unproved", "ledger_drift", amber, func(r *room, f *facts) {
			f.Ledger = func(context.Context) (transparency.Ledger, bool, error) {
				return transparency.Ledger{At: r.hand.Now().Add(-5 * time.Hour)}, true, nil
			}
		}, "too long ago"},
		{"P84: the chain is broken", "audit_chain", red, func(_ *room, f *facts) {
			f.Audit = func(context.Context) (transparency.Audit, error) {
				return transparency.Audit{Faults: []string{"x"}}, nil
			}
		}, "1 fault"},
		{"P83: content was opened", "staff_access", amber, func(_ *room, f *facts) {
			f.Staff = func(context.Context, time.Time) (transparency.Staff, error) {
				return transparency.Staff{Opened: 1}, nil
			}
		}, "once"},
		{"P85: a field has no rule", "self_audit", red, func(_ *room, f *facts) { f.Ruleless = func() []string { return []string{"Query.x"} } }, "Query.x"},
		{"P99: a rule is overdue", "sweeps", red, func(_ *room, f *facts) {
			f.Retention = func(context.Context) ([]transparency.Rule, error) {
				return []transparency.Rule{{Name: "mails", Overdue: true}}, nil
			}
		}, "mails"},
		{"a guard holds a rule", "sweeps", amber, func(_ *room, f *facts) {
			f.Retention = func(context.Context) ([]transparency.Rule, error) {
				return []transparency.Rule{{Name: "mails", Held: "the clock jumped"}}, nil
			}
		}, "the clock jumped"},
		{"P111: a file is not deleted", "exports", red, func(_ *room, f *facts) {
			f.Exports = func(context.Context) (transparency.Exports, error) {
				return transparency.Exports{Overdue: 30 * time.Hour}, nil
			}
		}, "should have been deleted"},
		{"an export failed", "exports", amber, func(_ *room, f *facts) {
			f.Exports = func(context.Context) (transparency.Exports, error) { return transparency.Exports{Failed: 2}, nil }
		}, "2 failed"},
		{"P114: news to who had not agreed", "marketing", red, func(_ *room, f *facts) {
			f.Marketing = func(context.Context) (transparency.Marketing, error) { return transparency.Marketing{Against: 1}, nil }
		}, "1 mail was"},
		{"P126: notices are late", "notices", red, func(_ *room, f *facts) {
			f.Notices = func(context.Context) (transparency.Notices, error) {
				return transparency.Notices{Version: "2", Overdue: true, Waits: 3}, nil
			}
		}, "3 to be sent"},
		{"P97: an authority asked", "legal_requests", green, func(r *room, f *facts) {
			f.LegalRequests = func(context.Context) (transparency.LegalRequests, error) {
				return transparency.LegalRequests{Open: 1, Refused: 2, Since: r.hand.Now()}, nil
			}
		}, "asked 3 times since 1 May 2026: 1 open, 0 answered, 2 refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRoom(t)
			c.change(r, &r.config.Facts)
			r.again()
			got := find(t, r.run(), c.check)
			if got.State != c.state || !strings.Contains(got.Evidence, c.says) {
				t.Errorf("%s: %s", got.State, got.Evidence)
			}
			for _, clause := range r.report().Clauses {
				if slices.Contains(clause.CheckIDs, c.check) && clause.State.Worse(c.state) != clause.State {
					t.Errorf("%s is %s all the same", clause.ID, clause.State)
				}
			}
		})
	}
}

// B1, P5: a column that the register doesn't know turns the clause of the closed list red.
func TestAnUnknownColumnShows(t *testing.T) {
	r := newRoom(t)
	if _, err := r.db.Pool().Exec(t.Context(), `ALTER TABLE accounts ADD COLUMN birthday date`); err != nil {
		t.Fatal(err)
	}
	report := r.run()
	if c := find(t, report, "register_complete"); c.State != red || !strings.Contains(c.Evidence, "accounts.birthday") {
		t.Errorf("%s: %s", c.State, c.Evidence)
	}
	if c := clause(t, report, "C-READ-LIST"); c.State != red {
		t.Errorf("the clause is %s", c.State)
	}
}

// P80: a value that was never encrypted turns the check red.
func TestAnOpenValueShows(t *testing.T) {
	r := newRoom(t)
	for _, sql := range []string{
		`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ('own_00000000000000000000000000000001', 'ACCOUNT', '\x01', now(), now())`,
		`INSERT INTO accounts (owner_id, role, name_sealed, created_at)
			VALUES ('own_00000000000000000000000000000001', 'USER', 'Ada Canary', now())`,
	} {
		if _, err := r.db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if c := find(t, r.run(), "columns_sealed"); c.State != red || !strings.Contains(c.Evidence, "accounts.name_sealed (1)") || strings.Contains(c.Evidence, "Canary") {
		t.Errorf("%s: %s", c.State, c.Evidence)
	}
}

// A result that is an hour old is amber, after six hours red; what was never checked is
// never green.
func TestNothingIsGreenBecauseNobodyLooks(t *testing.T) {
	r := newRoom(t)
	if report := r.report(); report.State != amber || report.CheckedAt != nil || clause(t, report, "C-RET-GUESTS").CheckedAt != nil || find(t, report, "figures").Made() != nil {
		t.Errorf("before the first check: %s", report.State)
	}
	r.run()
	for _, c := range []struct {
		after time.Duration
		want  models.TransparencyState
		says  string
	}{{time.Hour, green, "after 30 days"}, {6 * time.Second, amber, "last checked 60 minutes ago"}, {5 * time.Hour, red, "last checked 6 hours ago"}} {
		r.hand.move(c.after)
		if got := find(t, r.report(), "figures"); got.State != c.want || !strings.Contains(got.Evidence, c.says) {
			t.Errorf("%s later: %s, %s", c.after, got.State, got.Evidence)
		}
	}
	r.hand.move(-7 * time.Hour)
	r.again()
	r.hand.move(7 * time.Hour)
	if _, err := r.db.Pool().Exec(t.Context(), `DELETE FROM transparency_checks`); err != nil {
		t.Fatal(err)
	}
	if report := r.report(); report.State != red {
		t.Errorf("never checked in seven hours: %s", report.State)
	}
}

// A check that fails, hangs or breaks down keeps its former result, and the others are made.
func TestACheckThatFailsKeepsNoOtherBack(t *testing.T) {
	r := newRoom(t)
	r.config.Facts.OldestGuest = func(context.Context) (time.Time, bool, error) { return time.Time{}, false, errBroken }
	r.config.Facts.Ledger = func(context.Context) (transparency.Ledger, bool, error) { panic("canary of the panic") }
	r.again()
	made, err := r.Run(t.Context())
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "canary of the panic") || made != len(r.IDs())-2 {
		t.Errorf("%d made, %v", made, err)
	}
	report := r.report()
	if find(t, report, "marketing").State != green || find(t, report, "oldest_guest").Made() != nil || strings.Contains(find(t, report, "oldest_guest").Evidence, "canary") {
		t.Error("the failure shows, or others are not made")
	}
}

// P85: a check that turns red is told to the administrators and the log once for each time
// of trouble, on however many instances, and again only after an hour of calm.
func TestRedIsToldOnceForEachTimeOfTrouble(t *testing.T) {
	r := newRoom(t)
	broken := false
	r.config.Facts.Recheck = func() error {
		if broken {
			return errBroken
		}
		return nil
	}
	r.again()
	step := func(is bool, after time.Duration, want int) {
		t.Helper()
		broken = is
		r.hand.move(after)
		r.again() // another instance
		r.run()
		if len(r.told) != want {
			t.Fatalf("told %d times, want %d: %v", len(r.told), want, r.told)
		}
	}
	step(false, 0, 0)
	step(true, 3*time.Minute, 1)
	step(true, 3*time.Minute, 1)
	step(false, 3*time.Minute, 1) // it flickers
	step(true, 3*time.Minute, 1)
	step(false, 3*time.Minute, 1)
	step(true, 2*time.Hour, 2)
	if r.told[0].Check != "policy_text" || r.told[0].Evidence == "" || r.told[0].Since.Equal(r.told[1].Since) {
		t.Errorf("%+v", r.told)
	}
	if n := strings.Count(r.log.String(), "level=ERROR"); n != 2 {
		t.Errorf("the log hears of it %d times:\n%s", n, r.log.String())
	}
	if n := len(r.report().Changes); n < 7 {
		t.Errorf("%d changes are kept", n)
	}
}

// Many instances that find the same at once tell of it once.
func TestManyInstancesTellOnce(t *testing.T) {
	r := newRoom(t)
	const instances = 8
	var here sync.WaitGroup
	here.Add(instances)
	r.config.Facts.Recheck = func() error {
		here.Done()
		here.Wait() // all find it at the same moment
		return errBroken
	}
	var told atomic.Int64
	r.config.Alarm = func(context.Context, *gorm.DB, transparency.Alarm) error { told.Add(1); return nil }
	var running sync.WaitGroup
	for range instances {
		r.again()
		s := r.Service
		running.Go(func() {
			if _, err := s.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
}

// Whoever can't be told now is told at the next turn; what was found shows at once.
func TestWhoCannotBeToldIsToldLater(t *testing.T) {
	r := newRoom(t)
	r.config.Facts.Recheck = func() error { return errBroken }
	r.again()
	r.untold = errors.New("no outbox")
	if _, err := r.Run(t.Context()); !errors.Is(err, r.untold) {
		t.Error(err)
	}
	if c := find(t, r.report(), "policy_text"); c.State != red {
		t.Error(c.State)
	}
	r.untold = nil
	r.hand.move(3 * time.Minute)
	if r.run(); len(r.told) != 1 {
		t.Errorf("told %d times", len(r.told))
	}
}

// A report can be verified without asking anybody; one that was changed, or is another
// installation's, is refused.
func TestAReportIsSigned(t *testing.T) {
	r := newRoom(t)
	report := r.run()
	document, err := r.Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read, err := transparency.Verify(secret, document)
	if err != nil || read.Signature != report.Signature || read.PublicKey != report.PublicKey || !read.MadeAt.Equal(r.hand.Now()) || len(read.Clauses) != len(report.Clauses) {
		t.Fatalf("%v, %+v", err, read)
	}
	if _, err := transparency.Verify(bytes.Repeat([]byte{6}, 32), document); !errors.Is(err, transparency.ErrReportElse) {
		t.Error(err)
	}
	for _, change := range [][2]string{{`"state":"GREEN"`, `"state":"RED"`}, {`"version":"v1"`, `"version":"v2"`}} {
		other := bytes.Replace(document, []byte(change[0]), []byte(change[1]), 1)
		if _, err := transparency.Verify(secret, other); bytes.Equal(other, document) || !errors.Is(err, transparency.ErrReportTampered) {
			t.Errorf("%v: %v", change, err)
		}
	}
	for _, text := range []string{"", "{}", `{"transparency":{}}`, `[1]`} {
		if _, err := transparency.Verify(secret, []byte(text)); !errors.Is(err, transparency.ErrNoReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(document, &whole); err != nil || bytes.Contains(whole["transparency"], []byte(report.Signature)) {
		t.Error(err)
	}
}

// B2: a register that names a check which there is not, or leaves one out, is refused.
func TestChecksAndRegisterAreOne(t *testing.T) {
	r := newRoom(t)
	c := r.config
	c.Register = &register.Register{Clauses: []register.Clause{{ID: "C-X", Run: append(r.IDs()[1:], "unheard_of")}}}
	if _, err := transparency.New(c); err == nil || !strings.Contains(err.Error(), "unheard_of") || !strings.Contains(err.Error(), r.IDs()[0]) {
		t.Error(err)
	}
}
