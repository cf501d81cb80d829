package models

import (
	"slices"
	"time"
)

// AuditAct is what was done. The set is closed: what is not in it can't be written down.
type AuditAct string

// The acts.
const (
	AuditSessionBegun       AuditAct = "SESSION_BEGUN"
	AuditSessionEnded       AuditAct = "SESSION_ENDED"   // by whoever had it: signed out, or in anew
	AuditSessionRevoked     AuditAct = "SESSION_REVOKED" // from elsewhere
	AuditIdentityLinked     AuditAct = "IDENTITY_LINKED"
	AuditIdentityUnlinked   AuditAct = "IDENTITY_UNLINKED"
	AuditEmailChangeAsked   AuditAct = "EMAIL_CHANGE_ASKED"
	AuditEmailChanged       AuditAct = "EMAIL_CHANGED"
	AuditAccountCreated     AuditAct = "ACCOUNT_CREATED"
	AuditAccountRemoved     AuditAct = "ACCOUNT_REMOVED"
	AuditGuestsPurged       AuditAct = "GUESTS_PURGED"
	AuditAdminGranted       AuditAct = "ADMIN_GRANTED"
	AuditOperatorLinkMade   AuditAct = "OPERATOR_LINK_MADE"
	AuditKeyCreated         AuditAct = "KEY_CREATED"
	AuditKeyUpdated         AuditAct = "KEY_UPDATED"
	AuditKeyRevoked         AuditAct = "KEY_REVOKED"
	AuditCreditsAdjusted    AuditAct = "CREDITS_ADJUSTED"
	AuditUsageReviewed      AuditAct = "USAGE_REVIEWED"
	AuditQuarantineResolved AuditAct = "QUARANTINE_RESOLVED"
	AuditConsentGiven       AuditAct = "CONSENT_GIVEN"
	AuditConsentWithdrawn   AuditAct = "CONSENT_WITHDRAWN"
	AuditPolicyAccepted     AuditAct = "POLICY_ACCEPTED"
	AuditAgeConfirmed       AuditAct = "AGE_CONFIRMED"
	AuditMailRetried        AuditAct = "MAIL_RETRIED"
	AuditExportMade         AuditAct = "EXPORT_MADE"
	AuditExportFetched      AuditAct = "EXPORT_FETCHED"
	AuditDataImported       AuditAct = "DATA_IMPORTED"
	AuditDataDeleted        AuditAct = "DATA_DELETED"
	AuditConversationShared AuditAct = "CONVERSATION_SHARED"
	AuditShareRevoked       AuditAct = "SHARE_REVOKED"
	AuditPolicyPublished    AuditAct = "POLICY_PUBLISHED"
	AuditContentOpened      AuditAct = "CONTENT_OPENED"
	AuditRetentionConfirmed AuditAct = "RETENTION_CONFIRMED"
	AuditContentAsked       AuditAct = "CONTENT_ACCESS_ASKED"
	AuditContentApproved    AuditAct = "CONTENT_ACCESS_APPROVED"
	AuditContentEnded       AuditAct = "CONTENT_ACCESS_ENDED"
	AuditNoticeSent         AuditAct = "NOTICE_SENT"
	AuditLegalReceived      AuditAct = "LEGAL_REQUEST_RECEIVED"
	AuditLegalDecided       AuditAct = "LEGAL_REQUEST_DECIDED"
	AuditSecretKeyChanged   AuditAct = "SECRET_KEY_CHANGED"
)

// AuditActs are all of them.
var AuditActs = []AuditAct{
	AuditSessionBegun, AuditSessionEnded, AuditSessionRevoked, AuditIdentityLinked, AuditIdentityUnlinked, AuditEmailChangeAsked, AuditEmailChanged,
	AuditAccountCreated, AuditAccountRemoved, AuditGuestsPurged, AuditAdminGranted, AuditOperatorLinkMade, AuditKeyCreated, AuditKeyUpdated, AuditKeyRevoked,
	AuditCreditsAdjusted, AuditUsageReviewed, AuditQuarantineResolved, AuditConsentGiven, AuditConsentWithdrawn, AuditPolicyAccepted, AuditAgeConfirmed,
	AuditMailRetried, AuditExportMade, AuditExportFetched, AuditDataImported, AuditDataDeleted, AuditPolicyPublished, AuditContentOpened, AuditRetentionConfirmed,
	AuditContentAsked, AuditContentApproved, AuditContentEnded, AuditNoticeSent, AuditLegalReceived, AuditLegalDecided,
	AuditConversationShared, AuditShareRevoked, AuditSecretKeyChanged,
}

// Valid reports whether it is one of them.
func (a AuditAct) Valid() bool { return slices.Contains(AuditActs, a) }

// AuditActor is the sort of who did it.
type AuditActor string

// The sorts. Owner is whom the act concerns; Operator is an administrator, or whoever has a
// terminal on the installation.
const (
	AuditByOwner    AuditActor = "OWNER"
	AuditByKey      AuditActor = "API_KEY"
	AuditByOperator AuditActor = "OPERATOR"
	AuditBySystem   AuditActor = "SYSTEM"
)

// AuditFacts are what is known of an act besides: names of closed sets, ids and numbers.
// Nobody's text has a place in them, and no device: what is known of that goes with its
// session.
type AuditFacts struct {
	Provider  Provider    `json:"provider,omitempty"` // of a sign-in, a session or an identity
	SessionID string      `json:"session,omitempty"`  // the session that it was done to
	KeyID     string      `json:"key,omitempty"`      // the API key that it was done to
	Consent   ConsentKind `json:"consent,omitempty"`
	Version   string      `json:"version,omitempty"` // of the policy
	Outcome   string      `json:"outcome,omitempty"` // what was decided, or why: of a closed set
	Ref       string      `json:"ref,omitempty"`     // the id of a transfer, a receipt, a payment, …
	Micro     int64       `json:"micro,omitempty"`   // micro-credits
	Count     int64       `json:"count,omitempty"`
}

// AuditSubject is the pseudonym of an owner in the entries.
type AuditSubject struct {
	OwnerID string `gorm:"primaryKey"`
	Subject []byte `gorm:"primaryKey"`
	Joined  bool   // of a guest that joined the account: no new entry names it
}

// AuditEntry is one act as it was written.
type AuditEntry struct {
	ID        string `gorm:"primaryKey"`
	At        time.Time
	Act       AuditAct
	ActorKind AuditActor
	Actor     []byte
	KeyID     string
	SessionID string
	Subject   []byte
	Facts     string // AuditFacts as JSON, byte for byte what the mac covers
	MAC       []byte `gorm:"column:mac"`
}

// TableName is the table's name.
func (AuditEntry) TableName() string { return "audit_entries" }

// AuditLink is an entry's place in the chain.
type AuditLink struct {
	Place    int64 `gorm:"primaryKey"`
	EntryID  string
	LinkedAt time.Time
	Hash     []byte
}

// AuditCheckpoint is the signed end of the chain at one moment.
type AuditCheckpoint struct {
	Number    int64 `gorm:"primaryKey"`
	Place     int64
	Hash      []byte
	MadeAt    time.Time
	Signature []byte
}

// AccessLogEntry is an act as whom it concerns may read it.
type AccessLogEntry struct {
	ID         string
	At         time.Time
	Act        AuditAct
	Actor      AuditActor
	SessionID  string // the session that acted; empty: none did, or not one of its owner's
	ActorKeyID string // the API key that acted; empty: none did
	Facts      AuditFacts
}

// AuditRecord is an act as the operator may read it.
type AuditRecord struct {
	AccessLogEntry
	Place   *int64  // its place in the chain; nil: it has none yet
	OwnerID *string // whom it concerns; nil: nobody, or somebody who is gone
	ActorID *string // the account that acted; nil likewise
}

// Provider is that of the sign-in or identity; nil when it is about none.
func (e *AccessLogEntry) Provider() *Provider { return orNil(e.Facts.Provider) }

// Consent is what was agreed to or not; nil when it is about none.
func (e *AccessLogEntry) Consent() *ConsentKind { return orNil(e.Facts.Consent) }

// PolicyVersion is the version that counted; nil when none did.
func (e *AccessLogEntry) PolicyVersion() *string { return orNil(e.Facts.Version) }

// Credits are what was given or, when negative, taken; nil when none were.
func (e *AccessLogEntry) Credits() *Credits { return orNil(Credits(e.Facts.Micro)) }

// Outcome is what was decided, or why; empty when there is no such thing.
func (e *AccessLogEntry) Outcome() string { return e.Facts.Outcome }

// Ref is the id of what it left behind elsewhere.
func (e *AccessLogEntry) Ref() string { return e.Facts.Ref }

// Count is how many it was done to at once.
func (e *AccessLogEntry) Count() int64 { return e.Facts.Count }

func orNil[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
