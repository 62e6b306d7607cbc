package auth

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// ListKeys gives all keys, the latest first.
func ListKeys(ctx context.Context, q bun.IDB) ([]Key, error) {
	var all []Key
	err := q.NewSelect().Model(&all).Order("created_at DESC", "id").Scan(ctx)
	return all, err
}

func findKey(ctx context.Context, q bun.IDB, id string) (Key, error) {
	return find[Key](ctx, q, column{"id", id}, keyUnknown())
}

// takeSlot inserts the key into the first free slot of its client and gives
// the slot, or refuses with key_limit. The unique index decides, not a count.
func takeSlot(ctx context.Context, tx bun.IDB, k Key) (int, error) {
	_, err := tx.NewUpdate().Model((*Key)(nil)).Set("slot = NULL").
		Where("client = ?", k.Client).Where("expires_at <= ?", k.CreatedAt).Exec(ctx)
	if err != nil {
		return 0, err
	}
	for k.Slot = 1; k.Slot <= keySlots; k.Slot++ {
		res, err := tx.NewInsert().Model(&k).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return 0, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return k.Slot, err
		}
	}
	return 0, fault.Refuse(fault.Conflict, "key_limit",
		"该程序已有 %d 个有效密钥，请先停用一个再新建", "the client has %d keys that count; revoke one first", keySlots)
}

// revokeKey also frees the slot.
func revokeKey(ctx context.Context, tx bun.IDB, id string, now time.Time) error {
	k := Key{ID: id, RevokedAt: now}
	res, err := tx.NewUpdate().Model(&k).Column("slot", "revoked_at").
		WherePK().Where("revoked_at IS NULL").Exec(ctx)
	return changed(res, err, keyUnknown())
}
