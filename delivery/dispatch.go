package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Dispatch assigns a sealed parcel to a courier of the centre, on the caller's
// transaction. The window answers for it until the courier has taken it over
// (DEL-910). The gate is asked again: a stricter rule reaches sealed parcels
// (DEL-213). The caller records the leaves last. Refusals: not_found,
// not_receiving_window, parcel_state, parcel_for_window, carrier_not_allowed,
// window_only, courier_unknown.
func (d *Desk) Dispatch(ctx context.Context, tx bun.IDB, by auth.Actor, parcelID, courierID string) (Parcel, []audit.Leaf, error) {
	d = d.still()
	p, err := lockParcel(ctx, tx, parcelID)
	if err == nil && !mayReadParcel(by, p) {
		err = notFound()
	}
	if err != nil {
		return Parcel{}, nil, err
	}
	if err := d.mayDispatch(ctx, tx, by, p, courierID); err != nil {
		return Parcel{}, nil, err
	}
	a := assignment{ID: newID(), ParcelID: p.ID, CourierID: courierID, AssignedAt: d.now(), AssignedBy: by.String()}
	if err := assign(ctx, tx, &a); err != nil {
		return Parcel{}, nil, err
	}
	p.CourierID = courierID
	if err := updateParcel(ctx, tx, &p); err != nil {
		return Parcel{}, nil, err
	}
	return p, []audit.Leaf{d.parcelLeaf("parcel_assigned", p, by, map[string]any{"courier": courierID})}, nil
}

func (d *Desk) mayDispatch(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel, courierID string) error {
	if err := mayReceive(by, p.CentreID); err != nil {
		return err
	}
	if err := p.wantState(ParcelSealed); err != nil {
		return err
	}
	if p.Way != WayOwnCourier {
		return fault.Refuse(fault.Conflict, "parcel_for_window",
			"这件邮件是窗口自取或交邮，不交派送员；要改为派送请撤回后重新封装", "this parcel is for pick-up or for the post; withdraw it and seal it anew to give it to a courier")
	}
	if err := d.gateAgain(ctx, tx, p); err != nil {
		return err
	}
	return courierOf(ctx, tx, p.CentreID, courierID)
}

// courierOf refuses who is no courier of the centre.
func courierOf(ctx context.Context, q bun.IDB, centreID, courierID string) error {
	courier, err := auth.FindPerson(ctx, q, courierID)
	if err != nil && !fault.Is(err, "person_unknown") {
		return err
	}
	if err != nil || !courier.DisabledAt.IsZero() || !slices.Contains(courier.Roles, auth.Courier) || courier.Centre != centreID {
		return fault.Refuse(fault.Invalid, "courier_unknown",
			"请从本中心的派送员中选择", "choose one of this centre's couriers")
	}
	return nil
}

func classesOf(items []Item) (out []Class) {
	for _, i := range items {
		if !slices.Contains(out, i.Class) {
			out = append(out, i.Class)
		}
	}
	return out
}

// AllOut reports, on the caller's transaction, whether nothing of a case waits
// at the window any more: every result is waived or in a parcel that a courier
// has or that has ended.
func AllOut(ctx context.Context, tx bun.IDB, caseID string) (bool, error) {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil || len(lines) == 0 {
		return false, err
	}
	parcels, err := parcelsOfCase(ctx, tx, caseID)
	if err != nil {
		return false, err
	}
	waits := func(p Parcel) bool { return p.CourierID == "" && slices.Contains(heldStates, p.State) }
	if slices.ContainsFunc(parcels, waits) { // one piece of a line may be on its way while another is not (DEL-402)
		return false, nil
	}
	for _, l := range lines {
		out := func(p Parcel) bool {
			return p.ID == l.ParcelID && (p.CourierID != "" || !slices.Contains(heldStates, p.State))
		}
		if l.State == LineWaived && (l.ElectronicID == "" || !l.ServedAt.IsZero()) { // a file has to be served, not sent (DEL-242)
			continue
		}
		if !slices.ContainsFunc(parcels, out) {
			return false, nil
		}
	}
	return true, nil
}
