package database

import (
	"context"
	"fmt"
)

const aloneLockID = 0x6b696d6a // beside migrationLockID

// Alone reports whether no other instance that has asked is connected to this database. The
// answer is held by a connection of its own for as long as the database is open: an instance
// that asks later learns that it isn't alone.
func (d *DB) Alone(ctx context.Context) (bool, error) {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return false, Translate(fmt.Errorf("look for other instances: %w", err))
	}
	var alone bool
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", aloneLockID).Scan(&alone)
	if err != nil || !alone {
		conn.Release()
		return false, Translate(err)
	}
	d.presence = conn.Hijack()
	return true, nil
}
