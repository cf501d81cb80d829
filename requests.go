package main

import (
	"context"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/models"
)

// openRequests builds what keeps the logs of API requests.
func (s *server) openRequests() {
	s.requests = requestlog.New(requestlog.Config{DB: s.db, Clock: s.clock, Log: s.log, Bus: s.bus,
		Believed: func(ctx context.Context) (time.Time, error) { return s.retention.Believed(ctx) }})
}

// recorder keeps a row for each GraphQL operation of an API key.
func (s *server) recorder() *record.Recorder {
	return &record.Recorder{Wanted: func(ctx context.Context) bool { return viewer.From(ctx).Kind == viewer.APIKey }, Done: s.recordOperation}
}

func (s *server) recordOperation(ctx context.Context, op record.Operation) {
	v := viewer.From(ctx)
	e := requestlog.Entry{OwnerID: v.OwnerID, KeyID: v.KeyID, Route: op.Route, Status: op.Status, Code: errorCode(op.Code), Took: op.Took, Streamed: op.Streamed}
	if !op.Socket {
		e.ID = web.RequestID(ctx)
	}
	if e.Code != "" && e.Status < 400 {
		e.Status = requestlog.StatusOf(e.Code)
	}
	s.requests.Record(e)
}

// errorCode is a code as the schema's ErrorCode has it: those of documents that are no
// GraphQL, or not known, are all INVALID.
func errorCode(code string) string {
	if strings.HasPrefix(code, "GRAPHQL_") || strings.HasPrefix(code, "PERSISTED_") {
		return string(fault.Invalid)
	}
	return code
}

// recordReply keeps a row for a reply that an API key asked for.
func (s *server) recordReply(r chat.Ended) {
	e := requestlog.Entry{ID: r.RunID, At: r.At, OwnerID: r.OwnerID, KeyID: r.KeyID, Route: models.RouteReply, ModelID: r.ModelID, Status: requestlog.StatusOf(r.Code), Code: r.Code,
		PromptTokens: r.Usage.PromptTokens, CachedTokens: r.Usage.CachedTokens, OutputTokens: r.Usage.OutputTokens, ReasoningTokens: r.Usage.ReasoningTokens, Credits: r.Credits,
		FirstToken: r.FirstToken, Took: r.Took, Streamed: true}
	s.requests.Record(e)
}
