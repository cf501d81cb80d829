package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/engine"
	"github.com/kimi-k2/kimi-k2/bench/internal/floor"
)

// serve runs the mock engine or a floor until the process is told to end.
func serve(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: bench serve engine|relay|push|lists [-listen ADDR]")
	}
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:0", "address")
	upstream := fs.String("engine", "", "relay: base URL of the engine")
	owners := fs.String("owners", "", "lists: JSON file with the owner of each cookie")
	keys := fs.String("keys", "", "relay: JSON file with the keys that it asks for")
	meter := fs.Bool("meter", false, "relay: a durable charge for each answer, in the database in DATABASE_URL")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	switch args[0] {
	case "engine":
		return engine.Serve(l)
	case "relay":
		h, err := newRelay(ctx, *upstream, *keys, *meter)
		if err != nil {
			return err
		}
		return serveHTTP(l, h)
	case "push":
		return serveHTTP(l, http.HandlerFunc(floor.Push))
	case "lists":
		h, err := newLists(ctx, *owners)
		if err != nil {
			return err
		}
		return serveHTTP(l, h)
	}
	return fmt.Errorf("there is no server %q", args[0])
}

// serveHTTP answers until l is closed; what is under way then is broken off.
func serveHTTP(l net.Listener, h http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// newRelay leads to the engine. Its charges are made until the process ends; the tables stay.
func newRelay(ctx context.Context, engine, keys string, meter bool) (*floor.Relay, error) {
	u, err := url.Parse(engine)
	if err != nil {
		return nil, fmt.Errorf("the engine's URL: %w", err)
	}
	h := floor.NewRelay(u)
	if keys != "" {
		var all []string
		if err := readJSON(keys, &all); err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		h.Keys = map[string]int{}
		for n, key := range all {
			h.Keys[key] = n
		}
	}
	if !meter {
		return h, nil
	}
	pool, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	charges, err := floor.OpenCharges(ctx, pool, max(1, len(h.Keys)))
	if err != nil {
		return nil, err
	}
	h.Charge = charges.Charge
	return h, nil
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// connect opens the database in DATABASE_URL.
func connect(ctx context.Context) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, errors.New("DATABASE_URL is no Postgres URL")
	}
	c.MaxConns = 20 // as the product
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}

// newLists connects the floor of lists to the database in DATABASE_URL.
func newLists(ctx context.Context, path string) (*floor.Lists, error) {
	owners := map[string]string{}
	if err := readJSON(path, &owners); err != nil {
		return nil, fmt.Errorf("read owners: %w", err)
	}
	pool, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	keeper, err := bed.Keeper()
	if err != nil {
		return nil, err
	}
	return floor.NewLists(ctx, pool, keeper, owners)
}
