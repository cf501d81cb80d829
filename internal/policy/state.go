package policy

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// State is what stands between a viewer and a first message or an account.
type State struct {
	AgeConfirmed   bool
	AgeRefused     bool // an answer below the age stands
	PolicyAccepted bool
	PolicyVersion  string // the one in force
	News           *News  // a version that the viewer hasn't seen; nil: there is none
}

// News is a version of the policy that somebody who accepted an earlier one hasn't
// accepted: what the page tells until it is acknowledged.
type News struct {
	Version     string
	EffectiveAt time.Time
	Significant bool // it, or one before it that the viewer hasn't accepted either
	InForce     bool
}

// Gate says what the viewer still has to confirm and to accept.
func (s *Service) Gate(ctx context.Context, v viewer.Viewer) (State, error) {
	f := s.factsOf(v.Gate)
	var news *News
	if v.IsOwner() {
		var err error
		if f, err = s.facts(ctx, v); err != nil {
			return State{}, err
		}
		if news, err = s.news(ctx, v); err != nil {
			return State{}, err
		}
	}
	return State{AgeConfirmed: f.age, AgeRefused: !f.age && s.clock.Now().Before(v.Gate.AgeRefusedUntil), PolicyAccepted: f.policy, PolicyVersion: s.Current().Version, News: news}, nil
}

// facts are what counts for the gate.
type facts struct{ age, policy bool }

// factsOf are the facts of somebody of whom nothing is stored.
func (s *Service) factsOf(g viewer.Gate) facts {
	f := facts{age: !g.AgeConfirmedAt.IsZero()}
	for _, version := range s.sufficient() {
		f.policy = f.policy || g.AcceptedPolicy == version
	}
	return f
}

// facts are the stored facts of an owner. Once both are there they stay: what is
// settled is remembered.
func (s *Service) facts(ctx context.Context, v viewer.Viewer) (facts, error) {
	f, err := s.factsIn(s.DB.Gorm(ctx), v)
	return f, database.Translate(err)
}

func (s *Service) factsIn(tx *gorm.DB, v viewer.Viewer) (f facts, err error) {
	current := s.Current().Version
	if s.settled.has(v.OwnerID, current) {
		return facts{age: true, policy: true}, nil
	}
	row := struct{ Age, Policy bool }{}
	err = tx.Raw(`SELECT EXISTS (SELECT FROM age_confirmations WHERE owner_id = ?) AS age,
		EXISTS (SELECT FROM policy_acceptances WHERE owner_id = ? AND version IN ?) AS policy`, v.OwnerID, v.OwnerID, s.sufficient()).Scan(&row).Error
	if err != nil {
		return facts{}, fmt.Errorf("read what the owner confirmed: %w", err)
	}
	return facts{age: row.Age, policy: row.Policy}, nil
}

// news is the version in force if the owner accepted an earlier one only, else the newest
// published one.
func (s *Service) news(ctx context.Context, v viewer.Viewer) (*News, error) {
	published := s.Versions()
	newest := published[0]
	if len(published) == 1 || s.seen.has(v.OwnerID, newest.Version) {
		return nil, nil
	}
	accepted, err := s.Acceptances(ctx, v)
	if err != nil || len(accepted) == 0 {
		return nil, err
	}
	if accepted[0].Version == newest.Version {
		s.seen.add(v.OwnerID, newest.Version)
		return nil, nil
	}
	told, current := newest, s.Current()
	if accepted[0].Version < current.Version {
		told = current
	}
	news := &News{Version: told.Version, EffectiveAt: told.EffectiveAt, InForce: told.Version <= current.Version}
	for _, p := range published {
		if p.Version > accepted[0].Version && p.Version <= told.Version {
			news.Significant = news.Significant || p.Significant
		}
	}
	return news, nil
}
