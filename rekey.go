package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/config"
)

// rekeyStatement is how long one statement of an exchange of keys may take: some count or
// look through all owners.
const rekeyStatement = 5 * time.Minute

// runRekey wraps everything under SECRET_KEY that is wrapped under a key of
// SECRET_KEY_PREVIOUS, beside running servers or without one. It says how far it is, and in
// the end which key is no longer needed. It may be killed at any moment and run again.
func runRekey(ctx context.Context, cfg config.Config, out io.Writer) error {
	cfg.DBStatementTimeout = max(cfg.DBStatementTimeout, rekeyStatement)
	return withDatabase(ctx, cfg, "kimi-k2 rekey", func(in installation) error {
		var told error
		done, err := in.accounts.Rekey(ctx, func(done, total int64) {
			if _, err := fmt.Fprintf(out, "%d of %d keys of owners are wrapped anew\n", done, total); err != nil {
				told = err
			}
		})
		if err != nil {
			return err
		}
		if told != nil {
			return fmt.Errorf("say how far it is: %w", told)
		}
		if len(done.Retired) == 0 {
			_, err = fmt.Fprintf(out, "everything is wrapped under the key %s; no other key is needed, and SECRET_KEY_PREVIOUS can be left out\n", done.To)
			return err
		}
		_, err = fmt.Fprintf(out, "everything is wrapped under the key %s now; the former key %s may be dropped:\ntake it out of SECRET_KEY_PREVIOUS and restart the instances; backups made before now still need it\n",
			done.To, strings.Join(done.Retired, " and "))
		return err
	})
}
