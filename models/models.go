// Package models holds the nouns: rows as structs, their enums and pure answers
// about them. It never queries.
//
// Fields that end in Sealed are encrypted under the owner's key; the field without
// the ending carries the opened value and is no column.
package models

// All lists a pointer to every model, for tests that compare them with the schema.
func All() []any {
	return []any{&Installation{}, &Owner{}, &Session{}, &Conversation{}, &Message{}, &Run{}, &RunChunk{},
		&LedgerAccount{}, &LedgerBalance{}, &LedgerTransfer{}, &LedgerEntry{}, &LedgerHold{}, &LedgerCheck{}, &Wallet{}, &CreditAdjustment{}, &UsageRow{},
		&Purchase{}, &PaymentDetail{}, &PaymentCustomer{}, &PaymentEvent{}, &QuarantinedPayment{}, &Reconciliation{}, &Export{},
		&Notice{}, &LegalRequest{}, &LegalSubject{}, &Opening{}, &Share{}}
}
