package delivery

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

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
	if place = strings.TrimSpace(place); place == "" {
		return Item{}, fault.Refuse(fault.Invalid, "place_missing",
			"请先填写货架位置，如“A-03”，再逐件扫码", "give the place on the shelf first, such as A-03, then scan")
	}
	if err := office.CheckLines(line("place", place)); err != nil {
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
