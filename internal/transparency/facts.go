package transparency

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Facts are what other rooms know. Each is asked when its check is made. Those that may be
// nil say so; their check then tells that the part is not in use.
type Facts struct {
	// Recheck reads the published texts again and compares them with their hashes.
	Recheck func() error
	// Figures are the numbers that the policy promises.
	Figures func() []Figure
	// OldestRequestLog is when the first day began of which logs are stored, OldestGuest when
	// the guest was last active that has been inactive for longest; false when there is none.
	OldestRequestLog, OldestGuest func(ctx context.Context) (time.Time, bool, error)
	// RequestLogTTL and GuestTTL are how long they may be kept.
	RequestLogTTL, GuestTTL time.Duration
	// Deletions are those that began at a time or later, and all that run.
	Deletions func(ctx context.Context, since time.Time) (Deletions, error)
	// Ledger is the newest check of the books; false when there was none yet.
	Ledger func(ctx context.Context) (Ledger, bool, error)
	// Audit verifies the whole chain of acts.
	Audit func(ctx context.Context) (Audit, error)
	// Staff counts what administrators did at a time or later.
	Staff func(ctx context.Context, since time.Time) (Staff, error)
	// Refused counts calls to hosts that are no recipients, since the start.
	Refused func() (calls int64, last time.Time)
	// Reachable are the names of the recipients that the process can reach.
	Reachable func() []string
	// Ruleless are the fields of the schema without a rule of who may ask for them.
	Ruleless func() []string
	// Retention reports each rule of how long things are kept; nil: the tables themselves are
	// looked at.
	Retention func(ctx context.Context) ([]Rule, error)
	// Exports counts the exports that there are; nil: there are none.
	Exports func(ctx context.Context) (Exports, error)
	// LegalRequests counts what authorities asked for; nil: none can be recorded.
	LegalRequests func(ctx context.Context) (LegalRequests, error)
	// Notices says how far telling of a significant change is; nil: nothing tells.
	Notices func(ctx context.Context) (Notices, error)
	// Published is how many significant versions there are after the first one.
	Published func() int
	// Marketing counts who agreed to news and what was sent against it; nil: no news are sent.
	Marketing func(ctx context.Context) (Marketing, error)
}

// Figure is a number of the policy beside what the program keeps to.
type Figure struct {
	Words          string // the policy's
	What           string // for example "guest days"
	Promised, Kept int
}

// Deletions of accounts and guests.
type Deletions struct {
	Running int64         // now
	Oldest  time.Time     // when the oldest that runs began; zero when none does
	Done    int64         // since the time that was asked for
	Slowest time.Duration // of those
	Unasked int64         // of those, where others couldn't be asked to forget
}

// Ledger is a check of the books.
type Ledger struct {
	At      time.Time
	Broken  []string // invariants that don't hold
	Checked int64    // rows that were looked at
}

// Audit is a verification of the chain of acts.
type Audit struct {
	Acts   int64
	Faults []string
}

// Staff is what administrators did.
type Staff struct {
	Acts   int64 // of any sort
	Opened int64 // of these: content was opened
}

// Rule is how long something is kept, and whether that is so.
type Rule struct {
	Name    string
	Oldest  time.Duration // the age of the oldest row by its clock; zero when there is none
	Max     time.Duration
	SweptAt time.Time
	Rows    int64 // that the last sweep took
	Overdue bool
	Held    string // why nothing is taken at present; empty when nothing holds it
}

// Exports of people's data.
type Exports struct {
	Ready, Running, Failed int64
	Overdue                time.Duration // for so long something is there that should be gone
}

// LegalRequests of authorities, all that ever came.
type LegalRequests struct {
	Open, Disclosed, Refused int64
	Since                    time.Time // when the first came; zero when none did
}

// Notices of the newest significant change of the policy.
type Notices struct {
	Version                      string // empty: nobody had to be told of one
	Sent, Waits, Refused, Failed int64  // mails
	Overdue                      bool   // not begun, or not over in time
}

// Marketing is who gets news.
type Marketing struct {
	Agreed, Sent int64
	Against      int64 // mails to who had not agreed
}

// span is a time span as people say it.
func span(d time.Duration) string {
	say := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < time.Minute:
		return say(int(d.Seconds()), "second")
	case d < 2*time.Hour:
		return say(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return say(int(d.Hours()), "hour")
	}
	return say(int(d.Hours()/24), "day")
}

// day is a date as people write it.
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// moment is a time as people write it.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// some names a few of many.
func some(all []string) string {
	const few = 5
	if len(all) > few {
		return strings.Join(all[:few], ", ") + fmt.Sprintf(" and %d more", len(all)-few)
	}
	return strings.Join(all, ", ")
}
