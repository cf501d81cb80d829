package figures

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
)

// What somebody has who takes everything along.
const (
	exportedConversations = 1000
	exportedMessages      = 100 // of each
	messageWords          = 180 // about 1 KB
)

// exporter is what exports, imports and deletes in this process.
type exporter struct {
	db       *database.DB
	keeper   *seal.Keeper
	accounts *account.Service
	chat     *chat.Service
	out      *export.Service
	in       *restore.Service
	log      *audit.Service
}

// export measures how long everything of somebody takes to be written to a file, to be
// brought in again and to be deleted with its account, and how much memory that takes above
// what is there before.
func (r *Run) export(ctx context.Context) ([]report.Figure, error) {
	e, stop, err := r.newExporter(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	conversations := pick(r, exportedConversations, exportedConversations/50)
	owner, err := e.somebody(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.seed(ctx, owner, conversations); err != nil {
		return nil, err
	}
	var out, in, memory, gone, goneMemory []float64
	for n := range r.rounds() {
		watch, peak := clock.StartStopwatch(), watchMemory()
		file, err := e.file(ctx, owner)
		if err != nil {
			return nil, err
		}
		out, memory = append(out, watch.Elapsed().Seconds()), append(memory, peak())
		other, err := e.somebody(ctx)
		if err != nil {
			return nil, err
		}
		watch = clock.StartStopwatch()
		result, err := e.in.Import(ctx, other, file)
		_ = file.Close()
		if err != nil || result.Messages != conversations*exportedMessages {
			return nil, fmt.Errorf("%d messages came in again: %w", result.Messages, err)
		}
		in = append(in, watch.Elapsed().Seconds())
		watch, peak = clock.StartStopwatch(), watchMemory()
		if err := e.erase(ctx, other, result.Messages); err != nil {
			return nil, err
		}
		gone, goneMemory = append(gone, watch.Elapsed().Seconds()), append(goneMemory, peak())
		r.Tell("  round %d: out in %.1f s with %.0f MB, in again in %.1f s, deleted in %.1f s with %.0f MB", n+1, out[n], memory[n], in[n], gone[n], goneMemory[n])
	}
	what := fmt.Sprintf("%d conversations with %d messages", conversations, conversations*exportedMessages)
	return []report.Figure{
		report.New("export", what+" written to a sealed file, twice", "s", out, nil, report.Goal{Plain: true, Limit: 60}),
		report.New("export memory", "heap in use at most meanwhile, above that before", "MB", memory, nil, report.Goal{Plain: true, Limit: 100}),
		report.New("import", "the same file brought in by somebody else", "s", in, nil, report.Goal{}),
		report.New("erase", "who has brought it in deleted with everything, to the signed receipt", "s", gone, nil, report.Goal{Plain: true, Limit: 60}),
		report.New("erase memory", "heap in use at most meanwhile, above that before", "MB", goneMemory, nil, report.Goal{Plain: true, Limit: 100}),
	}, nil
}

func (r *Run) newExporter(ctx context.Context) (e *exporter, stop func(), err error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, nil, err
	}
	db, err := database.Open(ctx, database.Config{URL: d.URL, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, nil, fmt.Errorf("connect for the export: %w", err)
	}
	keeper, err := bed.Keeper()
	if err != nil {
		return nil, nil, err
	}
	known, err := register.Load(policy.Files())
	if err != nil {
		return nil, nil, err
	}
	b, err := bus.Open(ctx, bus.Config{Log: r.Log})
	if err != nil {
		return nil, nil, fmt.Errorf("open a bus: %w", err)
	}
	dir, err := os.MkdirTemp("", "kimi-bench-exports-")
	if err != nil {
		return nil, nil, err
	}
	e = &exporter{db: db, keeper: keeper, log: audittest.Under(db, bed.CookieKey())}
	e.accounts = account.New(account.Config{DB: db, Audit: e.log, Keeper: keeper, Clock: clock.System{}, Log: r.Log, GuestLimit: 1, CookieKey: bed.CookieKey()})
	e.chat = chat.New(chat.Config{DB: db, Owners: e.accounts, Bus: b, Clock: clock.System{}, Log: r.Log})
	e.out, err = export.New(export.Config{DB: db, Audit: e.log, Rows: rows.Reader{DB: db, Register: known}, Owners: e.accounts, Clock: clock.System{}, Log: r.Log,
		Secret: bed.CookieKey(), Dir: dir, Name: "bench", Version: "bench"})
	if err != nil {
		return nil, nil, err
	}
	e.accounts.EraseWith([]account.Shutter{e.out}, e.chat)
	e.in = restore.New(restore.Config{DB: db, Audit: e.log, Chat: e.chat, Clock: clock.System{}, Dir: dir})
	return e, func() {
		e.out.Close()
		b.Close()
		_ = db.Close(context.WithoutCancel(ctx)) // nothing more is expected of it
		_ = os.RemoveAll(dir)
	}, nil
}

// somebody is a new account.
func (e *exporter) somebody(ctx context.Context) (viewer.Viewer, error) {
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner)}
	key, wrapped, err := e.keeper.NewKey(v.OwnerID)
	if err != nil {
		return v, err
	}
	v.Key = key
	_, err = e.db.Pool().Exec(ctx, `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, now(), now())`, v.OwnerID, wrapped)
	if err != nil {
		return v, fmt.Errorf("make an account: %w", err)
	}
	return v, nil
}

// seed gives somebody conversations.
func (e *exporter) seed(ctx context.Context, v viewer.Viewer, conversations int) error {
	text, now := strings.Repeat("word ", messageWords), clock.System{}.Now()
	for n := range conversations {
		c := models.RestoredConversation{ID: id.New(id.Conversation), Title: fmt.Sprint("Conversation ", n), TitleSource: models.TitleOwner, CreatedAt: now, Updated: now}
		var messages []models.RestoredMessage
		parent := ""
		for m := range exportedMessages {
			one := models.RestoredMessage{ID: id.New(id.Message), ConversationID: c.ID, ParentID: parent, Role: models.RoleUser, Status: models.MessageComplete, Text: text + fmt.Sprint(m), CreatedAt: now}
			if m%2 == 1 {
				one.Role, one.ModelID, one.Reasoning = models.RoleAssistant, "kimi-k2", "because"
			}
			parent = one.ID
			messages = append(messages, one)
		}
		err := e.db.Tx(ctx, func(tx *gorm.DB) error {
			return e.chat.RestoreTx(tx, v, []models.RestoredConversation{c}, messages)
		})
		if err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	return nil
}

// file makes an export and opens it.
func (e *exporter) file(ctx context.Context, v viewer.Viewer) (*export.File, error) {
	if _, err := e.out.Start(ctx, v); err != nil {
		return nil, err
	}
	for {
		if err := e.out.Resume(ctx); err != nil {
			return nil, err
		}
		list, err := e.out.List(ctx, v)
		if err != nil {
			return nil, err
		}
		if list[0].Status != models.ExportRunning {
			token, _ := e.out.Token(list[0])
			return e.out.Open(ctx, v, token)
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// watchMemory looks at this process's heap until peak is called, which says in megabytes
// how much more was in use than at the beginning.
func watchMemory() (peak func() float64) {
	runtime.GC()
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	before, stop, most := inUse(), make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		high := uint64(0)
		for {
			select {
			case <-tick.C:
				high = max(high, inUse())
			case <-stop:
				most <- high
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		high := <-most
		return float64(high-min(high, before)) / (1 << 20)
	}
}
