package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

func insertRound(ctx context.Context, tx bun.IDB, r *RoundRow) error {
	if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
		return fmt.Errorf("insert round: %w", err)
	}
	return nil
}

// lastRound gives the last plan of a courier, the zero row if there is none.
func lastRound(ctx context.Context, q bun.IDB, courier string) (RoundRow, error) {
	var rows []RoundRow
	err := q.NewSelect().Model(&rows).Where("courier_id = ?", courier).Order("made_at DESC", "id DESC").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return RoundRow{}, err
	}
	return rows[0], nil
}

func deleteRounds(ctx context.Context, tx bun.IDB, before time.Time) error {
	_, err := tx.NewDelete().Model((*RoundRow)(nil)).Where("made_at < ?", before).Exec(ctx)
	return err
}

// couriersOnRounds gives the couriers who have a stop to go to.
func couriersOnRounds(ctx context.Context, q bun.IDB) (ids []string, err error) {
	err = q.NewSelect().Model((*Parcel)(nil)).ColumnExpr("DISTINCT courier_id").Where(stillOpen).
		Where("courier_id <> '' AND state IN (?)", bun.List(roundStates)).Order("courier_id").Scan(ctx, &ids)
	return ids, err
}

// lastStop is the parcel whose stop a courier ended last since an instant, the
// zero parcel if there is none.
func lastStop(ctx context.Context, q bun.IDB, courier string, since time.Time) (Parcel, error) {
	var rows []Parcel
	err := q.NewSelect().Model(&rows).Where("courier_id = ? AND courier_id <> '' AND since >= ?", courier, since).
		Where("state IN (?)", bun.List([]ParcelState{ParcelArrived, ParcelDelivered, ParcelUnverified, ParcelAttemptFailed})).
		OrderExpr("CASE WHEN state = ? THEN 0 ELSE 1 END, since DESC, id", ParcelArrived).Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Parcel{}, err
	}
	return rows[0], nil
}

// forgetPredictions takes back what was expected of a courier's open parcels.
func forgetPredictions(ctx context.Context, tx bun.IDB, courier string) error {
	_, err := tx.NewUpdate().Model((*Parcel)(nil)).Set("predicted_at = NULL, predicted_p80 = NULL").
		Where("courier_id = ? AND courier_id <> '' AND state IN (?) AND predicted_at IS NOT NULL", courier, bun.List(openStates())).Exec(ctx)
	return err
}

// predictParcel writes when a parcel is expected. It is no event of the parcel, so
// its version stays.
func predictParcel(ctx context.Context, tx bun.IDB, p Parcel) error {
	_, err := tx.NewUpdate().Model(&p).Column("predicted_at", "predicted_p80").WherePK().Exec(ctx)
	return err
}
