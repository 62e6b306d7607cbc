package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// mayReadMaterial: the window that took the material in, auditors, and the
// departments that keep it, are to get it or have it (DEL-941).
func mayReadMaterial(by auth.Actor, p Material) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case atWindow(by):
		return by.Centre == p.CentreID
	}
	holds := p.Item != nil && p.Item.CustodianKind == AtDepartment && ofDepartment(by, p.Item.Custodian)
	return holds || ofDepartment(by, p.KeeperID) || ofDepartment(by, p.ForID)
}

// MaterialQuery narrows ListMaterials. Limit is at most 200, 0 means 50.
type MaterialQuery struct {
	Search     string
	Everywhere bool // of a window: all of its cases, wherever they are
	Limit      int
}

// ListMaterials gives the originals, copies and vouchers that the actor's side
// answers for, newest first.
func (d *Desk) ListMaterials(ctx context.Context, by auth.Actor, query MaterialQuery) (out []Material, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listMaterials(ctx, q, by, query)
		return err
	})
	return out, err
}

// MaterialsOfCase gives the materials of a case that the actor may see, each original
// before what stands in for it.
func (d *Desk) MaterialsOfCase(ctx context.Context, by auth.Actor, caseID string) (out []Material, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		all, err := materialsOfCase(ctx, q, caseID)
		out = nil
		for _, p := range all {
			if mayReadMaterial(by, p) {
				out = append(out, p)
			}
		}
		return err
	})
	return out, err
}

// MaterialView is a material with its history, its original's copies and its loans.
type MaterialView struct {
	Material
	StandIns []Material     `json:"stand_ins"`
	Loans    []Loan         `json:"loans"`
	History  []CustodyEvent `json:"history"`
}

// FindMaterial gives a material by its item. Refusal: not_found.
func (d *Desk) FindMaterial(ctx context.Context, by auth.Actor, itemID string) (out MaterialView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		materials, err := materialsByItem(ctx, q, []string{itemID})
		if err != nil {
			return err
		}
		p, ok := materials[itemID]
		if !ok || !mayReadMaterial(by, p) {
			return notFound()
		}
		out = MaterialView{Material: p}
		all, err := materialsOfCase(ctx, q, p.CaseID)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.OfItem == p.ItemID && mayReadMaterial(by, c) {
				out.StandIns = append(out.StandIns, c)
			}
		}
		if out.Loans, err = loansOf(ctx, q, []string{p.ItemID}); err != nil {
			return err
		}
		out.History, err = stepsOf(ctx, q, []string{p.ItemID})
		return err
	})
	return out, err
}
