package graph

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/models"
)

// plain is a selection of an object's own columns, worked out once for all objects of a
// list: each is then one append per field. The executor makes a context, a field set and
// several closures for each, which costs a page of conversations more than the database.
type plain[T any] []plainField[T]

type plainField[T any] struct {
	key    string // "alias":
	append appender[T]
}

// appender appends a field's value as JSON, as the executor would write it.
type appender[T any] func(dst []byte, of T) []byte

// The fields that lie in the object itself. Those that need a resolver, or can be null,
// are the executor's.
var (
	plainConversation = map[string]appender[*models.Conversation]{
		"id":        func(dst []byte, c *models.Conversation) []byte { return AppendString(dst, c.ID) },
		"title":     func(dst []byte, c *models.Conversation) []byte { return AppendString(dst, c.Title) },
		"pinned":    func(dst []byte, c *models.Conversation) []byte { return strconv.AppendBool(dst, c.Pinned) },
		"archived":  func(dst []byte, c *models.Conversation) []byte { return strconv.AppendBool(dst, c.Archived) },
		"createdAt": func(dst []byte, c *models.Conversation) []byte { return appendTime(dst, c.CreatedAt) },
		"updatedAt": func(dst []byte, c *models.Conversation) []byte { return appendTime(dst, c.UpdatedAt) },
	}
	plainMessage = map[string]appender[*models.Message]{
		"id":        func(dst []byte, m *models.Message) []byte { return AppendString(dst, m.ID) },
		"role":      func(dst []byte, m *models.Message) []byte { return AppendString(dst, string(m.Role)) },
		"status":    func(dst []byte, m *models.Message) []byte { return AppendString(dst, string(m.Status)) },
		"text":      func(dst []byte, m *models.Message) []byte { return AppendString(dst, m.Text) },
		"reasoning": func(dst []byte, m *models.Message) []byte { return AppendString(dst, m.Reasoning) },
		"lastSeq":   func(dst []byte, m *models.Message) []byte { return strconv.AppendInt(dst, int64(m.LastSeq), 10) },
		"droppedMessages": func(dst []byte, m *models.Message) []byte {
			return strconv.AppendInt(dst, int64(m.DroppedMessages), 10)
		},
		"createdAt": func(dst []byte, m *models.Message) []byte { return appendTime(dst, m.CreatedAt) },
	}
	plainEdge = map[string]appender[*ConversationEdge]{
		"cursor": func(dst []byte, e *ConversationEdge) []byte { return AppendString(dst, e.Cursor) },
	}
)

// plainly marshals a list whose selection is plain; nil leaves it to the executor.
func plainly(ctx context.Context, sel ast.SelectionSet, list any) graphql.Array {
	switch list := list.(type) {
	case []*models.Conversation:
		return rowsOf(list, conversationPlan(graphql.GetOperationContext(ctx), sel))
	case []*ConversationEdge:
		return rowsOf(list, edgePlan(graphql.GetOperationContext(ctx), sel))
	}
	return nil
}

func conversationPlan(op *graphql.OperationContext, sel ast.SelectionSet) plain[*models.Conversation] {
	return planOf(op, sel, "Conversation", conversationImplementors, plainConversation, func(f graphql.CollectedField) appender[*models.Conversation] {
		if f.Name != "lastMessage" {
			return nil
		}
		return within(planOf(op, f.Selections, "Message", messageImplementors, plainMessage, nil), func(c *models.Conversation) *models.Message { return c.LastMessage })
	})
}

func edgePlan(op *graphql.OperationContext, sel ast.SelectionSet) plain[*ConversationEdge] {
	return planOf(op, sel, "ConversationEdge", conversationEdgeImplementors, plainEdge, func(f graphql.CollectedField) appender[*ConversationEdge] {
		if f.Name != "node" {
			return nil
		}
		return within(conversationPlan(op, f.Selections), func(e *ConversationEdge) *models.Conversation { return e.Node })
	})
}

// planOf is the plan of a selection, nil when some of it is not plain. What is not in
// own is asked of other.
func planOf[T any](op *graphql.OperationContext, sel ast.SelectionSet, typ string, implementors []string, own map[string]appender[T], other func(graphql.CollectedField) appender[T]) plain[T] {
	fields := graphql.CollectFields(op, sel, implementors)
	plan := make(plain[T], 0, len(fields))
	for _, f := range fields {
		value := own[f.Name]
		switch {
		case len(f.Deferrables) > 0:
			return nil
		case f.Name == "__typename":
			value = func(dst []byte, _ T) []byte { return AppendString(dst, typ) }
		case value == nil && other != nil:
			value = other(f)
		}
		if value == nil {
			return nil
		}
		plan = append(plan, plainField[T]{key: string(AppendString(nil, f.Alias)) + ":", append: value})
	}
	return plan
}

// within appends the object that of leads to, or null; nil when its plan is nil.
func within[T, U any](plan plain[*U], of func(T) *U) appender[T] {
	if plan == nil {
		return nil
	}
	return func(dst []byte, v T) []byte {
		if u := of(v); u != nil {
			return plan.append(dst, u)
		}
		return append(dst, "null"...)
	}
}

func (p plain[T]) append(dst []byte, v T) []byte {
	dst = append(dst, '{')
	for i := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p[i].append(append(dst, p[i].key...), v)
	}
	return append(dst, '}')
}

// row is an element of a list with a plan.
type row[T any] struct {
	plan plain[T]
	of   T
}

// MarshalGQL writes the object.
func (r *row[T]) MarshalGQL(w io.Writer) {
	var room []byte
	if b, ok := w.(*bytes.Buffer); ok { // what is written is in its place already
		room = b.AvailableBuffer()
	}
	_, _ = w.Write(r.plan.append(room, r.of))
}

// rowsOf is nil without a plan, and when an element is missing where none may be.
func rowsOf[U any](list []*U, plan plain[*U]) graphql.Array {
	if plan == nil {
		return nil
	}
	rows, out := make([]row[*U], len(list)), make(graphql.Array, len(list))
	for i, of := range list {
		if of == nil {
			return nil
		}
		rows[i] = row[*U]{plan, of}
		out[i] = &rows[i]
	}
	return out
}

func appendTime(dst []byte, t time.Time) []byte { return t.UTC().AppendFormat(dst, timeLayout) }

const hexDigits = "0123456789ABCDEF"

// AppendString appends valid UTF-8 as a JSON string, in the executor's spelling.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
