package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, c bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// collect subscribes and returns a channel of what arrives.
func collect(t *testing.T, b *bus.Bus, subject string) <-chan string {
	t.Helper()
	got := make(chan string, 10_000)
	stop, err := b.Subscribe(subject, func(data []byte, _ func([]byte) error) { got <- string(data) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return got
}

func receive(t *testing.T, got <-chan string) string {
	t.Helper()
	select {
	case s := <-got:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("nothing arrived")
		return ""
	}
}

func TestMessagesArriveInOrder(t *testing.T) {
	b := open(t, bus.Config{})
	got := collect(t, b, "reply.*")
	for i := range 2000 {
		if err := b.Publish("reply.one", fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2000 {
		if s := receive(t, got); s != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, s)
		}
	}
	if err := b.Ready(); err != nil {
		t.Fatal(err)
	}
}

func TestNoCallBeginsAfterStop(t *testing.T) {
	b := open(t, bus.Config{})
	var mu sync.Mutex
	stopped := false
	stop, err := b.Subscribe("x", func([]byte, func([]byte) error) {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			t.Error("called after stop")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_ = b.Publish("x", nil)
	}
	stop()
	mu.Lock()
	stopped = true
	mu.Unlock()
	_ = b.Publish("x", nil)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsAreAnsweredOrRefused(t *testing.T) {
	b := open(t, bus.Config{})
	stop, err := b.Subscribe("echo", func(data []byte, reply func([]byte) error) {
		if err := reply(append([]byte("re: "), data...)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Request(t.Context(), "echo", []byte("hi"))
	if err != nil || string(answer) != "re: hi" {
		t.Fatalf("%q %v", answer, err)
	}
	stop()
	if _, err := b.Request(t.Context(), "echo", nil); !errors.Is(err, bus.ErrNobody) {
		t.Fatalf("want ErrNobody, got %v", err)
	}
}

func TestASilentHandlerIsWaitedForOnlyAsLongAsTheContextSays(t *testing.T) {
	b := open(t, bus.Config{})
	stop, err := b.Subscribe("mute", func([]byte, func([]byte) error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.Request(ctx, "mute", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestNobodyWaitsForAReplyToAPublishedMessage(t *testing.T) {
	b := open(t, bus.Config{})
	outcome := make(chan error, 1)
	stop, err := b.Subscribe("x", func(_ []byte, reply func([]byte) error) { outcome <- reply(nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	_ = b.Publish("x", nil)
	if err := <-outcome; !errors.Is(err, bus.ErrNobody) {
		t.Fatal(err)
	}
}

func TestASlowHandlerLosesMessagesAndHoldsUpNobody(t *testing.T) {
	b := open(t, bus.Config{})
	release, entered := make(chan struct{}), make(chan struct{}, 1)
	stop, err := b.Subscribe("x", func([]byte, func([]byte) error) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	fast := collect(t, b, "x")
	const n = bus.PendingMessages + 500
	_ = b.Publish("x", []byte("first"))
	<-entered
	for range n {
		if err := b.Publish("x", []byte("more")); err != nil {
			t.Fatal(err)
		}
		receive(t, fast)
	}
	receive(t, fast)
	close(release)
	deadline := time.After(5 * time.Second)
	for b.Stats().Dropped == 0 {
		_ = b.Publish("x", []byte("notice"))
		receive(t, fast)
		select {
		case <-deadline:
			t.Fatalf("no loss was counted: %+v", b.Stats())
		default:
		}
	}
}

func TestDropFractionLosesPublishedMessagesOnly(t *testing.T) {
	b := open(t, bus.Config{DropFraction: func() bool { return true }})
	called := make(chan struct{}, 10)
	stop, err := b.Subscribe("x", func(_ []byte, reply func([]byte) error) {
		called <- struct{}{}
		_ = reply([]byte("here"))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	_ = b.Publish("x", nil)
	if answer, err := b.Request(t.Context(), "x", nil); err != nil || string(answer) != "here" {
		t.Fatal(err)
	}
	if len(called) != 1 {
		t.Fatalf("the handler was called %d times", len(called))
	}
}

func TestTwoBrokersFormACluster(t *testing.T) {
	a := open(t, bus.Config{ClusterListen: "127.0.0.1:0", ClusterToken: "secret"})
	b := open(t, bus.Config{ClusterListen: "127.0.0.1:0", ClusterToken: "secret", ClusterRoutes: []string{a.ClusterAddr()}})
	stranger := open(t, bus.Config{ClusterListen: "127.0.0.1:0", ClusterToken: "wrong", ClusterRoutes: []string{a.ClusterAddr()}})
	stop, err := a.Subscribe("run.1", func(data []byte, reply func([]byte) error) { _ = reply(append(data, '!')) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	answer := eventually(t, b, "run.1", "stop")
	if answer != "stop!" {
		t.Fatalf("got %q", answer)
	}
	if a.Peers() != 1 || stranger.Peers() != 0 {
		t.Fatalf("peers: %d, stranger's %d", a.Peers(), stranger.Peers())
	}
	got := collect(t, a, "delta")
	eventuallyArrives(t, b, got, "delta")
}

// eventually asks until the other broker has learnt of the subscription.
func eventually(t *testing.T, b *bus.Bus, subject, question string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		answer, err := b.Request(ctx, subject, []byte(question))
		if err == nil {
			return string(answer)
		}
		if !errors.Is(err, bus.ErrNobody) {
			t.Fatal(err)
		}
	}
}

func eventuallyArrives(t *testing.T, b *bus.Bus, got <-chan string, subject string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for {
		_ = b.Publish(subject, []byte("x"))
		select {
		case <-got:
			return
		case <-tick.C:
		case <-limit:
			t.Fatal("the message never crossed the cluster")
		}
	}
}

// broker is an external one on the given port, 0 for any.
func broker(t *testing.T, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("the external broker does not start")
	}
	return s
}

func TestInstancesShareAnExternalBrokerAndSurviveItsRestart(t *testing.T) {
	s := broker(t, 0)
	a, b := open(t, bus.Config{URL: s.ClientURL()}), open(t, bus.Config{URL: s.ClientURL()})
	got := collect(t, a, "x")
	missing := make(chan string, 1)
	stop, err := a.Follow("y", func([]byte) {}, func() { missing <- "y" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := b.Publish("x", []byte("before")); err != nil || receive(t, got) != "before" {
		t.Fatal(err)
	}
	address := s.ClientURL()
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	again := broker(t, port)
	if again.ClientURL() != address {
		t.Fatalf("the broker came back elsewhere: %s", again.ClientURL())
	}
	eventuallyArrives(t, b, got, "x")
	if err := a.Ready(); err != nil {
		t.Fatal(err)
	}
	receive(t, missing) // what came meanwhile is lost, and followers are told
}

func TestAnUnreachableBrokerIsAnErrorThatNamesTheSetting(t *testing.T) {
	s := broker(t, 0)
	url := s.ClientURL()
	s.Shutdown()
	s.WaitForShutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := bus.Open(ctx, bus.Config{URL: url}); err == nil {
		t.Fatal("connected to nothing")
	}
}

func TestAClusterNeedsATokenAndAnAddress(t *testing.T) {
	for _, c := range []bus.Config{
		{ClusterListen: "127.0.0.1:0"},
		{ClusterListen: "127.0.0.1", ClusterToken: "x"},
		{ClusterListen: "127.0.0.1:0", ClusterToken: "x", ClusterRoutes: []string{"nowhere"}},
	} {
		if _, err := bus.Open(t.Context(), c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	x, err := bus.Open(b.Context(), bus.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	done := make(chan struct{}, b.N)
	stop, err := x.Subscribe("x", func([]byte, func([]byte) error) { done <- struct{}{} })
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	data := make([]byte, 100)
	for b.Loop() {
		if err := x.Publish("x", data); err != nil {
			b.Fatal(err)
		}
		<-done
	}
}
