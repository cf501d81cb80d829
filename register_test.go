package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/notify"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
)

func theRegister(t *testing.T) *register.Register {
	t.Helper()
	r, err := readRegister()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// P6: the time spans of the register are those that the code keeps to. The spans of tables
// whose rows carry the time of their own end are nothing.
func TestTheRegistersSpansAreTheCodes(t *testing.T) {
	kept := map[string]time.Duration{
		"api_request_logs": requestlog.TTL, "api_request_hours": requestlog.TTL, "api_request_thirds": requestlog.TTL, "mails": notify.KeepFor, "sessions": account.SessionTTL,
		"river_job": time.Hour, // internal/jobs
	}
	for _, table := range theRegister(t).Tables {
		span := time.Duration(table.Retention.Max)
		switch want, known := kept[table.Name]; {
		case table.Retention.Clock == "" || known && span == want || !known && span == 0:
		case !known && table.Retention.By == "retention.sweep": // which does what the register says
		case !known:
			t.Errorf("table %s is kept for %v: name the constant of the code here that says so too", table.Name, span)
		default:
			t.Errorf("table %s is kept for %v, but the code keeps to %v", table.Name, span, want)
		}
		if guests := time.Duration(table.Retention.Guests); guests != 0 && guests != account.GuestTTL {
			t.Errorf("table %s: guests' rows are kept for %v, but the code keeps to %v", table.Name, guests, account.GuestTTL)
		}
	}
}

// P71, P45: each job that the register names to end rows is one that has its turns.
func TestTheRegistersJobsRun(t *testing.T) {
	p := start(t)
	names := p.server.jobs.Names()
	if len(names) < 10 {
		t.Fatalf("there are only the jobs %v", names)
	}
	for _, table := range theRegister(t).Tables {
		if by := table.Retention.By; by != "" && by != "river" && !slices.Contains(names, by) {
			t.Errorf("table %s: no job is called %s; there are %v", table.Name, by, names)
		}
	}
}

// P5: a server that people used leaves no other files in its folder than the register names.
func TestFilesAreRegistered(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.pass()
	b.finished("one")
	want(t, at(b.ask(deleteDocument, map[string]any{"word": "DELETE"}), "data", "accountDelete", "deletion", "state"), `"DONE"`)
	entries, err := os.ReadDir(p.server.cfg.DataDir)
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	files := theRegister(t).Files
	for _, e := range entries {
		if !slices.ContainsFunc(files, func(f register.Place) bool { return f.Name == e.Name() }) {
			t.Errorf("%s lies in DATA_DIR and is not registered: say in files of policy/register.yaml what it holds", e.Name())
		}
	}
}
