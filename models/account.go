package models

import "time"

// Provider is a way to prove who one is.
type Provider string

// The providers. Operator is the one-time link that the server prints; Guest is
// nobody's proof: the method of a session that no sign-in made.
const (
	ProviderGoogle   Provider = "GOOGLE"
	ProviderGitHub   Provider = "GITHUB"
	ProviderOIDC     Provider = "OIDC"
	ProviderOperator Provider = "OPERATOR"
	ProviderGuest    Provider = "GUEST"
)

// Role is what an account may do beyond its own data.
type Role string

// The roles.
const (
	RoleAccountUser  Role = "USER"
	RoleAccountAdmin Role = "ADMIN"
)

// Account is an owner that signed in. The e-mail is always a confirmed one; the
// operator's account may have none. A corrected name or address is not overwritten
// by a later sign-in.
type Account struct {
	OwnerID        string `gorm:"primaryKey"`
	Role           Role
	NameSealed     []byte `json:"-"`
	NameCorrected  bool
	EmailSealed    []byte `json:"-"`
	EmailIndex     []byte `json:"-"`
	EmailCorrected bool
	Theme          string
	Language       string
	SendKey        string
	CreatedAt      time.Time

	Name         string `gorm:"-"` // opened
	Email        string `gorm:"-"` // opened; empty when there is none
	PendingEmail string `gorm:"-"` // opened; a new address that waits for its confirmation
}

// Identity is who an account is at a provider: the provider and its stable id.
type Identity struct {
	OwnerID       string `gorm:"primaryKey"`
	ID            string `gorm:"primaryKey"`
	Provider      Provider
	SubjectIndex  []byte `json:"-"`
	SubjectSealed []byte `json:"-"`
	CreatedAt     time.Time
	LastUsedAt    time.Time

	Only bool `gorm:"-"` // the account's only one: it can't be unlinked
}

// Session leads from the hash of a browser's cookie to an owner.
type Session struct {
	OwnerID         string `gorm:"primaryKey"`
	ID              string `gorm:"primaryKey"`
	TokenHash       []byte `json:"-"`
	Method          Provider
	DeviceType      string
	OS              string `gorm:"column:os"`
	Browser         string
	BrowserVersion  int
	CreatedAt       time.Time
	LastSeenAt      time.Time
	AuthenticatedAt *time.Time // the last proof of who it is; nil for guests
}

// SignIn waits for its provider.
type SignIn struct {
	StateHash   []byte `gorm:"primaryKey" json:"-"`
	BrowserHash []byte `json:"-"`
	Provider    Provider
	Purpose     string
	OwnerID     *string
	SessionID   *string
	Discard     bool
	ReturnTo    string
	ExpiresAt   time.Time
}

// OperatorLink signs the operator in once.
type OperatorLink struct {
	TokenHash []byte `gorm:"primaryKey" json:"-"`
	ExpiresAt time.Time
}

// EmailChange waits for the confirmation of a new address.
type EmailChange struct {
	OwnerID     string `gorm:"primaryKey"`
	TokenHash   []byte `json:"-"`
	EmailSealed []byte `json:"-"`
	EmailIndex  []byte `json:"-"`
	ExpiresAt   time.Time
}

// RemovalReason is why an account is removed.
type RemovalReason string

// The reasons.
const (
	RemovalUnderAge  RemovalReason = "UNDER_AGE"
	RemovalRequested RemovalReason = "REQUESTED"
	RemovalAbuse     RemovalReason = "ABUSE"
)

// Valid reports whether it is one of the reasons.
func (r RemovalReason) Valid() bool {
	return r == RemovalUnderAge || r == RemovalRequested || r == RemovalAbuse
}

// PurgeReceipt says how many rows a purge removed, by table.
type PurgeReceipt struct {
	ID         string `gorm:"primaryKey"`
	Kind       string
	Reason     RemovalReason // why an administrator removed an account; else empty
	Cutoff     time.Time
	Rows       []byte `gorm:"type:jsonb"` // an object: table → count
	StartedAt  time.Time
	FinishedAt *time.Time
}
