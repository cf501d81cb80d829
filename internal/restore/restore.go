// Package restore makes conversations out of files that people bring: an export of a Kimi
// K2, of ChatGPT or of Open WebUI. It owns no table: the rows are written by who owns them,
// through an interface.
//
// Whoever brings a file is not trusted. It is read piece by piece within limits, nothing in
// it names a place on the disk, ids in it mean nothing outside of it, and either all of it
// becomes the viewer's or nothing does. Each refusal is INVALID and says what is wrong.
package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Limits bound what a file may be.
type Limits struct {
	Upload        int64 // bytes as they come
	Unpacked      int64 // bytes that are read out of a ZIP
	Ratio         int64 // how many times larger a file of a ZIP may be than it lies there
	Element       int64 // bytes of one row of our own exports
	Conversation  int64 // bytes of one conversation of another program
	Conversations int
	Messages      int
	Text          int   // bytes of one message's text, or of its reasoning
	Reply         int   // bytes of both of a reply in our own exports
	Guest         int64 // bytes that a guest keeps, with what it has already
	Account       int64 // likewise of an account
}

// Standard are the limits of an installation.
func Standard() Limits {
	return Limits{Upload: 256 << 20, Unpacked: 1 << 30, Ratio: 300, Element: 32 << 20, Conversation: 16 << 20, Conversations: 20_000, Messages: 250_000, Text: 1 << 20, Reply: 16 << 20, Guest: 16 << 20, Account: 512 << 20}
}

const (
	// atOnce is how many files an instance reads at once, patience how long one waits for
	// that.
	atOnce   = 2
	patience = 30 * time.Second
	// spooled is how many of the largest files may lie on the disk at once, whole or not.
	spooled = 8
)

// Chat writes conversations.
type Chat interface {
	RestoreTx(tx *gorm.DB, v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage) error
	// KeptTx is how many bytes the viewer's messages take.
	KeptTx(tx *gorm.DB, v viewer.Viewer) (int64, error)
	ShowTx(tx *gorm.DB, v viewer.Viewer, leaves map[string]string) error
	Restored(v viewer.Viewer, conversationIDs []string)
}

// Config is what a Service is made of.
type Config struct {
	DB    *database.DB
	Audit *audit.Service
	Chat  Chat
	Clock clock.Clock
	// Dir is where a file lies while it is read, without a name.
	Dir    string
	Limits Limits // zero: Standard
}

// Service reads files.
type Service struct {
	Config
	slots chan struct{}
	lying atomic.Int64 // bytes of files on the disk
}

// New makes the service.
func New(c Config) *Service {
	if c.Limits == (Limits{}) {
		c.Limits = Standard()
	}
	return &Service{Config: c, slots: make(chan struct{}, atOnce)}
}

// Source is which program made a file.
type Source string

// The programs.
const (
	Own       Source = "KIMI_K2"
	ChatGPT   Source = "CHATGPT"
	OpenWebUI Source = "OPEN_WEBUI"
)

// Result is what became of a file.
type Result struct {
	Source        Source `json:"source"`
	Conversations int    `json:"conversations"`
	Messages      int    `json:"messages"`
	// Skipped are messages that there is no place for here, such as those of tools.
	Skipped int `json:"skipped"`
}

// Import makes all conversations of a file the viewer's, an account or a guest. It refuses
// with INVALID what it can't read or what is over a limit, and then nothing was changed;
// with RATE_LIMITED while too many files are read, or another one of the viewer's, by
// whichever instance.
func (s *Service) Import(ctx context.Context, v viewer.Viewer, body io.Reader) (Result, error) {
	if !v.IsOwner() || v.Kind != viewer.Account && v.Kind != viewer.Guest {
		return Result{}, fault.New(fault.Unauthenticated, "sign in, or send a first message: there is nobody yet whose conversations these could be")
	}
	file, err := s.spool(body)
	if err != nil {
		return Result{}, err
	}
	defer file.close()
	// Only a file that has come takes a place: one that comes slowly is in nobody's way.
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-waiting.Done():
		return Result{}, busy()
	}
	var out *sink
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := alone(tx, v); err != nil {
			return err
		}
		out = newSink(tx, s.Chat, v, s.Limits, s.Clock.Now())
		if err := out.room(); err != nil {
			return err
		}
		if err := s.read(file.File, out); err != nil {
			return err
		}
		if err := out.end(); err != nil {
			return err
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditDataImported, Subject: v.OwnerID, By: audit.By(v),
			Facts: models.AuditFacts{Outcome: string(out.result.Source), Count: int64(out.result.Conversations)}})
	})
	if err != nil {
		return Result{}, fmt.Errorf("import: %w", gone(err))
	}
	s.Chat.Restored(v, out.ids)
	return out.result, nil
}

// alone keeps the viewer's other files out until tx ends: what two of them bring would not be
// counted together.
func alone(tx *gorm.DB, v viewer.Viewer) error {
	var first bool
	if err := tx.Raw("SELECT pg_try_advisory_xact_lock(hashtextextended('import ' || ?, 0))", v.OwnerID).Scan(&first).Error; err != nil {
		return fmt.Errorf("look for another file: %w", err)
	}
	if !first {
		return fault.New(fault.RateLimited, "another file of yours is being read: try again when it is done")
	}
	return nil
}

// gone tells an owner that went while its file was read.
func gone(err error) error {
	if database.Violates(err, "conversations_owner_id_fkey") {
		return fault.New(fault.Unauthenticated, "whose conversations these were to be is gone")
	}
	return err
}

func busy() error {
	return fault.New(fault.RateLimited, "other files are being read: try again in a minute")
}

// lying is a file on the disk.
type lying struct {
	*os.File
	service *Service
	size    int64
}

// Write refuses what there is no room for beside the other files.
func (l *lying) Write(p []byte) (int, error) {
	l.size += int64(len(p))
	if l.service.lying.Add(int64(len(p))) > spooled*l.service.Limits.Upload {
		return 0, busy()
	}
	return l.File.Write(p) //nolint:wrapcheck // a file
}

func (l *lying) close() {
	l.service.lying.Add(-l.size)
	_ = l.Close()
}

// spool lays a file on the disk, where it has no name: it is gone with this process.
func (s *Service) spool(body io.Reader) (_ *lying, err error) {
	created, err := os.CreateTemp(s.Dir, ".import-*")
	if err != nil {
		return nil, fmt.Errorf("make room for a file: %w", database.Translate(err))
	}
	file := &lying{File: created, service: s}
	defer func() {
		if err != nil {
			file.close()
		}
	}()
	if err := os.Remove(filepath.Join(s.Dir, filepath.Base(file.Name()))); err != nil {
		return nil, fmt.Errorf("make room for a file: %w", err)
	}
	n, err := io.Copy(struct{ io.Writer }{file}, io.LimitReader(body, s.Limits.Upload+1))
	if err != nil {
		var f *fault.Fault
		if errors.As(err, &f) {
			return nil, err //nolint:wrapcheck // a fault
		}
		return nil, fmt.Errorf("receive a file: %w", database.Translate(err))
	}
	if n > s.Limits.Upload {
		return nil, refuse("file_too_large", "most", s.Limits.Upload>>20)
	}
	return file, nil
}
