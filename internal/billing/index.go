package billing

import (
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// Indexer makes the keyed hashes by which providers' ids are found. Nobody gets from the
// database to a payer at a provider without the installation's secret.
type Indexer struct{ key []byte }

// NewIndexer makes an indexer of a secret of the installation.
func NewIndexer(secret []byte) Indexer { return Indexer{key: seal.Derive(secret, "payment index v1")} }

// of is the index of an id of the sort at the provider; nil for no id.
func (i Indexer) of(sort string, p models.PaymentProvider, id string) []byte {
	if id == "" {
		return nil
	}
	return seal.Derive(i.key, sort+"\x00"+string(p)+"\x00"+id)
}

// The sorts of ids.
const (
	sortSession  = "session"
	sortPayment  = "payment"
	sortCustomer = "customer"
	sortDispute  = "dispute"
)
