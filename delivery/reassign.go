package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// reassignMost is how many parcels one hand-off may hold, as one scan.
const reassignMost = takeOverMost

// Reassign gives parcels that one courier carries to another (DEL-810). It is the
// first half: the courier who signed for them answers until the other one has
// scanned them with TakeOver (DEL-910); what the first one reports meanwhile
// counts and is marked (DEL-508). All of them or none. Refusals: not_found,
// not_receiving_window, parcel_state, courier_unknown, courier_same, batch_size,
// reason_missing, text_invalid.
func (d *Desk) Reassign(ctx context.Context, by auth.Actor, parcelIDs []string, courierID, reason string) (out []Parcel, err error) {
	d = d.still()
	if len(parcelIDs) == 0 || len(parcelIDs) > reassignMost {
		return nil, batchSize()
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, err = lockParcels(ctx, tx, "id", parcelIDs)
		if err != nil {
			return err
		}
		unseen := func(p Parcel) bool { return !mayReadParcel(by, p) }
		if len(out) != len(slices.Compact(slices.Sorted(slices.Values(parcelIDs)))) || slices.ContainsFunc(out, unseen) {
			return notFound()
		}
		if err := checkReason("reason", reason); err != nil {
			return err
		}
		var leaves []audit.Leaf
		for i := range out {
			leaf, err := d.reassign(ctx, tx, by, &out[i], courierID)
			if err != nil {
				return err
			}
			leaves = append(leaves, leaf)
		}
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}

func (d *Desk) reassign(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, courierID string) (audit.Leaf, error) {
	if err := mayReceive(by, p.CentreID); err != nil {
		return audit.Leaf{}, err
	}
	if !p.Carried() { // what is posted has no courier of ours, and no gate was asked for one (DEL-210)
		return audit.Leaf{}, p.wantState()
	}
	if p.CourierID == courierID {
		return audit.Leaf{}, fault.Refuse(fault.Invalid, "courier_same",
			"这件邮件已在这名派送员手中，请选另一名", "this courier has the parcel already; choose another one")
	}
	if err := courierOf(ctx, tx, p.CentreID, courierID); err != nil {
		return audit.Leaf{}, err
	}
	from := p.CourierID
	a := assignment{ID: newID(), ParcelID: p.ID, CourierID: courierID, AssignedAt: d.now(), AssignedBy: by.String()}
	if err := assign(ctx, tx, &a); err != nil {
		return audit.Leaf{}, err
	}
	p.CourierID = courierID
	if err := updateParcel(ctx, tx, p); err != nil {
		return audit.Leaf{}, err
	}
	return d.parcelLeaf("parcel_reassigned", *p, by, map[string]any{"from": from, "courier": courierID}), nil
}

// carried are the states in which a courier has the parcel and it is still to be
// brought somewhere.
var carried = []ParcelState{ParcelHandedOver, ParcelOut, ParcelArrived, ParcelAttemptFailed, ParcelRescheduled, ParcelOnHold, ParcelReturning}

// Carried reports whether a courier has the parcel and it is still to be brought
// somewhere.
func (p Parcel) Carried() bool { return p.CourierID != "" && slices.Contains(carried, p.State) }

// carrier is the courier who signed for a parcel last.
func (f folding) carrier(p Parcel, g Folded) (courier string) {
	for _, s := range g.Steps {
		if e, _ := f.event(p, s.EventID); s.Verdict != Declared && s.Verdict != Clashed && (e.Type == EventHandedOver || e.Type == EventTakenOver) {
			courier = e.CourierID
		}
	}
	if courier == "" { // nobody signed, and yet it moves
		e, _ := f.event(p, g.EventID)
		courier = e.CourierID
	}
	return courier
}
