package completion

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// stopSubject carries stops to all instances.
const stopSubject = "completion.stop"

// stop is whose completions end: all of an owner's, or those of one API key.
type stop struct {
	Owner string `json:"owner"`
	Key   string `json:"key,omitempty"`
	From  string `json:"from"` // the instance that says so
}

// meets reports whether a run is to end.
func (x stop) meets(r *Run) bool {
	return r.v.OwnerID == x.Owner && (x.Key == "" || r.v.KeyID == x.Key)
}

// why is what the client is told.
func (x stop) why() error {
	if x.Key != "" {
		return errRevoked
	}
	return errStopped
}

// listen hears the other instances.
func (s *Service) listen(ctx context.Context) error {
	if err := ctx.Err(); err != nil || s.Bus == nil {
		return err
	}
	deaf, err := s.Bus.Subscribe(stopSubject, func(data []byte, _ func([]byte) error) {
		var x stop
		if json.Unmarshal(data, &x) == nil && x.Owner != "" && x.From != s.instance {
			s.hub.breakOff(x.meets, x.why())
		}
	})
	if err != nil {
		return fmt.Errorf("listen for stopped completions: %w", err)
	}
	s.deaf = deaf
	return nil
}

// Revoked ends what this instance writes for a revoked API key. It doesn't wait.
func (s *Service) Revoked(ownerID, keyID string) {
	if keyID != "" {
		x := stop{Owner: ownerID, Key: keyID}
		s.hub.breakOff(x.meets, x.why())
	}
}

// StopKey ends what is being written for an API key, on every instance, and waits until
// what this one wrote is settled.
func (s *Service) StopKey(ctx context.Context, ownerID, keyID string) error {
	if keyID == "" {
		return nil
	}
	return s.stop(ctx, stop{Owner: ownerID, Key: keyID, From: s.instance})
}

// StopAll ends what is being written for the viewer, on every instance, and waits until
// what this one wrote is settled.
func (s *Service) StopAll(ctx context.Context, v viewer.Viewer) error {
	if !v.IsOwner() {
		return nil
	}
	return s.stop(ctx, stop{Owner: v.OwnerID, From: s.instance})
}

func (s *Service) stop(ctx context.Context, x stop) error {
	ended := s.hub.breakOff(x.meets, x.why())
	if s.Bus != nil {
		data, err := json.Marshal(x)
		if err == nil {
			err = s.Bus.Publish(stopSubject, data)
		}
		if err != nil {
			s.Log.Warn("tell the other instances to stop completions", "err", err)
		}
	}
	for _, r := range ended {
		select {
		case <-r.left:
		case <-ctx.Done():
			return fmt.Errorf("stop completions: %w", ctx.Err())
		}
	}
	return nil
}

// recheck looks the keys of runs up again whose leases are due: who missed a revocation
// ends then.
func (s *Service) recheck(ctx context.Context, all []due) {
	if s.Keys == nil {
		return
	}
	good := map[string]error{}
	for _, d := range all {
		v := d.run.v
		if !d.renew || v.KeyID == "" {
			continue
		}
		err, known := good[v.KeyID]
		if !known {
			err = s.DB.Tx(ctx, func(tx *gorm.DB) error { return s.Keys.CheckTx(tx, v) })
			good[v.KeyID] = err
		}
		if fault.Is(err, fault.KeyRevoked) {
			d.run.cancel(errRevoked)
		}
	}
}

// Alive says which holds belong to runs of this instance: they will be settled.
func (s *Service) Alive(_ context.Context, holdIDs []string) (map[string]bool, error) {
	ours := map[string]bool{}
	for _, r := range s.hub.all() {
		if r.ready.Load() && r.hold != "" {
			ours[r.hold] = true
		}
	}
	found := make(map[string]bool, len(holdIDs))
	for _, hold := range holdIDs {
		found[hold] = ours[hold]
	}
	return found, nil
}
