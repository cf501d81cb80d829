package paymenttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Webhook is one event on its way.
type Webhook struct {
	ID, Kind string
	Body     []byte
}

// Delivery is one attempt to bring a webhook.
type Delivery struct {
	Webhook
	Attempt int // from 1
	Status  int // 0: there was no answer
}

// Courier brings webhooks to one address, each until it was taken or the provider
// gives up.
type Courier struct {
	sign   func(Webhook) http.Header
	delays func(attempt int) (time.Duration, bool)
	client *http.Client
	ctx    context.Context //nolint:containedctx // the courier's own life
	stop   context.CancelFunc
	tasks  sync.WaitGroup

	mu      sync.Mutex
	url     string
	scale   float64
	copies  int
	holding bool
	held    []Webhook
	done    []Delivery
	active  int
	changed chan struct{}
}

func newCourier(url string, scale float64, sign func(Webhook) http.Header, delays func(int) (time.Duration, bool)) *Courier {
	if scale <= 0 {
		scale = 1
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Courier{sign: sign, delays: delays, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}, ctx: ctx, stop: stop,
		url: url, scale: scale, copies: 1, changed: make(chan struct{})}
}

// SetURL says where webhooks go; nowhere while it is empty.
func (c *Courier) SetURL(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url = url
}

// SetCopies lets every webhook come n times at once.
func (c *Courier) SetCopies(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copies = max(1, n)
}

// Hold keeps webhooks back until Release, Take or Drop.
func (c *Courier) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

// Take ends Hold and hands over what was kept back, to be brought by somebody else.
func (c *Courier) Take() []Webhook {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held
	c.holding, c.held = false, nil
	return held
}

// Release ends Hold and brings what was kept back, one after the other, the last first
// when reversed.
func (c *Courier) Release(reversed bool) {
	held := c.Take()
	if reversed {
		for i, j := 0, len(held)-1; i < j; i, j = i+1, j-1 {
			held[i], held[j] = held[j], held[i]
		}
	}
	c.start(func() {
		for _, w := range held {
			c.deliver(w)
		}
	})
}

// Drop ends Hold and loses what was kept back: the provider was down.
func (c *Courier) Drop() { c.Take() }

// Send brings a webhook, as often as SetCopies says.
func (c *Courier) Send(w Webhook) {
	c.mu.Lock()
	copies := c.copies
	if c.holding {
		for range copies {
			c.held = append(c.held, w)
		}
		copies = 0
	}
	c.mu.Unlock()
	for range copies {
		c.start(func() { c.deliver(w) })
	}
}

// Sign makes the headers of a webhook now.
func (c *Courier) Sign(w Webhook) http.Header { return c.sign(w) }

func (c *Courier) start(task func()) {
	c.mu.Lock()
	c.active++
	c.mu.Unlock()
	c.tasks.Go(func() {
		task()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.active--
		c.tell()
	})
}

// deliver tries until the webhook is taken, the provider gives up or the courier ends.
func (c *Courier) deliver(w Webhook) {
	for attempt := 1; ; attempt++ {
		status := c.post(w)
		c.mu.Lock()
		c.done = append(c.done, Delivery{Webhook: w, Attempt: attempt, Status: status})
		c.tell()
		c.mu.Unlock()
		wait, again := c.delays(attempt)
		if status >= 200 && status < 300 || !again {
			return
		}
		timer := time.NewTimer(time.Duration(float64(wait) * c.scale))
		select {
		case <-c.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (c *Courier) post(w Webhook) int {
	c.mu.Lock()
	url := c.url
	c.mu.Unlock()
	if url == "" {
		return 0
	}
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, url, bytes.NewReader(w.Body))
	if err != nil {
		return 0
	}
	r.Header = c.sign(w)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
	return resp.StatusCode
}

// tell wakes who waits; the lock is held.
func (c *Courier) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Deliveries are all attempts so far.
func (c *Courier) Deliveries() []Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Delivery(nil), c.done...)
}

// Wait returns when enough says so of the attempts so far.
func (c *Courier) Wait(ctx context.Context, enough func([]Delivery) bool) error {
	return c.until(ctx, func() bool { return enough(c.done) })
}

// Settled returns when nothing is on its way.
func (c *Courier) Settled(ctx context.Context) error {
	return c.until(ctx, func() bool { return c.active == 0 })
}

func (c *Courier) until(ctx context.Context, enough func() bool) error {
	for {
		c.mu.Lock()
		ok, changed := enough(), c.changed
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func (c *Courier) close() {
	c.stop()
	c.tasks.Wait()
	c.client.CloseIdleConnections()
}
