package credit_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/big"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/models"
)

const day = 24 * time.Hour

// turns are days on which clocks are set, and zones in which they are: by an hour, by
// half an hour, at midnight; and zones that are off by quarters or never change.
var (
	zones   = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Asia/Shanghai", "Asia/Kathmandu", "Pacific/Apia"}
	windows = []time.Duration{390 * day, 390 * day, 60 * day, 2 * day, day + time.Hour, day, day - time.Hour, 30 * time.Minute, time.Microsecond}
	turns   = []string{"2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-04-24", "2026-10-30", "2026-02-28", "2026-01-01"}
)

// checks runs a property so many times.
func checks(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", before) }()
	rapid.Check(t, property)
}

// around is a moment within a day and a half of a turn, often at a full or half hour.
func around(t *rapid.T, name string) time.Time {
	turn, _ := time.Parse(time.DateOnly, rapid.SampledFrom(turns).Draw(t, name))
	d := time.Duration(rapid.IntRange(-72, 96).Draw(t, name+" half hours")) * 30 * time.Minute
	return turn.Add(d + time.Duration(rapid.SampledFrom([]int64{0, 0, 0, -1, 1, 1_799_999_999}).Draw(t, name+" µs"))*time.Microsecond)
}

// history is somebody with a few acts of all sorts.
func history(t *rapid.T, r *room) person {
	p := r.person(1 << 40)
	p.Key = &seal.Key{}
	for i := range rapid.SampledFrom([]int{0, 1, 5, 10, 10}).Draw(t, "acts") {
		at := around(t, "when")
		r.now.Store(&at)
		s := models.Settlement{OwnerID: p.OwnerID, Ref: fmt.Sprint(max(0, i-rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "again"))), Source: models.SourceWeb,
			Feature: rapid.SampledFrom([]models.Feature{models.FeatureChat, models.FeatureEdit, models.FeatureAPI}).Draw(t, "feature"),
			ModelID: rapid.SampledFrom([]string{"k2", "mini"}).Draw(t, "model"), KeyID: rapid.SampledFrom([]string{"", "key_1", "key_2"}).Draw(t, "key"), Status: models.RunComplete}
		s.Usage.PromptTokens = rapid.Int64Range(0, 5000).Draw(t, "prompt")
		s.Usage.CachedTokens = rapid.Int64Range(0, 5000).Draw(t, "cached")
		s.Usage.OutputTokens = rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(1, 5000), rapid.Int64Range(700, 900)).Draw(t, "output")
		price := models.Price{Input: rapid.Int64Range(0, 3_000_000).Draw(t, "price"), CachedInput: 70_001, Output: 2_500_003}
		r.must(r.tx(func(tx *gorm.DB) error {
			h, err := r.HoldTx(tx, p.Viewer, models.HoldAsk{Price: price, PromptTokens: 4000, OutputTokens: rapid.Int64Range(0, 3000).Draw(t, "slice")})
			if err != nil {
				return err
			}
			s.HoldID = h.ID
			if _, err := r.SettleTx(tx, s); err != nil {
				return err
			}
			return r.VoidTx(tx, h.ID) // of an act that was settled before
		}))
	}
	return p
}

// debits is what the ledger took for acts in a window, entry by entry.
func (r *room) debits(t *rapid.T, p person, from, to time.Time) (sum int64) {
	entries, more, err := r.Entries(r.t.Context(), p.Viewer, credit.List{Page: page.Args{Size: 100}, Kinds: []models.TransferKind{models.TransferCharge}, From: from, To: to})
	if err != nil || more {
		t.Fatalf("entries: %v, more: %v", err, more)
	}
	for _, e := range entries {
		sum -= e.Amount
	}
	return sum
}

func (r *room) usage(t *rapid.T, p person, w credit.Window) (credit.Sum, []credit.Group) {
	total, groups, err := r.Usage(r.t.Context(), p.Viewer, w)
	if err != nil {
		t.Fatal(err)
	}
	return total, groups
}

// P23, P25, P26, L10: for any history, window and zone, what was used costs exactly what
// the ledger took, however it is summed up, and the tables say the same.
func TestUsageIsWhatTheLedgerTook(t *testing.T) {
	r := newRoom(t)
	checks(t, 60, func(t *rapid.T) {
		p := history(t, r)
		w := credit.Window{From: around(t, "from"), Zone: rapid.SampledFrom(zones).Draw(t, "zone")}
		if rapid.Bool().Draw(t, "all") {
			w.From = time.Date(2025, 12, 25, 0, 0, 0, 0, time.UTC)
		}
		w.To = w.From.Add(rapid.SampledFrom(windows).Draw(t, "length"))
		if last := *r.now.Load(); last.After(w.From) && rapid.Bool().Draw(t, "up to the last") {
			w.To = last
		}
		total, none := r.usage(t, p, w)
		if took := r.debits(t, p, w.From, w.To); total.Credits != took || none != nil {
			t.Fatalf("usage says %+v, the ledger took %d", total, took)
		}
		for _, by := range [][]credit.Dimension{{credit.ByDay}, {credit.ByModel}, {credit.ByKey}, {credit.ByFeature}, {credit.ByDay, credit.ByModel, credit.ByKey, credit.ByFeature}} {
			w.By = by
			again, groups := r.usage(t, p, w)
			var sum credit.Sum
			for _, g := range groups {
				sum = plus(sum, g.Sum)
			}
			if sum != total || again != total {
				t.Fatalf("by %v it sums up to %+v, in all %+v", by, sum, total)
			}
		}
		days(t, r, p, w)
		tables(t, r, p, w, total)
	})
	r.sound()
}

func plus(a, b credit.Sum) credit.Sum {
	return credit.Sum{Acts: a.Acts + b.Acts, PromptTokens: a.PromptTokens + b.PromptTokens, CachedTokens: a.CachedTokens + b.CachedTokens,
		OutputTokens: a.OutputTokens + b.OutputTokens, ReasoningTokens: a.ReasoningTokens + b.ReasoningTokens, Credits: a.Credits + b.Credits}
}

// days holds each day's sum against the ledger between that day's first moment and the
// next one's, by our own calendar.
func days(t *rapid.T, r *room, p person, w credit.Window) {
	w.By = []credit.Dimension{credit.ByDay}
	zone, err := sheet.Zone(w.Zone)
	if err != nil {
		t.Fatal(err)
	}
	_, groups := r.usage(t, p, w)
	for _, g := range groups {
		date, err := time.Parse(time.DateOnly, g.Day)
		if err != nil {
			t.Fatal(err)
		}
		from, to := sheet.DayStart(date.Year(), date.Month(), date.Day(), zone), sheet.DayStart(date.Year(), date.Month(), date.Day()+1, zone)
		if from.Before(w.From) {
			from = w.From
		}
		if to.After(w.To) {
			to = w.To
		}
		if took := r.debits(t, p, from, to); took != g.Sum.Credits {
			t.Fatalf("on %s in %s usage says %d, the ledger took %d", g.Day, w.Zone, g.Sum.Credits, took)
		}
	}
}

// tables sums up the columns of credits, as numbers without bounds or rounding.
func tables(t *rapid.T, r *room, p person, w credit.Window, total credit.Sum) {
	e := credit.Export{From: w.From, To: w.To, Zone: w.Zone}
	charges := e
	charges.Kinds = []models.TransferKind{models.TransferCharge}
	want := new(big.Rat).SetFrac64(total.Credits, models.MicroPerCredit)
	for name, c := range map[string]struct {
		write func(*bytes.Buffer) error
		sign  int64
	}{
		"ledger": {func(b *bytes.Buffer) error { return r.LedgerCSV(r.t.Context(), p.Viewer, charges, b) }, -1},
		"acts":   {func(b *bytes.Buffer) error { return r.ActsCSV(r.t.Context(), p.Viewer, e, b) }, 1},
		"days":   {func(b *bytes.Buffer) error { return r.DaysCSV(r.t.Context(), p.Viewer, e, b) }, 1},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil {
			t.Fatal(err)
		}
		sum := new(big.Rat)
		for _, row := range read(t, b.Bytes()) {
			n, ok := new(big.Rat).SetString(row["credits"])
			if !ok {
				t.Fatalf("%q is no amount", row["credits"])
			}
			sum.Add(sum, n)
		}
		if sum.Mul(sum, big.NewRat(c.sign, 1)); sum.Cmp(want) != 0 {
			t.Fatalf("the table of %s sums up to %s, want %s", name, sum, want)
		}
	}
}
