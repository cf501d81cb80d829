package database

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// openGorm silences GORM's own log: some of its paths print values whatever they are
// told. Errors are returned to the caller, who logs them once.
func openGorm(db *sql.DB) (*gorm.DB, error) {
	g, err := gorm.Open(translating{&postgres.Dialector{Config: &postgres.Config{Conn: db}}}, &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		NowFunc:                clock.System{}.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("open the object mapper: %w", err)
	}
	return g, nil
}

// translating makes every error of GORM one that Translate has seen.
type translating struct{ *postgres.Dialector }

// Translate is GORM's translation and then ours.
func (d translating) Translate(err error) error { return Translate(d.Dialector.Translate(err)) }

// slowLog tells about statements that took too long, GORM's and direct ones alike, with
// placeholders instead of values.
type slowLog struct {
	log  *slog.Logger
	over time.Duration
}

type slowKey struct{}

type running struct {
	text  string
	began time.Time
}

// TraceQueryStart notes the time.
func (l *slowLog) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, slowKey{}, running{text: q.SQL, began: clock.System{}.Now()})
}

// TraceQueryEnd logs what was slow.
func (l *slowLog) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	r, ok := ctx.Value(slowKey{}).(running)
	if !ok {
		return
	}
	if took := (clock.System{}).Now().Sub(r.began); took >= l.over {
		l.log.WarnContext(ctx, "slow statement", "took", took, "rows", q.CommandTag.RowsAffected(), "sql", r.text)
	}
}
