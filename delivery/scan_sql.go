package delivery

import (
	"context"

	"github.com/uptrace/bun"
)

// insertScan links an image to its original; added says whether it was not yet.
func insertScan(ctx context.Context, tx bun.IDB, s *MaterialScan) (added bool, err error) {
	res, err := tx.NewInsert().Model(s).On("CONFLICT (item_id, sha256) DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func scansOf(ctx context.Context, q bun.IDB, itemID string) (out []MaterialScan, err error) {
	err = q.NewSelect().Model(&out).Where("item_id = ?", itemID).Order("put_at", "sha256").Scan(ctx)
	return out, err
}

func insertScanView(ctx context.Context, tx bun.IDB, v *ScanView) error {
	_, err := tx.NewInsert().Model(v).Exec(ctx)
	return err
}

// mostViews is how many looks one log shows.
const mostViews = 500

func scanViewsOf(ctx context.Context, q bun.IDB, itemID string) (out []ScanView, err error) {
	err = q.NewSelect().Model(&out).Where("item_id = ?", itemID).Order("viewed_at DESC", "id DESC").Limit(mostViews).Scan(ctx)
	return out, err
}
