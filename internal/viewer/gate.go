package viewer

import "time"

// Gate is what somebody of whom nothing is stored has confirmed, accepted and chosen.
// It travels in a signed cookie; the zero Gate has confirmed nothing. Two gates are
// the same when they are ==.
type Gate struct {
	AgeConfirmedAt  time.Time // zero: not confirmed
	AgePolicy       string    // the policy's version at that time
	AgeRefusedUntil time.Time // the answer was below the age: none is heard before then
	AcceptedPolicy  string    // empty: none
	AcceptedAt      time.Time
	AcceptedHow     string // models.AcceptanceMethod
	Preferences     Choice // about the preferences cookie
	External        Choice // about an inference service that somebody else runs
}

// Choice is a consent that was given or refused; the zero Choice was never made.
type Choice struct {
	Granted  bool
	Provider string // whom it names, for consents that name somebody
	Policy   string // the policy's version at that time
	How      string // models.ConsentMethod
	At       time.Time
}

// Made reports whether somebody has chosen.
func (c Choice) Made() bool { return !c.At.IsZero() }

// Refusal is what of a gate concerns somebody of whom something is stored: the rest
// stands in the database then.
func (g Gate) Refusal() Gate { return Gate{AgeRefusedUntil: g.AgeRefusedUntil} }
