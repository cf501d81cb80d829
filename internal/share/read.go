package share

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Look says whether a link opens something: nil when it does. It refuses with NOT_FOUND a
// link that was never made here, and with GONE one that opens nothing any more.
func (s *Service) Look(ctx context.Context, link string) error {
	_, err := s.find(ctx, link, "NULL::bytea")
	return err
}

// Read is what a link shows, to everybody who has it. It refuses like Look.
func (s *Service) Read(ctx context.Context, link string) (*models.SharedConversation, error) {
	row, err := s.find(ctx, link, "snapshot_sealed")
	if err != nil {
		return nil, err
	}
	text, err := row.key.Open(place("snapshot_sealed", &row.Share), row.SnapshotSealed)
	if err != nil {
		return nil, fmt.Errorf("open a share: %w", err)
	}
	var shown models.SharedConversation
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, fmt.Errorf("read a share: %w", err)
	}
	return &shown, nil
}

// found is a share that opens, with its owner's key.
type found struct {
	models.Share
	key *seal.Key
}

// find is the row of a link that opens. The snapshot is read only when it is named.
func (s *Service) find(ctx context.Context, link, snapshot string) (f found, err error) {
	if !s.ours(link) {
		return f, errUnknown()
	}
	if s.Off {
		return f, errGone()
	}
	err = s.DB.Pool().QueryRow(ctx, `SELECT owner_id, id, `+snapshot+` FROM shares WHERE link_hash = $1 AND (expires_at IS NULL OR expires_at > $2)`, hashOf(link), s.Clock.Now()).
		Scan(&f.OwnerID, &f.ID, &f.SnapshotSealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, errGone()
	}
	if err != nil {
		return f, fmt.Errorf("find a share: %w", database.Translate(err))
	}
	key, err := s.Owners.Key(ctx, f.OwnerID)
	if fault.Is(err, fault.NotFound) { // the owner went this moment
		return f, errGone()
	}
	if err != nil {
		return f, err //nolint:wrapcheck // says what failed
	}
	f.key = key
	granted, err := s.Policy.Granted(ctx, viewer.Viewer{Kind: viewer.Account, OwnerID: f.OwnerID, Key: key}, models.ConsentShare)
	if err != nil {
		return f, err //nolint:wrapcheck // says what failed
	}
	if !granted {
		return f, errGone()
	}
	return f, nil
}

// List is a page of the viewer's shares that open, the newest first, and whether there are
// more. The cursor of a share is its id.
func (s *Service) List(ctx context.Context, v viewer.Viewer, p page.Args) (list []*models.Share, more bool, err error) {
	if !v.IsOwner() || s.Off {
		return nil, false, nil
	}
	q := s.DB.Gorm(ctx).Select("owner_id, id, conversation_id, link_sealed, title_sealed, messages, reasoning, named, created_at, expires_at").
		Where("owner_id = ? AND (expires_at IS NULL OR expires_at > ?)", v.OwnerID, s.Clock.Now())
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Order("id DESC").Limit(p.Size + 1).Find(&list).Error; err != nil {
		return nil, false, fmt.Errorf("list shares: %w", database.Translate(err))
	}
	if more = len(list) > p.Size; more {
		list = list[:p.Size]
	}
	for _, row := range list {
		if row.Link, err = v.Key.OpenString(place("link_sealed", row), row.LinkSealed); err != nil {
			return nil, false, fmt.Errorf("open a share: %w", err)
		}
		if row.Title, err = v.Key.OpenString(place("title_sealed", row), row.TitleSealed); err != nil {
			return nil, false, fmt.Errorf("open a share: %w", err)
		}
	}
	return list, more, nil
}
