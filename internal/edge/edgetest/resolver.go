package edgetest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/bell"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Resolver answers the test schema. The zero value is ready.
type Resolver struct {
	// Source feeds `ticks`; nil: it says nothing.
	Source <-chan int
	// Bell, if set, takes the bell of `ticks` and is given it; nil when there is none.
	Bell func(*bell.Bell)
	// Sent is called before every event of `flood`, with its number from 1.
	Sent func(n int)
	// Executed counts the calls of root resolvers.
	Executed atomic.Int64

	sum atomic.Int64
}

var _ ResolverRoot = (*Resolver)(nil)

// Mutation is the resolver of mutations.
func (r *Resolver) Mutation() MutationResolver { return mutation{r} }

// Query is the resolver of queries.
func (r *Resolver) Query() QueryResolver { return query{r} }

// Subscription is the resolver of subscriptions.
func (r *Resolver) Subscription() SubscriptionResolver { return subscription{r} }

// User is the resolver of people.
func (r *Resolver) User() UserResolver { return person{} }

// Sum is what the mutations have added up to.
func (r *Resolver) Sum() int { return int(r.sum.Load()) }

// Secret is part of every internal error; clients must never see it.
const Secret = "canary-5f1d"

var errInternal = errors.New("connect to " + Secret)

func fail(how Failure) error {
	switch how {
	case FailureFault:
		return fault.On("input.how", fault.Conflict, "somebody was faster: try again")
	case FailureLimited:
		f := fault.New(fault.RateLimited, "too many requests: wait a moment")
		f.RetryAfter = 1500 * time.Millisecond
		return f
	case FailurePanic:
		panic(Secret)
	case FailureCancelled:
		return context.Canceled
	case FailureInternal:
	}
	return errInternal
}

type mutation struct{ *Resolver }

func (m mutation) Add(_ context.Context, n int) (int, error) {
	m.Executed.Add(1)
	return int(m.sum.Add(int64(n))), nil
}

func (m mutation) AddFreshly(ctx context.Context, n int) (int, error) { return m.Add(ctx, n) }

type query struct{ *Resolver }

func (q query) Own(context.Context) (*string, error) {
	q.Executed.Add(1)
	return new("yours"), nil
}

func (q query) Hello(_ context.Context, name *string) (string, error) {
	q.Executed.Add(1)
	return "hello " + *name, nil
}

func (q query) Number(_ context.Context, n int) (int, error) {
	q.Executed.Add(1)
	return n, nil
}

func (q query) Even(_ context.Context, n Even) (Even, error) {
	q.Executed.Add(1)
	return n, nil
}

func (q query) Fails(_ context.Context, how Failure) (*string, error) {
	q.Executed.Add(1)
	return nil, fail(how)
}

func (q query) Slow(ctx context.Context) (*string, error) {
	q.Executed.Add(1)
	<-ctx.Done()
	return nil, ctx.Err()
}

func (q query) Letters(_ context.Context, count int) (string, error) {
	q.Executed.Add(1)
	return strings.Repeat("x", count), nil
}

func (q query) Me(context.Context) (*User, error) {
	q.Executed.Add(1)
	return user(1), nil
}

func (q query) Users(_ context.Context, first *int, _ *string) (*UserConnection, error) {
	q.Executed.Add(1)
	return people(first), nil
}

func (q query) Things(context.Context) ([]Thing, error) {
	q.Executed.Add(1)
	return []Thing{user(1), Tag{Word: "kind"}}, nil
}

type person struct{}

func (person) Friend(_ context.Context, u *User) (*User, error) {
	n, err := strconv.Atoi(u.ID)
	return user(n + 1), err
}

func (person) Friends(_ context.Context, _ *User, first *int, _ *string) (*UserConnection, error) {
	return people(first), nil
}

func user(n int) *User {
	return &User{ID: strconv.Itoa(n), Name: "user " + strconv.Itoa(n), Tags: []*Tag{{Word: "kind"}}}
}

func people(first *int) *UserConnection {
	n := 20
	if first != nil {
		n = max(0, min(*first, 100))
	}
	c := &UserConnection{Edges: []*UserEdge{}, Nodes: []*User{}, PageInfo: &PageInfo{}}
	for i := range n {
		u := user(i + 1)
		c.Nodes = append(c.Nodes, u)
		c.Edges = append(c.Edges, &UserEdge{Cursor: u.ID, Node: u})
	}
	return c
}

type subscription struct{ *Resolver }

func (s subscription) Counter(ctx context.Context, to int) (<-chan int, error) {
	s.Executed.Add(1)
	return emit(ctx, to, func(n int) int { return n }), nil
}

func (s subscription) Flood(ctx context.Context, letters, count int) (<-chan string, error) {
	s.Executed.Add(1)
	text := strings.Repeat("x", letters)
	return emit(ctx, count, func(n int) string {
		if s.Sent != nil {
			s.Sent(n)
		}
		return text
	}), nil
}

// emit sends count values and closes the channel, or ends with ctx.
func emit[T any](ctx context.Context, count int, value func(n int) T) <-chan T {
	c := make(chan T)
	go func() {
		defer close(c)
		for n := 1; n <= count; n++ {
			select {
			case c <- value(n):
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

func (s subscription) Secret(ctx context.Context) (<-chan *int, error) { return s.Silence(ctx) }

func (s subscription) Scoped(ctx context.Context) (<-chan *int, error) { return s.Silence(ctx) }

func (s subscription) Silence(context.Context) (<-chan *int, error) {
	s.Executed.Add(1)
	return make(chan *int), nil
}

func (s subscription) Ticks(ctx context.Context) (<-chan int, error) {
	s.Executed.Add(1)
	if s.Bell != nil {
		s.Bell(bell.Take(ctx))
	}
	return s.Source, nil
}

func (s subscription) Refused(_ context.Context, how Failure) (<-chan *int, error) {
	s.Executed.Add(1)
	return nil, fail(how)
}
