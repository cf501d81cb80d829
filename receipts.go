package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
)

// verifyFile checks a deletion receipt, a transparency report or an export in a file. It
// needs the installation's secret and no database.
func verifyFile(cfg config.Config, path string, out io.Writer) error {
	secret, err := cfg.Secret()
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	defer func() { _ = file.Close() }()
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
