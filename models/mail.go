package models

import "time"

// MailStatus is where a mail stands.
type MailStatus string

// The states of mails. A kept mail waits in the outbox for the operator to read,
// because no mail server is set.
const (
	MailQueued MailStatus = "QUEUED"
	MailSent   MailStatus = "SENT"
	MailFailed MailStatus = "FAILED"
	MailKept   MailStatus = "KEPT"
)

// Mail is a mail of the outbox.
type Mail struct {
	OwnerID     string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	Kind        string
	DedupeKey   string
	Language    string
	ToSealed    []byte `json:"-"`
	FactsSealed []byte `json:"-"`
	Status      MailStatus
	Attempts    int
	LastError   string // the mail server's code and class, never its text
	CreatedAt   time.Time
	NextAt      time.Time
	FinishedAt  *time.Time

	To      string `gorm:"-"` // opened
	Subject string `gorm:"-"` // rendered
	Text    string `gorm:"-"` // rendered
}

// NextAttempt is when a waiting mail is tried next, nil for others.
func (m *Mail) NextAttempt() *time.Time {
	if m.Status != MailQueued {
		return nil
	}
	return &m.NextAt
}

// LetterKind says what a mail tells.
type LetterKind string

// The kinds of letters. Each has a template in every language of the mails.
const (
	LetterEmailConfirm     LetterKind = "EMAIL_CONFIRM"
	LetterEmailChanged     LetterKind = "EMAIL_CHANGED"
	LetterSignInNewDevice  LetterKind = "SIGN_IN_NEW_DEVICE"
	LetterIdentityLinked   LetterKind = "IDENTITY_LINKED"
	LetterIdentityUnlinked LetterKind = "IDENTITY_UNLINKED"
	LetterLowBalance       LetterKind = "LOW_BALANCE"
	LetterPromiseBroken    LetterKind = "PROMISE_BROKEN"
	LetterPolicy           LetterKind = "POLICY"
	LetterNews             LetterKind = "NEWS"
	LetterIncident         LetterKind = "INCIDENT"
	LetterDisclosed        LetterKind = "DISCLOSED"
	LetterContentOpened    LetterKind = "CONTENT_OPENED"
	// The next three tell administrators of money that doesn't fit.
	LetterPaymentQuarantined LetterKind = "PAYMENT_QUARANTINED"
	LetterPaymentsDiffer     LetterKind = "PAYMENTS_DIFFER"
	LetterPaymentsUncompared LetterKind = "PAYMENTS_UNCOMPARED"
)

// Letter is a mail as it is ordered: what it tells, to whom, in which language, and
// the facts that its template needs. One owner never gets two mails with the same
// DedupeKey.
type Letter struct {
	Kind      LetterKind
	To        string
	Language  string // a language tag; empty for the default
	DedupeKey string
	Facts     map[string]string
}
