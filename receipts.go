package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
)

// verifyFile checks a deletion receipt, a transparency report or an export in a file. In
// installations of before there was a root secret the key alone tells; else the database is
// opened, which holds it.
func verifyFile(ctx context.Context, cfg config.Config, path string, out io.Writer) error {
	first, err := cfg.Secret()
	if err != nil {
		return err
	}
	previous, err := cfg.Previous()
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	defer func() { _ = file.Close() }()
	var refused error
	for _, key := range append([][]byte{first}, previous...) {
		if refused = verifyUnder(key, file, out); !ofElse(refused) {
			return refused
		}
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "postgres")); cfg.DatabaseURL == "" && err != nil {
		return refused // there is no database to ask
	}
	return withDatabase(ctx, cfg, "kimi-k2 verify", func(in installation) error { return verifyUnder(in.root, file, out) })
}

// ofElse reports whether a file was signed under another secret than the one tried.
func ofElse(err error) bool {
	return errors.Is(err, export.ErrManifestElse) || errors.Is(err, account.ErrReceiptElse) || errors.Is(err, transparency.ErrReportElse)
}

// verifyUnder checks a file that was signed under a secret.
func verifyUnder(secret []byte, file *os.File, out io.Writer) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	head := make([]byte, 2)
	if n, _ := file.ReadAt(head, 0); n == 2 && string(head) == "PK" {
		return verifyExport(secret, file, out)
	}
	return verifyReceipt(secret, file, out)
}

func verifyExport(secret []byte, file *os.File, out io.Writer) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	m, err := export.Check(secret, file, info.Size())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the export is genuine and unchanged: %d files, made at %s\n", len(m.Files), m.ExportedAt.Format(time.RFC3339))
	return err
}

func verifyReceipt(secret []byte, file io.Reader, out io.Writer) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("read the receipt: %w", err)
	}
	if report, err := transparency.Verify(secret, text); !errors.Is(err, transparency.ErrNoReport) {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "the report is genuine and unchanged: at %s the policy's state was %s\n", report.MadeAt.Format(time.RFC3339), report.State)
		return err
	}
	finished, err := account.New(account.Config{Clock: clock.System{}, CookieKey: secret}).CheckReceipt(string(text))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the receipt is genuine and unchanged: everything was deleted at %s\n", finished.Format(time.RFC3339))
	return err
}
