package models

import "time"

// TransparencyState says whether a promise is kept.
type TransparencyState string

// The states, from good to bad.
const (
	TransparencyGreen TransparencyState = "GREEN" // kept, as far as the program can see
	TransparencyAmber TransparencyState = "AMBER" // not certain, or about to break
	TransparencyRed   TransparencyState = "RED"   // broken
)

var badness = map[TransparencyState]int{TransparencyGreen: 1, TransparencyAmber: 2, TransparencyRed: 3}

// Worse is the worse of two states.
func (s TransparencyState) Worse(other TransparencyState) TransparencyState {
	if badness[other] > badness[s] {
		return other
	}
	return s
}

// TransparencyFinding is one thing that a check found: which of the known ones, and the
// numbers and names in it. It can be said in any language.
type TransparencyFinding struct {
	Code   string              `json:"code"`
	Values []TransparencyValue `json:"values"`
}

// TransparencySort is how a value in a finding is written.
type TransparencySort string

// The sorts of values.
const (
	ValueNumber TransparencySort = "NUMBER" // whole
	ValueSpan   TransparencySort = "SPAN"   // in seconds
	ValueTime   TransparencySort = "TIME"   // by RFC 3339
	ValueDay    TransparencySort = "DAY"    // a time of which the day counts
	ValueText   TransparencySort = "TEXT"
	ValueNames  TransparencySort = "NAMES" // joined by commas
)

// TransparencyValue is a number or a name in a finding.
type TransparencyValue struct {
	Name  string           `json:"name"`
	Sort  TransparencySort `json:"sort"`
	Value string           `json:"value"`
	More  int              `json:"more,omitempty"` // names that a list leaves out
}

// TransparencyCheck is the newest result of one check of the policy.
type TransparencyCheck struct {
	ID        string                `gorm:"primaryKey" json:"id"`
	State     TransparencyState     `json:"state"`
	Evidence  string                `json:"evidence"` // a sentence or two, without anything of anybody
	Findings  []TransparencyFinding `gorm:"type:jsonb;serializer:json" json:"findings"`
	CheckedAt time.Time             `json:"checkedAt"`
	Since     time.Time             `json:"since"` // of the state
	RedSince  *time.Time            `json:"-"`     // when the newest time of trouble began
	RedAt     *time.Time            `json:"-"`     // when it was last found red
	ToldAt    *time.Time            `json:"-"`     // when the administrators were last told
}

// Made is when the check was made; nil when it never was.
func (c *TransparencyCheck) Made() *time.Time {
	if c.CheckedAt.IsZero() {
		return nil
	}
	return &c.CheckedAt
}

// TransparencyChange is one change of a check's state.
type TransparencyChange struct {
	CheckID  string                `gorm:"primaryKey" json:"check"`
	At       time.Time             `gorm:"primaryKey" json:"at"`
	State    TransparencyState     `json:"state"`
	Evidence string                `json:"evidence"`
	Findings []TransparencyFinding `gorm:"type:jsonb;serializer:json" json:"findings"`
}

// TransparencyClause is a promise of the policy with what shows whether it is kept.
type TransparencyClause struct {
	ID        string                `json:"id"`
	Section   string                `json:"section"` // the chapter of the policy that it stands in
	Title     string                `json:"title"`   // the promise in the policy's words
	State     TransparencyState     `json:"state"`
	Evidence  string                `json:"evidence"`
	Findings  []TransparencyFinding `json:"findings"`
	CheckedAt *time.Time            `json:"checkedAt"` // of the check that was made longest ago; null: one has never been
	CheckIDs  []string              `json:"checks"`
}

// Transparency is how the policy is kept, as everybody may see it.
type Transparency struct {
	Format        string                `json:"format"`
	MadeAt        time.Time             `json:"madeAt"`
	CheckedAt     *time.Time            `json:"checkedAt"` // when the newest check was made
	State         TransparencyState     `json:"state"`
	Service       string                `json:"service"`
	Version       string                `json:"version"` // of the software
	PolicyVersion string                `json:"policyVersion"`
	PolicyHash    string                `json:"policyHash"`
	Clauses       []*TransparencyClause `json:"clauses"`
	Checks        []*TransparencyCheck  `json:"checks"`
	Recipients    []*Recipient          `json:"recipients"`
	Hops          []*Hop                `json:"hops"`
	Changes       []*TransparencyChange `json:"changes"`             // the newest 50, newest first
	Signature     string                `json:"signature,omitempty"` // Ed25519 over this as JSON without it and the key, base64
	PublicKey     string                `json:"publicKey,omitempty"` // base64
}
