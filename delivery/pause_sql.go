package delivery

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

func insertPause(ctx context.Context, tx bun.IDB, row *PauseRow) error {
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return fmt.Errorf("insert pause: %w", err)
	}
	return nil
}

// updatePause writes how a pause ended or was looked at; its parcel is locked.
func updatePause(ctx context.Context, tx bun.IDB, row *PauseRow) error {
	_, err := tx.NewUpdate().Model(row).Column("to_at", "ended_at", "ended_by", "end_note", "review_at", "reviewed_by", "review_note").WherePK().Exec(ctx)
	return err
}

// pausesOf gives the pauses of parcels, by parcel, in the order of their begin.
func pausesOf(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string][]PauseRow, error) {
	out := map[string][]PauseRow{}
	if len(parcelIDs) == 0 {
		return out, nil
	}
	var rows []PauseRow
	err := q.NewSelect().Model(&rows).Where("parcel_id IN (?)", bun.List(parcelIDs)).Order("from_at", "id").Scan(ctx)
	for _, r := range rows {
		out[r.ParcelID] = append(out[r.ParcelID], r)
	}
	return out, err
}
