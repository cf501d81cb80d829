package models

import "time"

// ConsentKind is what a consent is about.
type ConsentKind string

// The kinds of consents.
const (
	ConsentPreferencesCookie ConsentKind = "PREFERENCES_COOKIE"
	ConsentExternalInference ConsentKind = "EXTERNAL_INFERENCE"
	ConsentShare             ConsentKind = "SHARE"
	ConsentMarketing         ConsentKind = "MARKETING"
)

// ConsentMethod is where a choice was made.
type ConsentMethod string

// The methods of consents.
const (
	ConsentBanner   ConsentMethod = "BANNER"
	ConsentSettings ConsentMethod = "SETTINGS"
	ConsentDialog   ConsentMethod = "DIALOG"
	ConsentAPI      ConsentMethod = "API"
	ConsentMail     ConsentMethod = "MAIL" // by the link in a mail
)

// AcceptanceMethod is where the policy was accepted.
type AcceptanceMethod string

// The methods of acceptances.
const (
	AcceptedInComposer AcceptanceMethod = "COMPOSER"
	AcceptedAtSignIn   AcceptanceMethod = "SIGN_IN"
	AcceptedInSettings AcceptanceMethod = "SETTINGS"
	AcceptedByAPI      AcceptanceMethod = "API"
)

// AgeConfirmation says that an owner is old enough; the date of birth isn't kept.
type AgeConfirmation struct {
	OwnerID       string `gorm:"primaryKey"`
	PolicyVersion string
	ConfirmedAt   time.Time
}

// PolicyAcceptance says that an owner accepted a version of the policy.
type PolicyAcceptance struct {
	OwnerID    string `gorm:"primaryKey"`
	Version    string `gorm:"primaryKey"`
	Method     AcceptanceMethod
	AcceptedAt time.Time
}

// Consent is one choice; the newest of a kind counts.
type Consent struct {
	OwnerID       string `gorm:"primaryKey"`
	ID            string `gorm:"primaryKey"`
	Kind          ConsentKind
	Granted       bool
	Provider      string // whom it names: the inference service of EXTERNAL_INFERENCE, else empty
	PolicyVersion string
	Method        ConsentMethod
	CreatedAt     time.Time
}
