package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// MaterialRequest is a material that an applicant hands in for a case.
type MaterialRequest struct {
	CaseID string
	Title  string
	Needs  []delivery.Need // departments of the case that need it
	Once   once.Key
}

// TakeIn registers a material that the applicant hands in at the window, with
// what each department gets of it (plan 三(三)3-五, DEL-930). The first material is
// the original. Refusals: not_found, need_unknown, and those of
// delivery.Desk.TakeIn.
func (d *Desk) TakeIn(ctx context.Context, by auth.Actor, materials *delivery.Desk, r MaterialRequest) ([]delivery.Material, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) ([]delivery.Material, error) {
		c, err := findCase(ctx, tx, r.CaseID)
		if err != nil {
			return nil, err
		}
		if !MayRead(by, c) {
			return nil, notFound()
		}
		for _, n := range r.Needs {
			comes := func(row CaseDepartment) bool { return row.Included && row.DepartmentID == n.DepartmentID }
			if n.DepartmentID == "" || !slices.ContainsFunc(c.Departments, comes) {
				return nil, fault.Refuse(fault.Invalid, "need_unknown",
					"只能选择参加本办件的部门；确需增加部门的，请先在办件中调整", "choose departments that take part in this case; add others to the case first")
			}
		}
		out, leaves, err := materials.TakeIn(ctx, tx, by, delivery.MaterialIn{
			CaseID: c.ID, CaseNumber: c.Number, CentreID: c.CentreID, Division: c.Site.Division, Title: r.Title, Needs: r.Needs,
		})
		if err != nil {
			return nil, err
		}
		return out, audit.Record(ctx, tx, leaves...)
	})
}
