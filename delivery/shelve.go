package delivery

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// Shelve records on which shelf a thing lies; its keeper is the same (DEL-902).
// Whoever keeps it does so. Refusals: not_a_keeper, own_number_invalid, scan_unknown,
// place_missing, text_invalid, item_with_others.
func (d *Desk) Shelve(ctx context.Context, by auth.Actor, number, place string) (out Item, err error) {
	d = d.still()
	plain, err := ParseNumber(number)
	if err != nil {
		return Item{}, err
	}
	if !keepsThings(by) {
		return Item{}, notAKeeper()
	}
	if place, err = shelf(place); err != nil {
		return Item{}, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		i, err := itemByNumber(ctx, tx, plain)
		if err != nil {
			return scanUnknown(err, plain)
		}
		if err := (&ItemView{Item: i}).belongs(ctx, tx, by); err != nil {
			return scanUnknown(err, plain)
		}
		if i.keeper() != sideOf(by) || !i.free() {
			return fault.Refuse(fault.Conflict, "item_with_others",
				"%s不在您处保管，或已装袋、装入邮件、送出，不能上架", "%s is not in your keeping, or is in a bag, a parcel or on its way", i.Title)
		}
		i.Place = place
		e := CustodyEvent{ID: newID(), Kind: CustodyPlaced, Note: place, Actor: by.String(), At: d.now()}
		out = i
		return pass(ctx, tx, &i, i.keeper(), e)
	})
	if err != nil {
		return Item{}, err
	}
	return out, nil
}

// shelf is a place as it is written down. Refusals: place_missing, text_invalid.
func shelf(place string) (string, error) {
	if place = strings.TrimSpace(place); place == "" {
		return "", fault.Refuse(fault.Invalid, "place_missing",
			"请先填写货架位置，如“A-03”，再逐件扫码", "give the place on the shelf first, such as A-03, then scan")
	}
	return place, office.CheckLines(line("place", place))
}

// ShelveParcel records on which shelf a sealed parcel waits for who collects it, or
// for its courier (DEL-220): everything in it lies there. Its window does so while it
// has it. Refusals: not_found, not_receiving_window, parcel_state, place_missing,
// text_invalid.
func (d *Desk) ShelveParcel(ctx context.Context, by auth.Actor, parcelID, place string) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantState(heldStates...); err != nil {
			return err
		}
		place, err := shelf(place)
		if err != nil {
			return err
		}
		inside, err := itemsIn(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		for _, i := range inside[p.ID] {
			i.Place = place
			e := CustodyEvent{ID: newID(), Kind: CustodyPlaced, ParcelID: p.ID, Note: place, Actor: by.String(), At: d.now()}
			if err := pass(ctx, tx, &i, i.keeper(), e); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, d.parcelLeaf("parcel_shelved", *p, by, map[string]any{"place": place}))
	})
}

// ScanParcel finds the parcel of a scanned or typed number. Refusals:
// own_number_invalid, scan_unknown.
func (d *Desk) ScanParcel(ctx context.Context, by auth.Actor, number string) (Parcel, error) {
	plain, err := ParseNumber(number)
	if err != nil {
		return Parcel{}, err
	}
	var out Parcel
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = findParcelNumber(ctx, q, plain)
		return err
	})
	if err == nil && !mayReadParcel(by, out) {
		err = notFound()
	}
	if err != nil {
		return Parcel{}, scanUnknown(err, plain)
	}
	return out, nil
}

// Places are the shelves on which the things of a parcel lie.
func (p ParcelView) Places() (out []string) {
	for _, i := range p.Items {
		if i.Place != "" && !slices.Contains(out, i.Place) {
			out = append(out, i.Place)
		}
	}
	return out
}
