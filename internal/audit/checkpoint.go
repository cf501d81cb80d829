package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// CheckpointEvery is how often the end of the chain is signed when it has moved.
const CheckpointEvery = 24 * time.Hour

// checkpointTx signs the end of the chain when that is due.
func (b *batch) checkpointTx(tx *gorm.DB) error {
	var last []models.AuditCheckpoint
	if err := tx.Order("number DESC").Limit(1).Find(&last).Error; err != nil {
		return fmt.Errorf("find the last checkpoint: %w", err)
	}
	now := b.s.Clock.Now()
	c := models.AuditCheckpoint{Number: 1, Place: b.head.place, Hash: b.head.hash, MadeAt: now}
	if len(last) > 0 {
		if now.Sub(last[0].MadeAt) < CheckpointEvery || last[0].Place == b.head.place {
			return nil
		}
		c.Number = last[0].Number + 1
	}
	if c.Place == 0 {
		return nil
	}
	c.Signature = ed25519.Sign(b.s.signer, signed(&c))
	if err := tx.Create(&c).Error; err != nil {
		return fmt.Errorf("write a checkpoint: %w", err)
	}
	b.checkpoint = &c
	return nil
}

// signed is what a checkpoint's signature is made over.
func signed(c *models.AuditCheckpoint) []byte {
	b := []byte("kimi-k2 audit checkpoint v1\x00")
	b = binary.BigEndian.AppendUint64(b, uint64(c.Number)) //nolint:gosec // positive
	b = binary.BigEndian.AppendUint64(b, uint64(c.Place))  //nolint:gosec // positive
	b = append(b, moment(c.MadeAt)...)
	return append(b, c.Hash...)
}

// logCheckpoint writes it where the database doesn't reach.
func (s *Service) logCheckpoint(ctx context.Context, c *models.AuditCheckpoint) {
	s.Log.InfoContext(ctx, "audit checkpoint", "number", c.Number, "place", c.Place, "hash", hex.EncodeToString(c.Hash), "made", c.MadeAt.Format(time.RFC3339Nano),
		"signature", base64.StdEncoding.EncodeToString(c.Signature), "key", base64.StdEncoding.EncodeToString(s.PublicKey()))
}
