package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// CancelParcel takes a parcel back that the window still holds; what is in it
// lies on the shelf again (DEL-806). Refusals: not_found, not_receiving_window,
// parcel_state, reason_missing, text_invalid.
func (d *Desk) CancelParcel(ctx context.Context, by auth.Actor, parcelID, reason string) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := checkReason("reason", reason); err != nil {
			return err
		}
		if err := p.wantState(heldStates...); err != nil {
			return err
		}
		if err := d.stopCode(ctx, tx, p.ID); err != nil {
			return err
		}
		return d.happened(ctx, tx, by, p, EventCancelled, Facts{Reason: reason}, nil)
	})
}
