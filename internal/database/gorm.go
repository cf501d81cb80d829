package database

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

func openGorm(db *sql.DB, log *slog.Logger, slow time.Duration) (*gorm.DB, error) {
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{
		Logger:                 &slowLog{log: log, over: slow},
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

// slowLog tells about slow statements, never about values. Errors are returned to the
// caller, who logs them once.
type slowLog struct {
	log  *slog.Logger
	over time.Duration
}

// LogMode has no levels to choose from.
func (l *slowLog) LogMode(logger.LogLevel) logger.Interface { return l }

// Info says nothing.
func (l *slowLog) Info(context.Context, string, ...any) {}

// Warn says nothing.
func (l *slowLog) Warn(context.Context, string, ...any) {}

// Error says nothing.
func (l *slowLog) Error(context.Context, string, ...any) {}

// Trace logs the text of a statement that took too long, with placeholders.
func (l *slowLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	took := time.Since(begin)
	if l.over <= 0 || took < l.over {
		return
	}
	text, rows := statement()
	l.log.WarnContext(ctx, "slow statement", "took", took, "rows", rows, "sql", text)
}

// ParamsFilter drops the values, so that no caller of GORM's can print them.
func (l *slowLog) ParamsFilter(_ context.Context, text string, _ ...any) (string, []any) {
	return text, nil
}
