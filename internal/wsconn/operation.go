package wsconn

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/edge/bell"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/edge/request"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// maxID bounds ids in bytes: each is repeated with every event.
const maxID = 256

// operation is one running subscription, query or mutation.
type operation struct {
	id     string
	begun  string // what the client wants to be told when it has begun; empty: nothing
	cancel context.CancelFunc
	track  *record.Track
}

// subscribe starts an operation in a goroutine of its own; the reader's stack
// stays small because parsing and execution happen there.
func (s *socket) subscribe(m message) {
	if !s.ready.Load() {
		s.close(CloseUnauthorized, "Unauthorized")
		return
	}
	if m.ID == "" || len(m.ID) > maxID || len(m.Payload) == 0 {
		s.close(CloseInvalidMessage, "Invalid message received: subscribe needs an id of at most 256 bytes and a payload")
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	op := &operation{id: m.ID, cancel: cancel}
	switch s.add(op) {
	case duplicate:
		cancel()
		s.close(CloseDuplicateID, "Subscriber for "+m.ID+" already exists")
	case tooMany:
		cancel()
		op.track = s.t.cfg.Record.Begin(s.ctx)
		defer op.track.End()
		s.refuseOperation(op, fault.New(fault.RateLimited, "more than %d operations at once on one connection: complete some first", s.t.cfg.MaxSubscriptions))
	case added:
		s.ops.Add(1)
		s.count.Add(1)
		s.t.running.Add(1)
		go s.run(ctx, op, m.Payload)
	}
}

type addition int

const (
	added addition = iota
	duplicate
	tooMany
)

// add registers an operation. Completed ones may still be winding down; they are
// counted too, but generously, so that honest clients never notice.
func (s *socket) add(op *operation) addition {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.active, func(o *operation) bool { return o.id == op.id }) {
		return duplicate
	}
	limit := s.t.cfg.MaxSubscriptions
	if len(s.active) >= limit || int(s.count.Load()) >= 4*limit {
		return tooMany
	}
	s.active = append(s.active, op)
	return added
}

// remove forgets the operation; false when the client had completed it before.
func (s *socket) remove(op *operation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.active, op)
	if i < 0 {
		return false
	}
	s.active = slices.Delete(s.active, i, i+1)
	return true
}

// complete ends an operation by the client's wish; its id is free at once.
func (s *socket) complete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.active, func(o *operation) bool { return o.id == id })
	if i >= 0 {
		s.active[i].cancel()
		s.active = slices.Delete(s.active, i, i+1)
	}
}

// run executes one operation, to its end or until it waits for a bell. A panic ends this
// operation only.
func (s *socket) run(ctx context.Context, op *operation, payload json.RawMessage) {
	var rc *graphql.OperationContext
	var waits bool
	op.track = s.t.cfg.Record.Begin(ctx)
	op.track.OnSocket()
	defer func() {
		if p := recover(); p != nil {
			s.panicked(ctx, op, rc, p)
			waits = false
		}
		if !waits {
			s.over(op)
		}
	}()
	params, err := request.Parse(payload)
	if err == nil {
		op.begun, err = request.Acknowledged(params)
	}
	if err != nil {
		list, _ := fault.Of(err)
		op.track.Errors(gqlerror.List{{Message: list[0].Message, Extensions: map[string]any{"code": string(list[0].Code)}}})
		s.close(CloseInvalidMessage, "Invalid message received: "+list[0].Message)
		return
	}
	ctx = graphql.StartOperationTrace(ctx)
	start := graphql.Now()
	params.ReadTime = graphql.TraceTiming{Start: start, End: start}
	created, errs := s.exec.CreateOperationContext(ctx, params)
	rc = created
	op.track.Prepared(rc)
	ctx = graphql.WithOperationContext(ctx, rc)
	if len(errs) > 0 {
		s.fail(op, s.exec.DispatchError(ctx, errs).Errors)
		return
	}
	if rc.Operation.Operation == ast.Subscription {
		op.track.Streams()
	}
	if s.t.cfg.Feed != nil {
		if events := s.t.cfg.Feed(ctx, rc); events != nil {
			s.tellBegun(op, rc)
			s.feed(ctx, op, rc, events)
			return
		}
	}
	waits = s.stream(ctx, op, rc)
}

// over gives back what an operation was counted for.
func (s *socket) over(op *operation) {
	op.track.End()
	op.cancel()
	s.count.Add(-1)
	s.t.running.Add(-1)
	s.ops.Done()
}

// panicked tells the client through the presenter, which logs what happened.
func (s *socket) panicked(ctx context.Context, op *operation, rc *graphql.OperationContext, p any) {
	if rc == nil {
		s.t.cfg.Log.ErrorContext(ctx, "operation not started", "panic", fault.OfPanic(p))
		s.close(CloseInternal, "internal error")
		return
	}
	ctx = graphql.WithOperationContext(ctx, rc)
	err := rc.Recover(ctx, p)
	s.fail(op, s.exec.DispatchError(ctx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}).Errors)
}

// stream sends what the operation yields. It is true when its source will ring for events:
// the operation goes on with each, and ends, without a goroutine that waits.
func (s *socket) stream(ctx context.Context, op *operation, rc *graphql.OperationContext) (waits bool) {
	var b bell.Bell
	opCtx := ctx
	if rc.Operation.Operation == ast.Subscription {
		ctx = bell.With(ctx, &b)
	}
	responses, ctx := s.exec.DispatchOperation(ctx, rc)
	s.tellBegun(op, rc)
	y := &yield{s: s, op: op, rc: rc, ctx: ctx, responses: responses, prefix: head(op.id, "next")}
	if b.Taken() {
		b.Answer(y.answer)
		context.AfterFunc(opCtx, b.Ring)
		return true
	}
	for y.step() {
	}
	return false
}

// tellBegun says that whatever happens from now on is sent, to a client that asked for it.
// The protocol lets a pong be sent at any time, so that no client stumbles over it.
func (s *socket) tellBegun(op *operation, rc *graphql.OperationContext) {
	if op.begun == "" || rc.Operation.Operation != ast.Subscription {
		return
	}
	f := newFrame()
	f.text(`{"type":"pong","payload":{"begun":`)
	if f.json(op.begun) != nil { // it is text
		f.free()
		return
	}
	f.text(`}}`)
	_ = s.send(f, frameText) // a failure ends the socket
}

// yield is an operation that sends its responses.
type yield struct {
	s  *socket
	op *operation
	rc *graphql.OperationContext
	//nolint:containedctx // the operation's
	ctx       context.Context
	responses graphql.ResponseHandler
	prefix    string
}

// step sends the next response; after the last one it finishes the operation, and is false.
func (y *yield) step() bool {
	s := y.s
	resp := y.responses(y.ctx)
	if resp == nil || y.ctx.Err() != nil {
		s.finish(y.op)
		return false
	}
	y.op.track.Errors(resp.Errors)
	f := newFrame()
	if err := f.next(y.prefix, resp); err != nil {
		f.free()
		panic(fmt.Errorf("encode response: %w", err)) // recovered by run or answer
	}
	if s.send(f, frameText) != nil {
		s.remove(y.op)
		return false
	}
	return true
}

// answer is a step of an operation that nobody waits for.
func (y *yield) answer() (more bool) {
	defer func() {
		if p := recover(); p != nil {
			y.s.panicked(y.ctx, y.op, y.rc, p)
			more = false
		}
		if !more {
			y.s.over(y.op)
		}
	}()
	return y.step()
}

// finish tells the client that the operation has ended, unless the client or the
// socket has ended it.
func (s *socket) finish(op *operation) {
	if !s.remove(op) || s.closing.Load() {
		return
	}
	f := newFrame()
	f.text(head(op.id, "complete"))
	f.text(`}`)
	_ = s.send(f, frameText) // a failure ends the socket
}

// fail ends an operation with the protocol's error message.
func (s *socket) fail(op *operation, errs gqlerror.List) {
	op.track.Errors(errs)
	if !s.remove(op) || s.closing.Load() {
		return
	}
	s.sendErrors(op.id, errs)
}

// refuseOperation answers an operation that was never added.
func (s *socket) refuseOperation(op *operation, f *fault.Fault) {
	errs := gqlerror.List{{Message: f.Message, Extensions: map[string]any{"code": string(f.Code)}}}
	op.track.OnSocket()
	op.track.Errors(errs)
	s.sendErrors(op.id, errs)
}

func (s *socket) sendErrors(id string, errs gqlerror.List) {
	f := newFrame()
	f.text(head(id, "error"))
	f.text(`,"payload":`)
	if err := f.json(errs); err != nil {
		f.free()
		s.t.cfg.Log.Error("errors not sent", "error", err) // the id is the client's text
		return
	}
	f.text(`}`)
	_ = s.send(f, frameText) // a failure ends the socket
}
