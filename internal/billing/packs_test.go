package billing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/models"
)

func load(t *testing.T, text string) ([]billing.Pack, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "packs.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return billing.Load(path)
}

func TestTheBuiltInPacksAreSound(t *testing.T) {
	packs, err := billing.Load("")
	if err != nil || len(packs) == 0 {
		t.Fatalf("they are %v, %v", packs, err)
	}
	for _, p := range packs {
		if p.Credits < 1_000_000 || p.PriceMinor <= 0 || p.Currency != "USD" {
			t.Errorf("a pack is %+v", p)
		}
	}
}

func TestACatalogueOfOnesOwn(t *testing.T) {
	packs, err := load(t, `[{"id":"a","name":"Ä","credits":3,"price":4,"currency":"JPY","taxIncluded":true,"creemProductId":"prod_1"}]`)
	want := billing.Pack{ID: "a", Name: "Ä", Credits: 3_000_000, PriceMinor: 4, Currency: "JPY", TaxIncluded: true, CreemProductID: "prod_1"}
	if err != nil || len(packs) != 1 || packs[0] != want {
		t.Errorf("it is %+v, %v", packs, err)
	}
}

// T27: no price that is zero, negative or too large for exact arithmetic is sold.
func TestWrongCataloguesAreRefused(t *testing.T) {
	pack := func(more string) string {
		return `{"id":"a","name":"A","credits":1,"price":1,"currency":"USD"` + more + `}`
	}
	for text, want := range map[string]string{
		`[]`:                                   "1 to 50 packs",
		`{}`:                                   "must be a JSON list",
		`[` + pack("") + `] x`:                 "something follows",
		`[` + pack(`,"discount":1`) + `]`:      "discount",
		`[` + pack(`,"credits":0`) + `]`:       "credits must be 1",
		`[` + pack(`,"credits":-5`) + `]`:      "credits must be 1",
		`[` + pack(`,"credits":1.5`) + `]`:     "must be a JSON list",
		`[` + pack(`,"credits":1e30`) + `]`:    "must be a JSON list",
		`[` + pack(`,"price":0`) + `]`:         "price must be 1",
		`[` + pack(`,"price":-1`) + `]`:        "price must be 1",
		`[` + pack(`,"price":9e15`) + `]`:      "must be a JSON list",
		`[` + pack(`,"currency":"usd"`) + `]`:  `currency "usd"`,
		`[` + pack(`,"currency":"XYZ"`) + `]`:  `currency "XYZ"`,
		`[` + pack(`,"id":"A B"`) + `]`:        "id must be",
		`[` + pack(`,"name":" "`) + `]`:        "name must have",
		`[` + pack("") + `,` + pack("") + `]`:  `pack 2 ("a"): id is there twice`,
		`[` + pack(`,"creemProductId":"a b"}`): "",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := billing.Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestOffersNameWhoSells(t *testing.T) {
	r := newRoom(t)
	offers := r.Offers()
	if len(offers) != 2 || len(offers[0].Providers) != 2 || offers[0].Providers[0] != models.PaymentStripe || len(offers[1].Providers) != 1 {
		t.Errorf("for sale are %+v", offers)
	}
	if got := r.instance().Offers(); len(got) != 0 {
		t.Errorf("without a provider for sale are %+v", got)
	}
	if got := r.instance(r.creem).Offers(); len(got) != 1 {
		t.Errorf("Creem sells %+v", got)
	}
}

func TestDecimals(t *testing.T) {
	if billing.Decimals("USD") != 2 || billing.Decimals("JPY") != 0 {
		t.Error("dollars have cents, and yen have none")
	}
}
