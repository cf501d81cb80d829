package figures

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

// revocations is how many sessions are ended, one after another.
const revocations = 200

// revocation measures, over three instances on one database and one broker, how soon
// the sockets of a session are closed that is ended on one of the instances.
func (r *Run) revocation(ctx context.Context) ([]report.Figure, error) {
	broker, err := startBroker()
	if err != nil {
		return nil, err
	}
	defer func() { broker.Shutdown(); broker.WaitForShutdown() }()
	var addrs []string
	for n := range 3 {
		p, err := r.product(ctx, bed.Anywhere, "NATS_URL="+broker.ClientURL(), "DATA_DIR="+filepath.Join(r.bed.Dir, fmt.Sprint("instance-", n)))
		if err != nil {
			return nil, err
		}
		defer r.stop(p)
		addrs = append(addrs, p.Addr)
	}
	people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	defer people.close()
	keeper, err := people.session(ctx, "keeper")
	if err != nil {
		return nil, err
	}
	var all hist.H
	for n := range pick(r, revocations, revocations/10) {
		device, err := people.session(ctx, "keeper")
		if err != nil {
			return nil, err
		}
		told := n % len(addrs)
		one := load.Revocation{Addr: addrs[told], Keeper: "sid=" + keeper.Cookie, Session: device.Viewer.SessionID, Cookie: "sid=" + device.Cookie}
		took, err := one.Run(addrs)
		if err != nil {
			return nil, err
		}
		for _, d := range took {
			all.Add(d)
		}
	}
	what := fmt.Sprintf("from sending sessionRevoke to one of three instances until a socket of the session is closed on any, %d sockets: ", all.N())
	ms := func(d time.Duration) []float64 { return []float64{float64(d) / float64(time.Millisecond)} }
	return []report.Figure{
		report.New("revocation p50", what+"median", "ms", ms(all.Quantile(0.5)), nil, report.Goal{}),
		report.New("revocation p99", what+"99th percentile", "ms", ms(all.Quantile(0.99)), nil, report.Goal{Plain: true, Limit: 1000}),
	}, nil
}

// startBroker is a broker on loopback, in this process.
func startBroker() (*server.Server, error) {
	b, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, fmt.Errorf("start a broker: %w", err)
	}
	b.Start()
	if !b.ReadyForConnections(10 * time.Second) {
		b.Shutdown()
		return nil, errors.New("the broker does not start")
	}
	return b, nil
}
