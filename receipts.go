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
	"github.com/kimi-k2/kimi-k2/internal/transparency"
)

// verifyReceipt checks a deletion receipt or a transparency report in a file. It needs the
// installation's secret and no database.
func verifyReceipt(cfg config.Config, path string, out io.Writer) error {
	secret, err := cfg.Secret()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
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
