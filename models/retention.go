package models

import "time"

// RetentionHold is why a rule deletes nothing for the moment.
type RetentionHold string

// The reasons. None is empty.
const (
	HeldClocks RetentionHold = "CLOCKS" // this machine's clock and the database's differ
	HeldJump   RetentionHold = "JUMP"   // the clock has jumped ahead
	HeldMany   RetentionHold = "MANY"   // far more than usual would go
)

// RetentionState is where a rule stands. A rule is named by its table.
type RetentionState struct {
	Rule        string `gorm:"primaryKey"`
	Epoch       int64  // of the last sweep that began: writes of an earlier one change nothing
	SweptAt     *time.Time
	Removed     int64 // by the last sweep that removed anything
	RemovedAt   *time.Time
	Oldest      *time.Time    // the clock of the oldest row that the last sweep left
	Hold        RetentionHold // empty: none
	HeldSince   *time.Time
	Due         int64 // that would go, counted a little beyond Usual
	Usual       int64 // that may go without asking
	ConfirmedAt *time.Time
}

// TableName is the table's name.
func (RetentionState) TableName() string { return "retention_rules" }

// RetentionSweep is the receipt of a sweep: counts and times, and nothing of whom.
type RetentionSweep struct {
	ID         string `gorm:"primaryKey"`
	Rule       string
	Cutoff     time.Time // what was over by then went
	Rows       int64
	OldestLeft *time.Time
	Guard      RetentionHold // what held it, or an earlier try; empty: nothing
	StartedAt  time.Time
	FinishedAt *time.Time // nil: it runs, or was cut off and goes on
}

// RetentionRule is what is known of one table that does not keep its rows.
type RetentionRule struct {
	Table     string
	About     string
	Group     string
	Clause    string // of the policy; empty: none
	Job       string
	Max, Idle time.Duration // how long after its clock a row goes; Idle likewise without use, zero: none
	OldestAt  *time.Time
	SweptAt   *time.Time
	Removed   int64
	RemovedAt *time.Time
	Overdue   bool
	Hold      *RetentionHolding
}

// RetentionHolding is a hold and how it ends.
type RetentionHolding struct {
	Kind        RetentionHold
	Since       time.Time
	Due, Usual  int64      // of HeldMany: would go, counted a little beyond usual; may go without asking
	Until       *time.Time // it goes on then by itself; nil: when the clocks are right
	Confirmable bool       // the operator may end it
	ConfirmedAt *time.Time // the operator has confirmed it: the next sweep goes on
}

// RetentionDay is how many rows end on a day.
type RetentionDay struct {
	Day  time.Time // its beginning, UTC; what is over already counts to the first
	Rows int64
}

// KeptSeconds is Max.
func (r *RetentionRule) KeptSeconds() int64 { return int64(r.Max / time.Second) }

// IdleSeconds is Idle, nil when there is none.
func (r *RetentionRule) IdleSeconds() *int64 { return orNil(int64(r.Idle / time.Second)) }

// TableName is the table's name.
func (RetentionSweep) TableName() string { return "retention_sweeps" }

// HeldBy is Guard, nil when nothing held it.
func (s *RetentionSweep) HeldBy() *RetentionHold { return orNil(s.Guard) }
