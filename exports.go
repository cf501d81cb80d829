package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/restore"
)

const (
	// exportsEvery is how soon an export goes on whose instance died; its turn may take as
	// long as very large ones do.
	exportsEvery   = 30 * time.Second
	exportsTimeout = 30 * time.Minute
)

// openExports builds what writes down all that is held of somebody.
func (s *server) openExports(secret []byte) (err error) {
	s.exports, err = export.New(export.Config{DB: s.db, Audit: s.audit, Rows: rows.Reader{DB: s.db, Register: s.register}, Owners: s.accounts, Clock: s.clock, Log: s.log,
		Secret: secret, Dir: filepath.Join(s.cfg.DataDir, "exports"), Name: s.cfg.ServiceName, Version: version})
	return err
}

// imports is what reads conversations out of files.
func (s *server) imports() *restore.Service {
	return restore.New(restore.Config{DB: s.db, Audit: s.audit, Chat: s.chat, Clock: s.clock, Dir: s.cfg.DataDir})
}

func (s *server) exportJobs() []jobs.Job {
	return []jobs.Job{
		{Name: export.Job, Every: exportsEvery, Timeout: exportsTimeout, Run: s.exports.Resume},
		{Name: export.SweepJob, Every: sweepEvery, Run: func(ctx context.Context) error { _, _, err := s.exports.Sweep(ctx); return err }},
	}
}
