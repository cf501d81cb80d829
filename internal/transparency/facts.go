package transparency

import (
	"context"
	"time"
)

// Facts are what other rooms know. Each is asked when its check is made.
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
	// Retention reports each rule of how long things are kept.
	Retention func(ctx context.Context) ([]Rule, error)
	// Exports counts the exports that there are.
	Exports func(ctx context.Context) (Exports, error)
	// LegalRequests counts what authorities asked for.
	LegalRequests func(ctx context.Context) (LegalRequests, error)
	// Notices says how far telling of a significant change is.
	Notices func(ctx context.Context) (Notices, error)
	// Marketing counts who agreed to news and what was sent against it.
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
	Unnoted bool          // the journal that keeps a backup from bringing anybody back lacks some
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
