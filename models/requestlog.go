package models

import "time"

// RouteReply is the route of the row that tells how a reply ended which a key asked for:
// it is no request.
const RouteReply = "reply"

// RequestOutcome is how an API request ended.
type RequestOutcome string

// The outcomes.
const (
	RequestSucceeded RequestOutcome = "SUCCEEDED"
	RequestRefused   RequestOutcome = "REFUSED"
	RequestLimited   RequestOutcome = "LIMITED"
	RequestFailed    RequestOutcome = "FAILED"
)

// OutcomeOf is the outcome of a status and a fault's code: what was answered with 2xx and
// has a code all the same broke on its way.
func OutcomeOf(status int, code string) RequestOutcome {
	switch {
	case status == 429:
		return RequestLimited
	case status >= 400 && status < 500:
		return RequestRefused
	case status >= 500, code != "":
		return RequestFailed
	}
	return RequestSucceeded
}

// RequestDimension is by what requests are summed up.
type RequestDimension string

// The dimensions.
const (
	RequestsByKey   RequestDimension = "KEY"
	RequestsByModel RequestDimension = "MODEL"
	RequestsByRoute RequestDimension = "ROUTE"
	RequestsByDay   RequestDimension = "DAY"
	RequestsByHour  RequestDimension = "HOUR"
)

// RequestLog is one API request, without content. Whose it is stands elsewhere.
type RequestLog struct {
	ID              string // the request's, or the run's of a reply
	CreatedAt       time.Time
	KeyID           string
	Route           string // of a closed vocabulary
	ModelID         string // empty: none was asked for
	Status          int
	Fault           string // its code; empty: none
	PromptTokens    int64
	CachedTokens    int64
	OutputTokens    int64
	ReasoningTokens int64
	Micro           int64 // micro-credits
	FirstTokenMs    *int  // nil: there was none
	LatencyMs       int
	Streamed        bool
}

// Outcome is how it ended.
func (l *RequestLog) Outcome() RequestOutcome { return OutcomeOf(l.Status, l.Fault) }

// Code is why it was refused or failed; nil when neither.
func (l *RequestLog) Code() *ErrorCode {
	if l.Fault == "" {
		return nil
	}
	code := ErrorCode(l.Fault)
	return &code
}

// Credits is what it cost.
func (l *RequestLog) Credits() Credits { return Credits(l.Micro) }

// RequestDay is what a key's requests of one day in UTC sum up to.
type RequestDay struct {
	OwnerID         string `gorm:"primaryKey" json:"-"`
	KeyID           string `gorm:"primaryKey"`
	Day             time.Time
	Requests        int64
	Errors          int64
	PromptTokens    int64
	CachedTokens    int64
	OutputTokens    int64
	ReasoningTokens int64
	Credits         int64
}
