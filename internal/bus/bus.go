// Package bus carries short-lived messages between the instances: deltas of a reply,
// requests to the instance that runs it, notes to a viewer's other tabs. By default the
// broker is part of this process and listens nowhere; several instances share an
// external one or form a cluster. Delivery is at most once: whoever needs every message
// numbers them and asks again for what is missing.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// ErrNobody is returned by Request when no instance listens on the subject, and by a
// handler's reply when the message was published and nobody waits for one.
var ErrNobody = errors.New("nobody listens")

// Limits of what waits for one subscription's handler; beyond either, new messages are
// dropped and counted.
const (
	PendingMessages = 8192
	PendingBytes    = 8 << 20
)

// MaxMessage is the largest message our own broker takes, in bytes. An external one may
// take less, usually 1 MiB.
const MaxMessage = 4 << 20

// Config says which broker to use. All zero: one in this process, alone.
type Config struct {
	URL string // of an external broker, or several separated by commas

	// ClusterListen (host:port, port 0 for any) joins our own broker with those at
	// ClusterRoutes (host:port each); all members know ClusterToken.
	ClusterListen string
	ClusterToken  string
	ClusterRoutes []string

	// Egress must reach the external brokers; nil reaches loopback addresses. Others that a
	// broker names are not called.
	Egress *egress.Guard

	Log *slog.Logger

	// DropFraction, in tests, is asked for each published message that arrives and
	// loses it when it says true. Requests and their replies are never lost by it.
	DropFraction func() bool
}

// Bus is a connection to the broker. All methods may be used from many goroutines.
type Bus struct {
	conn      *nats.Conn
	own       *server.Server
	drop      func() bool
	log       *slog.Logger
	closed    chan struct{}
	once      sync.Once
	followers *followers

	published, received, dropped atomic.Uint64
}

// Open starts our own broker, or connects to the external one, trying until ctx ends
// (at most 15 seconds).
func Open(ctx context.Context, c Config) (*Bus, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bus{drop: c.DropFraction, log: c.Log, closed: make(chan struct{}), followers: newFollowers()}
	target, options := c.URL, b.options()
	if c.URL != "" {
		options = append(options, nats.SetCustomDialer(c.Egress), nats.SkipHostLookup(), nats.IgnoreDiscoveredServers())
	} else {
		own, token, err := startOwn(c)
		if err != nil {
			return nil, err
		}
		b.own = own
		options = append(options, nats.InProcessServer(own), nats.Token(token))
	}
	if err := b.connect(ctx, target, options); err != nil {
		b.stopOwn()
		return nil, err
	}
	go b.following()
	return b, nil
}

func (b *Bus) options() []nats.Option {
	return []nats.Option{
		nats.Name("kimi-k2"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.Timeout(5 * time.Second),
		nats.PingInterval(20 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("lost the message broker; connecting again", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.log.Info("connected to the message broker again")
			b.reconnected()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			b.log.Warn("message bus", "subject", subject, "err", err)
			if errors.Is(err, nats.ErrSlowConsumer) {
				b.overrun(sub)
			}
		}),
	}
}

func (b *Bus) connect(ctx context.Context, url string, options []nats.Option) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	warnPlain(url, b.log)
	for {
		conn, err := nats.Connect(url, options...)
		if err == nil {
			b.conn = conn
			return nil
		}
		if errors.Is(err, nats.ErrAuthorization) {
			return fmt.Errorf("the message broker refuses our credentials (NATS_URL): %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("connect to the message broker (NATS_URL): %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Publish sends to whoever listens now. It does not wait, and no error does not mean
// that anybody got it. Data may be reused when it returns.
func (b *Bus) Publish(subject string, data []byte) error {
	if err := b.conn.Publish(subject, data); err != nil {
		return fmt.Errorf("publish on %s: %w", subject, err)
	}
	b.published.Add(1)
	return nil
}

// Request asks whoever listens on the subject and returns the first reply. ErrNobody
// comes at once when there is no listener; else ctx bounds the wait.
func (b *Bus) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
	}
	m, err := b.conn.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, ErrNobody
	}
	if err != nil {
		return nil, fmt.Errorf("ask on %s: %w", subject, err)
	}
	return m.Data, nil
}

// Flush returns when the broker has taken everything published so far.
func (b *Bus) Flush(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("flush the message bus: %w", err)
	}
	return nil
}

// Ready is nil while messages can flow.
func (b *Bus) Ready() error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("the message broker is not connected: %s", b.conn.Status())
	}
	return nil
}

// Stats counts messages since Open.
type Stats struct {
	Published uint64 // sent by Publish
	Received  uint64 // given to handlers
	Dropped   uint64 // lost because a handler was too slow, as noticed with its next message
}

// Stats returns the counts.
func (b *Bus) Stats() Stats {
	return Stats{Published: b.published.Load(), Received: b.received.Load(), Dropped: b.dropped.Load()}
}

// Peers is how many other brokers ours is joined with.
func (b *Bus) Peers() int {
	if b.own == nil {
		return 0
	}
	remote := map[string]bool{}
	routes, err := b.own.Routez(nil)
	if err != nil {
		return 0
	}
	for _, r := range routes.Routes {
		remote[r.RemoteID] = true
	}
	return len(remote)
}

// ClusterAddr is where our own broker waits for others, empty when it does not.
func (b *Bus) ClusterAddr() string {
	if b.own == nil || b.own.ClusterAddr() == nil {
		return ""
	}
	return b.own.ClusterAddr().String()
}

// Close sends what was published, ends all subscriptions and stops our own broker.
func (b *Bus) Close() {
	b.once.Do(func() {
		if b.conn.IsConnected() {
			_ = b.conn.FlushTimeout(time.Second)
		}
		b.conn.Close()
		<-b.closed
		b.stopOwn()
	})
}

func (b *Bus) stopOwn() {
	if b.own != nil {
		b.own.Shutdown()
		b.own.WaitForShutdown()
	}
}
