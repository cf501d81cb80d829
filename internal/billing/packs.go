package billing

import (
	"bytes"
	_ "embed" // the built-in catalogue
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/models"
)

// Pack is an amount of credits for sale.
type Pack struct {
	ID          string
	Name        string
	Credits     int64 // micro-credits
	PriceMinor  int64 // minor units of the currency
	Currency    string
	TaxIncluded bool
	// CreemProductID is the product of Creem's own catalogue that is sold there; without
	// one the pack cannot be bought at Creem.
	CreemProductID string
}

// Bounds of packs: the greatest leave room for arithmetic in 64 bits.
const (
	microPerCredit  = 1_000_000
	maxPackCredits  = 1_000_000_000
	maxPriceMinor   = 100_000_000_000
	maxPacks        = 50
	maxPackName     = 60
	maxCatalogue    = 1 << 20
	maxCreemProduct = 100
)

//go:embed packs.json
var builtin []byte

// Load reads a catalogue of packs in JSON, the built-in one when path is empty. Its error
// names the pack and what is wrong with it, one line for each.
func Load(path string) ([]Pack, error) {
	if path == "" {
		return parsePacks(builtin)
	}
	data, err := readCatalogue(path)
	if err != nil {
		return nil, err
	}
	packs, err := parsePacks(data)
	if err != nil {
		return nil, fmt.Errorf("the credit packs in %s: %w", path, err)
	}
	return packs, nil
}

func readCatalogue(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own setting
	if err != nil {
		return nil, fmt.Errorf("read the credit packs: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxCatalogue+1))
	if err != nil {
		return nil, fmt.Errorf("read the credit packs: %w", err)
	}
	if len(data) > maxCatalogue {
		return nil, fmt.Errorf("read the credit packs: %s has more than %d bytes", path, maxCatalogue)
	}
	return data, nil
}

// entry is a pack as the catalogue writes it: whole credits.
type entry struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Credits        int64  `json:"credits"`
	Price          int64  `json:"price"`
	Currency       string `json:"currency"`
	TaxIncluded    bool   `json:"taxIncluded"`
	CreemProductID string `json:"creemProductId"`
}

func parsePacks(data []byte) ([]Pack, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var entries []entry
	if err := d.Decode(&entries); err != nil {
		return nil, fmt.Errorf("they must be a JSON list of packs with id, name, credits, price and currency: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list of packs")
	}
	if len(entries) == 0 || len(entries) > maxPacks {
		return nil, fmt.Errorf("there must be 1 to %d packs", maxPacks)
	}
	var wrong []error
	packs := make([]Pack, len(entries))
	for i, e := range entries {
		for _, fault := range e.faults(entries[:i]) {
			wrong = append(wrong, fmt.Errorf("pack %d (%q): %s", i+1, e.ID, fault))
		}
		packs[i] = Pack{ID: e.ID, Name: e.Name, Credits: e.Credits * microPerCredit, PriceMinor: e.Price, Currency: e.Currency,
			TaxIncluded: e.TaxIncluded, CreemProductID: e.CreemProductID}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return packs, nil
}

var packID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// faults says in a line each what is wrong with a pack; before are those above it.
func (e entry) faults(before []entry) (out []string) {
	say := func(wrong bool, text string) {
		if wrong {
			out = append(out, text)
		}
	}
	say(!packID.MatchString(e.ID), "id must be 1 to 40 of a-z, 0-9, - and _")
	say(slices.ContainsFunc(before, func(b entry) bool { return b.ID == e.ID }), "id is there twice")
	say(strings.TrimSpace(e.Name) == "" || utf8.RuneCountInString(e.Name) > maxPackName, fmt.Sprintf("name must have 1 to %d characters", maxPackName))
	say(e.Credits <= 0 || e.Credits > maxPackCredits, fmt.Sprintf("credits must be 1 to %d", maxPackCredits))
	say(e.Price <= 0 || e.Price > maxPriceMinor, fmt.Sprintf("price must be 1 to %d minor units, for example cents", maxPriceMinor))
	say(!knownCurrency(e.Currency), fmt.Sprintf("currency %q is no ISO 4217 code in capitals that is in use", e.Currency))
	say(len(e.CreemProductID) > maxCreemProduct || strings.ContainsAny(e.CreemProductID, " \t\r\n"), "creemProductId is no product's id")
	say(e.CreemProductID != "" && slices.ContainsFunc(before, func(b entry) bool { return b.CreemProductID == e.CreemProductID }), "creemProductId is another pack's already")
	return out
}

// pack finds a pack of the catalogue.
func (s *Service) pack(packID string) (Pack, bool) {
	i := slices.IndexFunc(s.Config.Packs, func(p Pack) bool { return p.ID == packID })
	if i < 0 {
		return Pack{}, false
	}
	return s.Config.Packs[i], true
}

// Offer is a pack and with whom it can be bought.
type Offer struct {
	Pack
	Providers []models.PaymentProvider
}

// Offers are the packs that can be bought, as the catalogue orders them.
func (s *Service) Offers() []Offer {
	var out []Offer
	for _, p := range s.Config.Packs {
		o := Offer{Pack: p}
		for _, name := range s.Sellers() {
			if sells(name, p) {
				o.Providers = append(o.Providers, name)
			}
		}
		if len(o.Providers) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// sells reports whether a pack can be bought with the provider.
func sells(provider models.PaymentProvider, p Pack) bool {
	return provider != models.PaymentCreem || p.CreemProductID != ""
}
