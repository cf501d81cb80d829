package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/retention"
)

// exportsEvery is how soon somebody looks for an export whose instance died.
const exportsEvery = 30 * time.Second

// openExports builds what writes down all that is held of somebody.
func (s *server) openExports(secret []byte) (err error) {
	s.exports, err = export.New(export.Config{DB: s.db, Audit: s.audit, Rows: rows.Reader{DB: s.db, Register: s.register}, Owners: s.accounts, Clock: s.clock, Log: s.log,
		Secret: secret, Dir: filepath.Join(s.cfg.DataDir, "exports"), Name: s.cfg.ServiceName, Version: version})
	return err
}

// imports is what reads conversations out of files.
func (s *server) imports() *restore.Service {
	limits := restore.Standard()
	limits.Guest, limits.Account = int64(s.cfg.ImportPerGuest)<<20, int64(s.cfg.ImportPerAccount)<<20
	return restore.New(restore.Config{DB: s.db, Audit: s.audit, Chat: s.chat, Clock: s.clock, Dir: s.cfg.DataDir, Limits: limits})
}

func (s *server) exportJobs() []jobs.Job {
	return []jobs.Job{
		// The turn is over at once: one that is cut off would be in the way of the next.
		{Name: export.Job, Every: exportsEvery, Run: func(context.Context) error { s.exports.Kick(); return nil }},
		{Name: export.SweepJob, Every: sweepEvery, Run: s.retention.Watch(exportsEnd(s.exports))},
	}
}

// exportsEnd is how exports end, with their files.
func exportsEnd(e *export.Service) retention.Procedure {
	return retention.Procedure{Job: export.SweepJob, Guarded: true, Run: func(ctx context.Context) (map[string]int64, error) {
		expired, _, err := e.Sweep(ctx)
		return map[string]int64{"exports": int64(expired)}, err
	}}
}
