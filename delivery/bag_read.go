package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// mayReadBag: both sides, the centre's window and auditors. What is still being
// packed is the packer's and the window's.
func mayReadBag(by auth.Actor, b Bag) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case atWindow(by):
		return by.Centre == b.CentreID
	case b.FromKind == AtDepartment && ofDepartment(by, b.FromID):
		return true
	}
	return b.State != BagFilling && b.State != BagCancelled && b.ToKind == AtDepartment && ofDepartment(by, b.ToID)
}

// BagQuery narrows ListBags. Limit is at most 200, 0 means 50.
type BagQuery struct {
	Search string
	State  BagState
	Limit  int
}

// ListBags gives the bags that the actor may read: those that wait for a
// signature first, then those being packed, then the others, newest first.
func (d *Desk) ListBags(ctx context.Context, by auth.Actor, query BagQuery) (out []BagView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listBags(ctx, q, by, query)
		return err
	})
	return out, err
}

// FindBag gives a bag the actor may read. Refusal: not_found.
func (d *Desk) FindBag(ctx context.Context, by auth.Actor, id string) (out BagView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if out, err = findBag(ctx, q, id); err != nil {
			return err
		}
		if !mayReadBag(by, out.Bag) {
			return notFound()
		}
		return nil
	})
	if err != nil {
		return BagView{}, err
	}
	return out, nil
}

// ScanBag finds the bag that a scanned or typed number belongs to: its own, or
// that of a thing in it. Refusals: own_number_invalid, scan_unknown.
func (d *Desk) ScanBag(ctx context.Context, by auth.Actor, number string) (out Bag, err error) {
	plain, err := ParseNumber(number)
	if err != nil {
		return Bag{}, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		var err error
		out, err = scanBag(ctx, q, plain)
		return err
	})
	if err == nil && mayReadBag(by, out) {
		return out, nil
	}
	if err == nil || fault.KindOf(err) == fault.NotFound {
		err = scanUnknown(notFound(), plain)
	}
	return Bag{}, err
}

// MaySign reports whether the actor signs for a bag itself, and whether the
// window does with a paper slip, because the department has no accounts.
func (d *Desk) MaySign(ctx context.Context, by auth.Actor, b Bag) (may, paper bool, err error) {
	return d.mayOn(ctx, by, b, BagReleased, opens)
}

// MayPack is MaySign for filling and giving away.
func (d *Desk) MayPack(ctx context.Context, by auth.Actor, b Bag) (may, paper bool, err error) {
	return d.mayOn(ctx, by, b, BagFilling, packs)
}

func (d *Desk) mayOn(ctx context.Context, by auth.Actor, b Bag, in BagState, side bagSide) (may, paper bool, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error { return d.mayAct(ctx, q, by, b, side) })
	if fault.KindOf(err) == fault.Forbidden {
		return false, false, nil
	}
	own, _ := side(b)
	return err == nil && b.State == in, own != sideOf(by), err
}

// OpenBagBlob gives the scan of a bag's signed slip, or the photo of something
// that was not listed, to who may read the bag. Refusal: not_found.
func (d *Desk) OpenBagBlob(ctx context.Context, by auth.Actor, bagID, sum string) (b Blob, body []byte, err error) {
	v, err := d.FindBag(ctx, by, bagID)
	if err != nil {
		return b, nil, err
	}
	if sum == "" || sum != v.Slip && !slices.ContainsFunc(v.Extras, func(e BagExtra) bool { return e.Photo == sum }) {
		return b, nil, notFound()
	}
	return d.readKept(ctx, sum)
}

// ScanItem finds the thing of a scanned or typed number. Refusals:
// own_number_invalid, scan_unknown.
func (d *Desk) ScanItem(ctx context.Context, by auth.Actor, number string) (out Item, err error) {
	plain, err := ParseNumber(number)
	if err != nil {
		return Item{}, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if out, err = itemByNumber(ctx, q, plain); err != nil {
			return err
		}
		return (&ItemView{Item: out}).belongs(ctx, q, by)
	})
	if err != nil {
		return Item{}, scanUnknown(err, plain)
	}
	return out, nil
}
