package models

import "time"

// NoticeKind is what a mail to everybody is about.
type NoticeKind string

// The kinds of notices. News goes to who agreed to it; the others to every account with
// an address.
const (
	NoticePolicy   NoticeKind = "POLICY"
	NoticeNews     NoticeKind = "NEWS"
	NoticeIncident NoticeKind = "INCIDENT"
)

// NoticeState is how far a notice is.
type NoticeState string

// The states of notices: being written by the operator; mails are being written to one
// account after the other; all are written and some wait; none waits any more.
const (
	NoticeDraft   NoticeState = "DRAFT"
	NoticeWriting NoticeState = "WRITING"
	NoticeSending NoticeState = "SENDING"
	NoticeDone    NoticeState = "DONE"
)

// Notice is a mail to everybody.
type Notice struct {
	ID            string `gorm:"primaryKey"`
	Kind          NoticeKind
	PolicyVersion *string // of a POLICY
	Subject       string  // of the others; English, unless the operator wrote another language
	Text          string
	SubjectZh     string // empty: as Subject
	TextZh        string
	State         NoticeState
	Cursor        string `json:"-"`
	PacedUntil    time.Time
	Written       int64
	MailTally     `gorm:"embedded"`
	CreatedAt     time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time
}

// WordsIn is what the notice says in a language.
func (n *Notice) WordsIn(language string) (subject, text string) {
	if language == "zh" && n.SubjectZh != "" && n.TextZh != "" {
		return n.SubjectZh, n.TextZh
	}
	return n.Subject, n.Text
}

// MailTally is what became of mails.
type MailTally struct {
	Waiting, Sent int64
	Refused       int64 // by the recipient's mail server, for good
	Withdrawn     int64 // not wanted any more when their turn came
	Failed        int64 // for other reasons
	Kept          int64 // there is no mail server
}
