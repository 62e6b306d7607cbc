package inspection

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

func insertPair(ctx context.Context, tx bun.IDB, x *ItemPair) error {
	_, err := tx.NewInsert().Model(x).Exec(ctx)
	return err
}

func findPair(ctx context.Context, q bun.IDB, visitID, id string) (x ItemPair, err error) {
	err = q.NewSelect().Model(&x).Where("id = ? AND visit_id = ?", id, visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return x, notFound()
	}
	return x, err
}

func listPairs(ctx context.Context, q bun.IDB, visitID string) (out []ItemPair, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("raised_at", "id").Scan(ctx)
	return out, err
}

// updatePair is one move of a pair, by whoever read it as it stands.
func updatePair(ctx context.Context, tx bun.IDB, x ItemPair, before PairState) error {
	u := tx.NewUpdate().Model(&x).Column("sent_at", "sent_by", "keep", "how", "settled_at", "settled_by", "settled_name").
		Where("id = ? AND keep = ''", x.ID)
	if before == PairOpen {
		u = u.Where("sent_at IS NULL")
	}
	res, err := u.Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
