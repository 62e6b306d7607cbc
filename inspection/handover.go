package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
)

// HandOverRequest gives a sealed parcel to a courier.
type HandOverRequest struct{ ParcelID, CourierID string }

// HandOver gives a parcel to a courier, who then signs for it (DEL-910). When
// nothing of the case waits at the window any more, the case is handed over; a
// result that is added later goes out by itself (DEL-306). Refusals: those of
// delivery.Desk.Dispatch.
func (d *Desk) HandOver(ctx context.Context, by auth.Actor, parcels *delivery.Desk, r HandOverRequest) (out delivery.Parcel, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		p, leaves, err := parcels.Dispatch(ctx, tx, by, r.ParcelID, r.CourierID)
		if err != nil {
			return err
		}
		all, err := delivery.AllOut(ctx, tx, p.CaseID)
		if err != nil {
			return err
		}
		if all {
			moved, err := handCaseOver(ctx, tx, p.CaseID)
			if err != nil {
				return err
			}
			if moved {
				leaves = append(leaves, audit.Leaf{Type: "case_results_out", Stream: caseStream(p.CaseID), Actor: by.String(), At: d.now()})
			}
		}
		out = p
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}
