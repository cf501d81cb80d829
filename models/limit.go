package models

import "time"

// RateLimitName is what a limit counts.
type RateLimitName string

// What limits count.
const (
	LimitRequests RateLimitName = "REQUESTS" // a minute
	LimitTokens   RateLimitName = "TOKENS"   // a minute
	LimitStreams  RateLimitName = "STREAMS"  // at once
	LimitCost     RateLimitName = "COST"     // of GraphQL documents, a minute
)

// RateLimitScope is whose uses a limit counts together.
type RateLimitScope string

// Whose uses are counted together.
const (
	LimitOfKey     RateLimitScope = "KEY"
	LimitOfAccount RateLimitScope = "ACCOUNT"
	LimitOfGuest   RateLimitScope = "GUEST"
)

// RateLimitState is what is left of a limit.
type RateLimitState struct {
	Name      RateLimitName
	Scope     RateLimitScope
	Limit     int64
	Remaining int64
	ResetAt   time.Time // when all of it is there again, if nothing more is used
}
