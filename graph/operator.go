package graph

// Operator is the installation as its operator sees it; the outbox is loaded when it is
// asked for.
type Operator struct {
	MailServer bool
}
