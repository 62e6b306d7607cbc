package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

func insertWaybill(ctx context.Context, tx bun.IDB, w *Waybill) error {
	res, err := tx.NewInsert().Model(w).On("CONFLICT DO NOTHING").Exec(ctx)
	return exactlyOne(res, err, func() *fault.Error {
		return fault.Refuse(fault.Conflict, "waybill_taken",
			"这个运单号已用于另一件邮件，请核对面单", "this number stands on another parcel; look at the form again")
	})
}

// findWaybill gives the waybill of a carrier's number, the zero one if it is not
// ours.
func findWaybill(ctx context.Context, q bun.IDB, company, number string) (Waybill, error) {
	var all []Waybill
	err := q.NewSelect().Model(&all).Where("company = ? AND number = ?", company, number).Scan(ctx)
	if err != nil || len(all) == 0 {
		return Waybill{}, err
	}
	return all[0], nil
}

func waybillOf(ctx context.Context, q bun.IDB, parcelID string) (Waybill, error) {
	var all []Waybill
	s := q.NewSelect().Model(&all).Where("parcel_id = ?", parcelID)
	if err := s.Scan(ctx); err != nil || len(all) == 0 {
		return Waybill{}, err
	}
	return all[0], nil
}

// claimWaybill is the guarded move: a number is asked about once in half an hour,
// whoever asks (DEL-1412).
func claimWaybill(ctx context.Context, tx bun.IDB, w *Waybill, now time.Time) error {
	q := tx.NewUpdate().Model((*Waybill)(nil)).Set("asked_at = ?", now).
		Where("parcel_id = ?", w.ParcelID).Where("asked_at IS NULL OR asked_at <= ?", now.Add(-Kuaidi100Pause))
	if !w.NextAskAt.IsZero() { // it is still on its way
		q = q.Set("next_ask_at = ?", now.Add(Kuaidi100Pause))
	}
	res, err := q.Exec(ctx)
	return exactlyOne(res, err, func() *fault.Error {
		return fault.Refuse(fault.Conflict, "carrier_asked",
			"这个运单半小时内已经查过，请过后再查；新的进展会自动推送", "this waybill was asked about in the last half hour; ask again later, news comes by itself")
	})
}

func waybillsToAsk(ctx context.Context, q bun.IDB, now time.Time) (ids []string, err error) {
	err = q.NewSelect().Model((*Waybill)(nil)).Column("parcel_id").Where("next_ask_at <= ?", now).Order("next_ask_at", "parcel_id").Limit(20).Scan(ctx, &ids)
	return ids, err
}

func stopAsking(ctx context.Context, tx bun.IDB, parcelID string) error {
	_, err := tx.NewUpdate().Model((*Waybill)(nil)).Set("next_ask_at = NULL").Where("parcel_id = ? AND next_ask_at IS NOT NULL", parcelID).Exec(ctx)
	return err
}

// insertCarrierBody keeps a body; fresh is false if it is on file already.
func insertCarrierBody(ctx context.Context, tx bun.IDB, b *carrierBody) (fresh bool, err error) {
	res, err := tx.NewInsert().Model(b).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
