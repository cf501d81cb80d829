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

// TransparencyCheck is the newest result of one check of the policy.
type TransparencyCheck struct {
	ID        string            `gorm:"primaryKey" json:"id"`
	State     TransparencyState `json:"state"`
	Evidence  string            `json:"evidence"` // a sentence or two, without anything of anybody
	CheckedAt time.Time         `json:"checkedAt"`
	Since     time.Time         `json:"since"` // of the state
	RedSince  *time.Time        `json:"-"`     // when the newest time of trouble began
	RedAt     *time.Time        `json:"-"`     // when it was last found red
	ToldAt    *time.Time        `json:"-"`     // when the administrators were last told
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
	CheckID  string            `gorm:"primaryKey" json:"check"`
	At       time.Time         `gorm:"primaryKey" json:"at"`
	State    TransparencyState `json:"state"`
	Evidence string            `json:"evidence"`
}

// TransparencyClause is a promise of the policy with what shows whether it is kept.
type TransparencyClause struct {
	ID        string            `json:"id"`
	Section   string            `json:"section"` // the chapter of the policy that it stands in
	Title     string            `json:"title"`   // the promise in the policy's words
	State     TransparencyState `json:"state"`
	Evidence  string            `json:"evidence"`
	CheckedAt *time.Time        `json:"checkedAt"` // of the check that was made longest ago; null: one has never been
	CheckIDs  []string          `json:"checks"`
}

// RecipientKind is the sort of somebody who gets data.
type RecipientKind string

// The sorts.
const (
	RecipientInference RecipientKind = "INFERENCE"
	RecipientPayment   RecipientKind = "PAYMENT"
	RecipientSignIn    RecipientKind = "SIGN_IN"
	RecipientMail      RecipientKind = "MAIL"
	RecipientInternal  RecipientKind = "INTERNAL" // of the installation itself, such as a message broker
)

// Recipient is somebody who gets data from this installation. What isn't here can't be
// reached.
type Recipient struct {
	Kind      RecipientKind `json:"kind"`
	Name      string        `json:"name"`
	Hosts     []string      `json:"hosts"`     // host:port
	Sent      []string      `json:"sent"`      // what it gets
	Purpose   string        `json:"purpose"`   // and for what
	Clause    string        `json:"clause"`    // of the policy
	Local     bool          `json:"local"`     // on this machine: nothing leaves it
	Encrypted bool          `json:"encrypted"` // on the way, or local
	Consent   bool          `json:"consent"`   // only of people who agreed to it by name
}

// Hop is one way that data take.
type Hop struct {
	Name  string            `json:"name"`
	Host  string            `json:"host"`
	State TransparencyState `json:"state"`
	About string            `json:"about"` // how it is protected, or why it isn't
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
