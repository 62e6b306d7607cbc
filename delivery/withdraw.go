package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
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
		leaf, err := d.takeBack(ctx, tx, by, p, reason)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaf)
	})
}

// takeBack ends a parcel that the window still holds, on the caller's transaction,
// which records the leaf.
func (d *Desk) takeBack(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, reason string) (audit.Leaf, error) {
	if err := d.stopCode(ctx, tx, p.ID); err != nil {
		return audit.Leaf{}, err
	}
	e, err := d.deskEvent(by, p, EventCancelled, Facts{Reason: reason})
	if err != nil {
		return audit.Leaf{}, err
	}
	if err := d.append(ctx, tx, by, p, e); err != nil {
		return audit.Leaf{}, err
	}
	return d.parcelLeaf("parcel_"+string(EventCancelled), *p, by, nil), nil
}
