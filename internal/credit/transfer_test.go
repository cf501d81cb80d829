package credit_test

import (
	"errors"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

func (r *room) account(account string) int64 {
	r.t.Helper()
	return r.count(`SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE account_id = $1`, account)
}

// A wallet is opened once, whoever asks at the same time, and given its welcome once.
func TestAWalletIsOpenedOnceWithItsWelcome(t *testing.T) {
	r := newRoomWith(t, func(c *credit.Config) { c.SignupCredits = 77 })
	p := r.guest()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { r.must(r.tx(func(tx *gorm.DB) error { return r.OpenTx(tx, p.OwnerID) })) })
	}
	wg.Wait()
	r.must(r.tx(func(tx *gorm.DB) (err error) {
		p.wallet, err = r.WalletTx(tx, p.OwnerID)
		return err
	}))
	r.wants(p, 77, 0, 0)
	if n := r.count(`SELECT count(*) FROM ledger_accounts WHERE kind IN ('WALLET', 'DEBT')`); n != 2 {
		t.Errorf("there are %d accounts", n)
	}
	owner, found, err := r.OwnerOf(t.Context(), p.wallet)
	if owner != p.OwnerID || !found || err != nil {
		t.Errorf("the owner is %s, %v, %v", owner, found, err)
	}
	p.Kind = "ACCOUNT"
	b, w, err := r.Balance(t.Context(), p.Viewer)
	if err != nil || b.Posted != 77 || b.AccountID != p.wallet || w.AccountID != p.wallet || !w.LowNotice || w.LowThreshold != 50_000_000 || w.OwnerID != p.OwnerID {
		t.Errorf("the balance is %+v of %+v, %v", b, w, err)
	}
	r.sound()
}

// P54: what was paid is credited once, in however many transactions at once.
func TestAPurchaseIsCreditedOnce(t *testing.T) {
	r := newRoom(t)
	p := r.person(0)
	var wg sync.WaitGroup
	var mu sync.Mutex
	credited := 0
	for range 10 {
		wg.Go(func() {
			if r.deposit(p, "pur_1", 500) {
				mu.Lock()
				credited++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if credited != 1 {
		t.Errorf("it was credited %d times", credited)
	}
	r.wants(p, 500, 0, 0)
	if got := r.account("lac_stripe"); got != -500 {
		t.Errorf("against it stand %d", got)
	}
	r.sound()
}

// P56: a refund takes what is there, the rest is owed, and what comes in pays that first.
func TestWhatIsTakenBackBeyondTheBalanceIsOwed(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	h := r.mustHold(p, 30)
	for range 3 {
		r.takeBack(p, "pur_1/1", 90)
	}
	r.wants(p, 30, 30, 20)
	r.deposit(p, "pur_2", 15)
	r.wants(p, 30, 30, 5)
	r.must(r.Void(t.Context(), h.ID))
	r.wants(p, 25, 0, 0)
	for range 3 {
		r.giveBack(p, "pur_1/2", 90)
	}
	r.wants(p, 115, 0, 0)
	if got := r.account("lac_stripe"); got != -115 {
		t.Errorf("against it stand %d", got)
	}
	r.sound()
}

// What was voided within a larger transaction pays what is owed there too.
func TestVoidingWithinATransaction(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	h := r.mustHold(p, 100)
	r.takeBack(p, "pur_1/1", 40)
	r.must(r.tx(func(tx *gorm.DB) error { return r.VoidTx(tx, h.ID) }))
	r.wants(p, 60, 0, 0)
	r.sound()
}

// A payment that comes, or goes, after its account is gone is nobody's.
func TestWhatComesAfterTheOwnerGoesToSuspense(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	h := r.mustHold(p, 40)
	r.remove(p)
	if !r.deposit(p, "pur_late", 500) || r.deposit(p, "pur_late", 500) {
		t.Error("it is not credited once")
	}
	r.takeBack(p, "pur_late/1", 200)
	r.giveBack(p, "pur_late/2", 50)
	r.wants(p, 100, 40, 0)
	if got := r.account("lac_suspense"); got != 350 {
		t.Errorf("in suspense are %d", got)
	}
	if _, found, err := r.OwnerOf(t.Context(), p.wallet); found || err != nil {
		t.Errorf("the owner is found: %v, %v", found, err)
	}
	if _, err := r.Settle(t.Context(), act(p, h, "run/0", 5)); !errors.Is(err, credit.ErrHoldResolved) {
		t.Errorf("settling gives %v", err)
	}
	r.pass(credit.DefaultHoldTTL)
	if voided, _, err := r.Sweep(t.Context()); voided != 1 || err != nil {
		t.Errorf("%d were voided, %v", voided, err)
	}
	r.wants(p, 100, 0, 0)
	r.sound()
}

func TestNonsenseIsNotPosted(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	for name, deed := range map[string]func(tx *gorm.DB) error{
		"nothing": func(tx *gorm.DB) error {
			_, err := r.DepositTx(tx, p.wallet, models.PaymentStripe, "x", 0)
			return err
		},
		"a negative purchase": func(tx *gorm.DB) error {
			_, err := r.DepositTx(tx, p.wallet, models.PaymentStripe, "x", -1)
			return err
		},
		"a negative refund": func(tx *gorm.DB) error {
			return r.TakeBackTx(tx, p.wallet, models.PaymentStripe, models.TransferRefund, "x", -1)
		},
		"a refund that is a grant": func(tx *gorm.DB) error {
			return r.TakeBackTx(tx, p.wallet, models.PaymentStripe, models.TransferGrant, "x", 1)
		},
		"an unknown provider": func(tx *gorm.DB) error { return r.GiveBackTx(tx, p.wallet, "CASH", "x", 1) },
		"no wallet": func(tx *gorm.DB) error {
			return r.GiveBackTx(tx, "lac_revenue", models.PaymentCreem, "x", 1)
		},
		"more than fits": func(tx *gorm.DB) error {
			_, err := r.DepositTx(tx, p.wallet, models.PaymentCreem, "x", 1<<63-1)
			return err
		},
		"no name": func(tx *gorm.DB) error { return r.GiveBackTx(tx, p.wallet, models.PaymentCreem, "", 1) },
	} {
		if err := r.tx(deed); err == nil {
			t.Errorf("%s was posted", name)
		}
	}
	r.wants(p, 100, 0, 0)
	r.sound()
}

func TestIdsOfTransfersAreIds(t *testing.T) {
	r := newRoom(t)
	r.person(5)
	var transfer string
	r.must(r.db.Pool().QueryRow(t.Context(), `SELECT id FROM ledger_transfers`).Scan(&transfer))
	if !id.Is(id.Transfer, transfer) {
		t.Errorf("it is %q", transfer)
	}
}
