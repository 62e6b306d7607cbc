package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// ListKeys gives all keys, the latest first.
func ListKeys(ctx context.Context, q bun.IDB) ([]Key, error) {
	var all []Key
	err := q.NewSelect().Model(&all).Order("created_at DESC", "id").Scan(ctx)
	return all, err
}

func findKey(ctx context.Context, q bun.IDB, id string) (Key, error) {
	var k Key
	err := q.NewSelect().Model(&k).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = keyUnknown()
	}
	return k, err
}

// takeSlot inserts the key into the first free slot of its client and gives
// the slot, 0 when none is free. The unique index decides, not a count.
func takeSlot(ctx context.Context, tx bun.IDB, k Key) (int, error) {
	_, err := tx.NewUpdate().Model((*Key)(nil)).Set("slot = NULL").
		Where("client = ?", k.Client).Where("expires_at <= ?", k.CreatedAt).Exec(ctx)
	if err != nil {
		return 0, err
	}
	for k.Slot = 1; k.Slot <= keySlots; k.Slot++ {
		done, err := one(tx.NewInsert().Model(&k).On("CONFLICT DO NOTHING").Exec(ctx))
		if err != nil || done {
			return k.Slot, err
		}
	}
	return 0, nil
}

func revokeKey(ctx context.Context, tx bun.IDB, id string, now time.Time) (bool, error) {
	k := Key{ID: id, RevokedAt: now}
	return one(tx.NewUpdate().Model(&k).Column("slot", "revoked_at").
		WherePK().Where("revoked_at IS NULL").Exec(ctx))
}
