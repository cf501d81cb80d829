package database

import "io/fs"

// WithMigrations makes Open use other migrations than the embedded ones.
func WithMigrations(c Config, files fs.FS) Config {
	c.migrationsForTest = files
	return c
}
