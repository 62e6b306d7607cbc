package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
)

// Assign gives a sealed parcel to a courier, who has yet to take it over
// (DEL-910). Refusals: those of Dispatch.
func (d *Desk) Assign(ctx context.Context, by auth.Actor, parcelID, courierID string) (out Parcel, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		p, leaves, err := d.Dispatch(ctx, tx, by, parcelID, courierID)
		if err != nil {
			return err
		}
		out = p
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}
