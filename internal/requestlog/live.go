package requestlog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// perMessage is how many rows one message of the bus carries at most.
	perMessage = 500
	// pendingRows is how many rows somebody who follows may lag: beyond it the following
	// ends, so that nobody takes a list with holes for whole.
	pendingRows = 4096
)

func subjectOf(ownerID string) string { return "requests." + ownerID }

// log is an entry as readers see it.
func (e *Entry) log() *models.RequestLog {
	return &models.RequestLog{ID: e.ID, CreatedAt: e.At, KeyID: e.KeyID, Route: e.Route, ModelID: e.ModelID, Status: e.Status, Fault: e.Code,
		PromptTokens: e.PromptTokens, CachedTokens: e.CachedTokens, OutputTokens: e.OutputTokens, ReasoningTokens: e.ReasoningTokens, Micro: e.Credits,
		FirstTokenMs: e.firstToken(), LatencyMs: millis(e.Took), Streamed: e.Streamed}
}

// publish tells who follows of rows that are written.
func (s *Service) publish(entries []Entry) {
	if s.Bus == nil {
		return
	}
	by := map[string][]*models.RequestLog{}
	for i := range entries {
		owner := entries[i].OwnerID
		if by[owner] = append(by[owner], entries[i].log()); len(by[owner]) == perMessage {
			s.send(owner, by[owner])
			delete(by, owner)
		}
	}
	for owner, rows := range by {
		s.send(owner, rows)
	}
}

func (s *Service) send(owner string, rows []*models.RequestLog) {
	b, err := json.Marshal(rows)
	if err == nil {
		err = s.Bus.Publish(subjectOf(owner), b)
	}
	if err != nil {
		s.Log.Warn("tell of fresh request logs", "rows", len(rows), "err", err)
	}
}

// Follow gives the viewer's rows as they are written, on whichever instance, until ctx
// ends. Rows of the same moment come in no order of their own. Who lags behind by too many
// rows is not followed for any longer: the channel closes, and what was missed is in the
// list. It refuses whom Logs has nothing for with UNAUTHENTICATED.
func (s *Service) Follow(ctx context.Context, v viewer.Viewer, f Filter) (<-chan *models.RequestLog, error) {
	own, ok, err := mayRead(v)
	if err != nil {
		return nil, err
	}
	if !ok || s.Bus == nil {
		return nil, fault.New(fault.Unauthenticated, "sign in first: request logs belong to accounts")
	}
	in := make(chan *models.RequestLog, pendingRows)
	ctx, cancel := context.WithCancel(ctx)
	stop, err := s.Bus.Subscribe(subjectOf(v.OwnerID), func(data []byte, _ func([]byte) error) {
		var rows []*models.RequestLog
		if json.Unmarshal(data, &rows) != nil {
			return
		}
		for _, row := range rows {
			if own != "" && row.KeyID != own || !f.matches(row) {
				continue
			}
			select {
			case in <- row:
			default:
				cancel()
				return
			}
		}
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("follow request logs: %w", err)
	}
	out := make(chan *models.RequestLog)
	go func() {
		defer close(out)
		defer cancel()
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case row := <-in:
				select {
				case out <- row:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}
