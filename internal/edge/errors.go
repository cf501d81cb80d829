package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// What an answer may hold of errors.
const (
	maxErrors       = 5
	maxErrorBytes   = 4000 // all of them as JSON
	maxMessageBytes = 512
)

// ErrorPresenter makes what clients see of an error. Faults keep code, message,
// field and retryAfterMs; parse and validation errors keep their text, without
// suggestions; wrong arguments are INVALID. Everything else is logged once with
// the request's id, and the client gets only that id.
func ErrorPresenter(log *slog.Logger, requestID func(ctx context.Context) string) graphql.ErrorPresenterFunc {
	p := presenter{log: log, requestID: requestID}
	return p.present
}

type presenter struct {
	log       *slog.Logger
	requestID func(ctx context.Context) string
}

func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	var out gqlerror.Error
	var ge *gqlerror.Error
	if errors.As(err, &ge) {
		out.Path, out.Locations = ge.Path, ge.Locations
	}
	if out.Path == nil {
		out.Path = graphql.GetPath(ctx)
	}
	list, isFault := fault.Of(err)
	switch {
	case isFault && len(list) > 0:
		out.Message, out.Extensions = clip(list[0].Message, maxMessageBytes), Extensions(list[0])
	case ge != nil && ge.Err == nil && isProtocol(ge):
		out.Message, out.Extensions = scrub(ge.Message), ge.Extensions
	case badArgument(ctx):
		out.Message, out.Extensions = scrub(cause(err)), code(fault.Invalid)
	case errors.Is(err, context.Canceled):
		out.Message, out.Extensions = "the request was cancelled", code(fault.Internal)
	default:
		out.Message, out.Extensions = p.internal(ctx, err), code(fault.Internal)
	}
	return &out
}

// Extensions are what a refusal carries beside its message, on every transport.
func Extensions(f *fault.Fault) map[string]any {
	ext := code(f.Code)
	if len(f.Field) > 0 {
		ext["field"] = f.Field
	}
	if f.RetryAfter > 0 {
		ext["retryAfterMs"] = f.RetryAfter.Milliseconds()
	}
	return ext
}

func code(c fault.Code) map[string]any { return map[string]any{"code": string(c)} }

// isProtocol tells errors about the document from others: gqlgen, its validator
// and the guard give theirs a code.
func isProtocol(e *gqlerror.Error) bool {
	_, coded := e.Extensions["code"]
	return coded || e.Rule != ""
}

// badArgument reports whether the error belongs to a field whose arguments could
// not be read: gqlgen leaves Args nil then, for no other error.
func badArgument(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && len(fc.Field.Arguments) > 0
}

// cause is the message without the path that wraps it.
func cause(err error) string {
	var ge *gqlerror.Error
	if errors.As(err, &ge) {
		return ge.Message
	}
	return err.Error()
}

// internal logs what happened and is all that the client is told.
func (p presenter) internal(ctx context.Context, err error) string {
	id := p.requestID(ctx)
	log := p.log
	var crash *panicError
	if errors.As(err, &crash) {
		log = log.With("stack", string(crash.stack))
	}
	log.ErrorContext(ctx, "request failed", "request", id, "path", graphql.GetPath(ctx).String(), "error", err.Error())
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("this took too long and was stopped: try again or ask for less (request %s)", id)
	}
	return fmt.Sprintf("internal error (request %s)", id)
}

// panicError is a panic of a resolver on its way to the log.
type panicError struct {
	value any
	stack []byte
}

// Error is the panic's value.
func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

// Recover makes an error of a resolver's panic; the presenter logs it.
func Recover(_ context.Context, p any) error {
	return &panicError{value: p, stack: debug.Stack()}
}

// scrub removes suggestions, which would list names nobody asked for, and bounds
// the length of what is repeated of a document.
func scrub(message string) string {
	if i := strings.Index(message, " Did you mean"); i >= 0 {
		message = message[:i]
	}
	return clip(message, maxMessageBytes)
}

// clip cuts s to at most n bytes at a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// errorLimit keeps the errors of an answer few and short, on every transport.
type errorLimit struct{}

// ExtensionName is "ErrorLimit".
func (errorLimit) ExtensionName() string { return "ErrorLimit" }

// Validate accepts every schema.
func (errorLimit) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse drops errors beyond the limits.
func (errorLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil || len(resp.Errors) == 0 {
		return resp
	}
	kept, bytes := resp.Errors[:0:0], 0
	for _, e := range resp.Errors[:min(len(resp.Errors), maxErrors)] {
		e, n := shortened(e)
		if bytes += n; bytes > maxErrorBytes {
			break
		}
		kept = append(kept, e)
	}
	resp.Errors = kept
	return resp
}

// shortened is the error and its length as JSON. One that is too long by itself, by
// the names in its path, keeps message and code only.
func shortened(e *gqlerror.Error) (*gqlerror.Error, int) {
	if len(e.Locations) > maxErrors {
		e.Locations = e.Locations[:maxErrors]
	}
	b, err := json.Marshal(e)
	if err == nil && len(b) <= maxErrorBytes {
		return e, len(b)
	}
	c, _ := e.Extensions["code"].(string)
	return withCode(clip(c, 64), clip(e.Message, maxMessageBytes)), maxMessageBytes + 128
}

// faultErrors is a refusal as the errors of an answer that never reached gqlgen.
func faultErrors(err error) gqlerror.List {
	list, ok := fault.Of(err)
	if !ok || len(list) == 0 {
		return gqlerror.List{withCode(string(fault.Internal), "internal error")}
	}
	return gqlerror.List{{Message: list[0].Message, Extensions: Extensions(list[0])}}
}

// malformed reports whether a request did not even get to the validation.
func malformed(errs gqlerror.List) bool {
	return len(errs) > 0 && errs[0].Extensions["code"] == nil && errcode.GetErrorKind(errs) == errcode.KindProtocol
}
