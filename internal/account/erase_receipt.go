package account

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// receiptFormat names the layout of receipts, and what their signatures are for.
const receiptFormat = "kimi-k2 deletion receipt v1"

// kept is what a receipt says of what stays.
const kept = "amounts of the ledger and of payments, under a random account number that leads to nobody; numbers of API requests without owner and key, for 90 days at most"

// maxReceipt bounds what is read as a receipt, in bytes.
const maxReceipt = 64 << 10

// receiptBody is what is signed: its JSON as Go writes it, without white space.
type receiptBody struct {
	Format     string           `json:"format"`
	ID         string           `json:"id"`
	Tombstone  string           `json:"tombstone"`
	Kind       models.OwnerKind `json:"kind"`
	Reason     string           `json:"reason"`
	StartedAt  time.Time        `json:"startedAt"`
	FinishedAt time.Time        `json:"finishedAt"`
	Rows       map[string]int64 `json:"rows"`
	Left       int64            `json:"left"`
	Elsewhere  models.Elsewhere `json:"elsewhere"`
	Kept       string           `json:"kept"`
}

// signedReceipt is a receipt as it is handed out.
type signedReceipt struct {
	Receipt   receiptBody `json:"receipt"`
	PublicKey string      `json:"publicKey"` // base64
	Signature string      `json:"signature"` // Ed25519, base64
}

func (s *Service) receiptKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.index.receipt) }

// sign makes the receipt of a deletion that is over: always the same one.
func (s *Service) sign(e Erasure) (string, error) {
	reason := string(e.Reason)
	if reason == "" {
		reason = "OWNER"
	}
	body := receiptBody{Format: receiptFormat, ID: e.ID, Tombstone: hex.EncodeToString(e.Tombstone), Kind: e.Kind, Reason: reason,
		StartedAt: e.StartedAt.UTC(), FinishedAt: e.FinishedAt.UTC(), Rows: e.Counts, Elsewhere: e.Elsewhere, Kept: kept}
	text, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("write a receipt: %w", err)
	}
	key := s.receiptKey()
	public, _ := key.Public().(ed25519.PublicKey)
	whole, err := json.MarshalIndent(signedReceipt{Receipt: body, PublicKey: base64.StdEncoding.EncodeToString(public),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write a receipt: %w", err)
	}
	return string(whole) + "\n", nil
}

// What CheckReceipt refuses.
var (
	ErrNoReceipt       = errors.New("this is no deletion receipt")
	ErrReceiptElse     = errors.New("this receipt was signed by another installation, or under another SECRET_KEY")
	ErrReceiptTampered = errors.New("this receipt was changed after it was signed")
)

// CheckReceipt says whether a receipt is one of this installation's, unchanged, and when
// the deletion was over. It asks nobody, not even the database.
func (s *Service) CheckReceipt(text string) (finishedAt time.Time, err error) {
	var r signedReceipt
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if len(text) > maxReceipt || d.Decode(&r) != nil || r.Receipt.Format != receiptFormat {
		return finishedAt, ErrNoReceipt
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return finishedAt, ErrNoReceipt
	}
	public, _ := s.receiptKey().Public().(ed25519.PublicKey)
	if r.PublicKey != base64.StdEncoding.EncodeToString(public) {
		return finishedAt, ErrReceiptElse
	}
	signature, err := base64.StdEncoding.DecodeString(r.Signature)
	body, unwritten := json.Marshal(r.Receipt)
	if err != nil || unwritten != nil || !ed25519.Verify(public, body, signature) {
		return finishedAt, ErrReceiptTampered
	}
	return r.Receipt.FinishedAt, nil
}
