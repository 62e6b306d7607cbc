package delivery

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// CopyRequest asks for one more copy of an original.
type CopyRequest struct {
	ItemID       string // of the original
	DepartmentID string // who it is for
	Reason       string
	Once         once.Key
}

// AddCopy makes one more copy: its number is N+1, with the reason, and the
// numbers that were given stay (DEL-933). Whoever has the original makes it: the
// keeper or the window. The applicant is never asked (DEL-935). Refusals:
// not_found, not_the_keeper, not_an_original, material_elsewhere, copy_of_own, reason_missing,
// text_invalid, department_unknown.
func (d *Desk) AddCopy(ctx context.Context, by auth.Actor, r CopyRequest) (Material, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Material, error) {
		p, err := lockMaterial(ctx, tx, r.ItemID)
		if err != nil {
			return Material{}, err
		}
		if !mayReadMaterial(by, p) {
			return Material{}, notFound()
		}
		if err := d.mayCopy(by, p, r); err != nil {
			return Material{}, err
		}
		dep, err := office.FindDepartment(ctx, tx, r.DepartmentID)
		if err != nil {
			return Material{}, err
		}
		return d.addCopy(ctx, tx, by, p, Material{ForID: dep.ID, ForName: dep.Name, Reason: strings.TrimSpace(r.Reason)})
	})
}

func (d *Desk) mayCopy(by auth.Actor, p Material, r CopyRequest) error {
	switch {
	case !ofDepartment(by, p.KeeperID) && (!atWindow(by) || by.Centre != p.CentreID):
		return notTheKeeper(p)
	case !p.original():
		return notAnOriginal()
	case p.Item.keeper() != sideOf(by) || !p.Item.free():
		return materialElsewhere(p)
	case r.DepartmentID == p.KeeperID:
		return fault.Refuse(fault.Invalid, "copy_of_own",
			"%s保管原件，不需要复印件", "%s keeps the original and needs no copy", p.Keeper)
	}
	return checkReason("reason", r.Reason)
}

func notAnOriginal() *fault.Error {
	return fault.Refuse(fault.Invalid, "not_an_original",
		"只有原件可以复印或出借，请选择原件", "only an original is copied or lent; choose the original")
}

// addCopy numbers the copy; the original's row counts them (DEL-933).
func (d *Desk) addCopy(ctx context.Context, tx bun.IDB, by auth.Actor, of, c Material) (Material, error) {
	of.Copies++
	if err := updateMaterial(ctx, tx, &of, "copies"); err != nil {
		return Material{}, err
	}
	c.CaseID, c.CaseNumber, c.CentreID, c.OfItem = of.CaseID, of.CaseNumber, of.CentreID, of.ItemID
	c.KeeperID, c.Keeper, c.CopyNo, c.Copies, c.Version = of.KeeperID, of.Keeper, of.Copies, of.Copies, 1
	if err := d.asItem(ctx, tx, by, &c, ClassCopy, of.Item.Title, of.Item.keeper()); err != nil {
		return Material{}, err
	}
	if err := insertMaterials(ctx, tx, []Material{c}); err != nil {
		return Material{}, err
	}
	return c, audit.Record(ctx, tx, d.materialsLeaf("copy_made", by, []Material{c}))
}
