package database

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

// ownRole and ownDatabase are what our own server holds: the product is not superuser.
const ownRole, ownDatabase = "kimi", "kimi"

// ownServer starts our own server, or joins the one of another process, and returns how
// to connect to it.
func (d *DB) ownServer(ctx context.Context, c Config) (string, error) {
	if c.DataDir == "" {
		return "", errors.New("open the database: neither a server's URL nor a data folder is set")
	}
	dir := filepath.Join(c.DataDir, "postgres")
	server, err := cluster.Start(ctx, cluster.Config{Dir: dir, BinDirs: c.BinDirs, Log: c.Log})
	var locked *cluster.LockedError
	if c.JoinRunning && errors.As(err, &locked) {
		socket, err := cluster.Running(dir)
		if err != nil {
			return "", err
		}
		return dsn(socket, ownRole, ownDatabase), nil
	}
	if err != nil {
		return "", err
	}
	if err := furnish(ctx, dsn(server.Socket(), "postgres", "postgres")); err != nil {
		return "", errors.Join(err, server.Stop())
	}
	d.server = server
	return dsn(server.Socket(), ownRole, ownDatabase), nil
}

// furnish makes our role and database where they are missing.
func furnish(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to our own server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, thing := range []struct{ exists, make string }{
		{"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '" + ownRole + "')", "CREATE ROLE " + ownRole + " LOGIN"},
		{"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '" + ownDatabase + "')",
			"CREATE DATABASE " + ownDatabase + " OWNER " + ownRole},
	} {
		var there bool
		if err := conn.QueryRow(ctx, thing.exists).Scan(&there); err != nil {
			return fmt.Errorf("look into our own server: %w", err)
		}
		if there {
			continue
		}
		if _, err := conn.Exec(ctx, thing.make); err != nil {
			return fmt.Errorf("set up our own server: %w", err)
		}
	}
	return nil
}

func dsn(socket, user, name string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return fmt.Sprintf("host='%s' port=5432 user=%s dbname=%s sslmode=disable", quote.Replace(socket), user, name)
}
