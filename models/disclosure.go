package models

import (
	"slices"
	"strings"
	"time"
)

// DataKind is a kind of data that an authority may ask for.
type DataKind string

// The kinds.
const (
	DataAccount       DataKind = "ACCOUNT"
	DataConversations DataKind = "CONVERSATIONS"
	DataUsage         DataKind = "USAGE"
	DataDevices       DataKind = "DEVICES"
	DataPayments      DataKind = "PAYMENTS"
	DataAPIRequests   DataKind = "API_REQUESTS"
)

// DataKinds are all of them.
var DataKinds = []DataKind{DataAccount, DataConversations, DataUsage, DataDevices, DataPayments, DataAPIRequests}

// JoinKinds is a list of kinds as it is stored: in one order, none twice.
func JoinKinds(kinds []DataKind) string {
	var out []string
	for _, k := range DataKinds {
		if slices.Contains(kinds, k) {
			out = append(out, string(k))
		}
	}
	return strings.Join(out, " ")
}

// SplitKinds is the reverse of JoinKinds.
func SplitKinds(text string) []DataKind {
	out := []DataKind{}
	for _, k := range strings.Fields(text) {
		out = append(out, DataKind(k))
	}
	return out
}

// LegalGround is why something may be disclosed at all.
type LegalGround string

// The grounds that the policy names.
const (
	LegalByLaw     LegalGround = "LAW"
	LegalForSafety LegalGround = "SAFETY"
)

// LegalState is what was decided.
type LegalState string

// The states.
const (
	LegalOpen      LegalState = "OPEN"
	LegalDisclosed LegalState = "DISCLOSED"
	LegalRefused   LegalState = "REFUSED"
)

// Telling is whether whom it is about was told.
type Telling string

// Whether it was told.
const (
	TellingUndecided   Telling = "UNDECIDED"
	TellingTold        Telling = "TOLD"
	TellingProhibited  Telling = "PROHIBITED"
	TellingUnreachable Telling = "UNREACHABLE" // there is no address, or nobody any more
)

// LegalRequest is what an authority asked for, and what was decided.
type LegalRequest struct {
	ID         string `gorm:"primaryKey"`
	Ground     LegalGround
	Authority  string
	Basis      string
	Asked      string
	Given      string
	State      LegalState
	Telling    Telling
	ReceivedAt time.Time
	DecidedAt  *time.Time

	OwnerID    *string    `gorm:"-"` // whom it is about; nil: gone since
	LegalWords `gorm:"-"` // opened; empty when whom it is about is gone
}

// AskedKinds are the kinds of data that were asked for.
func (r *LegalRequest) AskedKinds() []DataKind { return SplitKinds(r.Asked) }

// GivenKinds are those that were disclosed.
func (r *LegalRequest) GivenKinds() []DataKind { return SplitKinds(r.Given) }

// LegalWords are what could name somebody.
type LegalWords struct {
	Reference   string `json:"reference,omitempty"`   // the authority's own number
	Scope       string `json:"scope"`                 // what exactly, of which time
	Reason      string `json:"reason"`                // why they ask
	Decision    string `json:"decision,omitempty"`    // why it was decided so
	Prohibition string `json:"prohibition,omitempty"` // what forbids to tell
}

// LegalSubject is whom a request is about.
type LegalSubject struct {
	OwnerID     string `gorm:"primaryKey"`
	RequestID   string `gorm:"primaryKey"`
	WordsSealed []byte `json:"-"`
}

// Opening is an administrator's access to somebody's conversations, for a while.
type Opening struct {
	OwnerID       string `gorm:"primaryKey"`
	ID            string `gorm:"primaryKey"`
	Conversations string
	ReasonSealed  []byte `json:"-"`
	AskedBy       string
	ApprovedBy    *string
	AskedAt       time.Time
	ApprovedAt    *time.Time
	ExpiresAt     time.Time
	EndedAt       *time.Time
	Reads         int64

	Reason string       `gorm:"-"` // opened
	State  OpeningState `gorm:"-"`
}

// ConversationIDs are the conversations that it names.
func (o *Opening) ConversationIDs() []string { return strings.Fields(o.Conversations) }

// OpeningState is what an opening is good for now.
type OpeningState string

// The states.
const (
	OpeningAsked OpeningState = "ASKED" // it waits for another administrator
	OpeningOpen  OpeningState = "OPEN"
	OpeningEnded OpeningState = "ENDED"
)

// StateAt is the state at a time.
func (o *Opening) StateAt(now time.Time) OpeningState {
	switch {
	case o.EndedAt != nil || !now.Before(o.ExpiresAt):
		return OpeningEnded
	case o.ApprovedAt != nil:
		return OpeningOpen
	}
	return OpeningAsked
}
