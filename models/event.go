package models

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Credits is an exact amount in micro-credits: 1,000,000 are one credit.
type Credits int64

// MicroPerCredit is how many micro-credits make a credit.
const MicroPerCredit = 1_000_000

// String is the amount in credits as an exact decimal: 1.5, 0.000001, -2.
func (c Credits) String() string {
	sign, u := "", uint64(c)
	if c < 0 {
		sign, u = "-", -u
	}
	s := sign + strconv.FormatUint(u/MicroPerCredit, 10)
	if frac := u % MicroPerCredit; frac != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%06d", frac), "0")
	}
	return s
}

// MarshalGQL writes the scalar Credits.
func (c Credits) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(c.String())) }

// UnmarshalGQL reads the scalar Credits: a decimal string with at most six places.
func (c *Credits) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("credits must be a decimal string")
	}
	whole, frac, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || point && frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return fmt.Errorf("credits must be a decimal string like 12.5")
	}
	if len(frac) > 6 {
		return fmt.Errorf("credits have at most six decimal places")
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil {
		return fmt.Errorf("credits are at most 9223372036854.775807")
	}
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	*c = Credits(n)
	return nil
}

// ErrorCode is the stable name of a refusal.
type ErrorCode string

// Usage is the tokens of one reply.
type Usage struct {
	PromptTokens, CachedTokens, OutputTokens, ReasoningTokens int64
	Estimated                                                 bool
}

// Usage is the message's token counts, nil while it is live and for the owner's own.
func (m *Message) Usage() *Usage {
	if m.Role != RoleAssistant || m.Status.Live() {
		return nil
	}
	return &Usage{m.PromptTokens, m.CachedTokens, m.OutputTokens, m.ReasoningTokens, m.UsageEstimated}
}

// Credits is what the owner was charged, nil while it is live and for the owner's own.
func (m *Message) Credits() *Credits {
	if m.Role != RoleAssistant || m.Status.Live() {
		return nil
	}
	c := Credits(m.CostMicro)
	return &c
}

// Error says why the reply failed, nil when it did not.
func (m *Message) Error() *ReplyError {
	if m.ErrorCode == "" {
		return nil
	}
	e := &ReplyError{Code: ErrorCode(m.ErrorCode), Message: m.ErrorMessage}
	if m.RetryAfterMs > 0 {
		e.RetryAfterMs = &m.RetryAfterMs
	}
	return e
}

// ReplyError says why a reply failed.
type ReplyError struct {
	Code         ErrorCode
	Message      string
	RetryAfterMs *int
}

// ReplyEvent is one fact about a running reply.
type ReplyEvent interface{ IsReplyEvent() }

// ReplySnapshot is all so far; it replaces what the client holds.
type ReplySnapshot struct {
	Seq             int
	Text, Reasoning string
	Status          MessageStatus
}

// ReplyDelta is text to append.
type ReplyDelta struct {
	Seq  int
	Text string
}

// ReplyReasoningDelta is reasoning to append.
type ReplyReasoningDelta struct {
	Seq  int
	Text string
}

// ReplyQueued says where in the line a reply waits for the engine; Position 0: no more.
type ReplyQueued struct{ Seq, Position int }

// ReplyFinished is the end of a reply that did not fail.
type ReplyFinished struct {
	Seq     int
	Status  MessageStatus
	Usage   *Usage
	Credits *Credits
}

// ReplyFailed is the end of a reply by a failure.
type ReplyFailed struct {
	Seq   int
	Error *ReplyError
}

// IsReplyEvent marks the union's members.
func (ReplySnapshot) IsReplyEvent() {}

// IsReplyEvent marks the union's members.
func (ReplyDelta) IsReplyEvent() {}

// IsReplyEvent marks the union's members.
func (ReplyReasoningDelta) IsReplyEvent() {}

// IsReplyEvent marks the union's members.
func (ReplyQueued) IsReplyEvent() {}

// IsReplyEvent marks the union's members.
func (ReplyFinished) IsReplyEvent() {}

// IsReplyEvent marks the union's members.
func (ReplyFailed) IsReplyEvent() {}

// ViewerEvent is something that happened to an owner's conversations.
type ViewerEvent interface{ IsViewerEvent() }

// ConversationChanged says that a conversation is new or different.
type ConversationChanged struct{ Conversation *Conversation }

// ConversationDeleted says that a conversation is gone.
type ConversationDeleted struct{ ConversationID string }

// ConversationsDeleted says that all conversations are gone that were begun until a time.
type ConversationsDeleted struct{ Before time.Time }

// ReplyStarted says that a reply has begun.
type ReplyStarted struct {
	ConversationID string
	Reply          *Message
}

// ReplyEnded says that a reply has ended, however it did.
type ReplyEnded struct {
	ConversationID string
	Reply          *Message
}

// IsViewerEvent marks the union's members.
func (ConversationChanged) IsViewerEvent() {}

// IsViewerEvent marks the union's members.
func (ConversationDeleted) IsViewerEvent() {}

// IsViewerEvent marks the union.
func (ConversationsDeleted) IsViewerEvent() {}

// IsViewerEvent marks the union's members.
func (ReplyStarted) IsViewerEvent() {}

// IsViewerEvent marks the union's members.
func (ReplyEnded) IsViewerEvent() {}

// CreditsChanged says that the viewer's balance is another.
type CreditsChanged struct{}

// PurchaseChanged says that a purchase of the viewer is another.
type PurchaseChanged struct{ PurchaseID string }

// IsViewerEvent marks the union's members.
func (CreditsChanged) IsViewerEvent() {}

// IsViewerEvent marks the union's members.
func (PurchaseChanged) IsViewerEvent() {}
