package inspection

import (
	"context"
	"slices"
	"strings"

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

	// Differs says how this one differs from one that the applicant has handed in
	// before, such as a renewed lease; empty: it is the first (DEL-934).
	Differs string
}

// TakeIn registers a material that the applicant hands in at the window, with
// what each department gets of it (plan 三(三)3-五, DEL-930). The first material is
// the original. One that the applicant has handed in before is not asked for again:
// the refusal says who has it (DEL-105, DEL-934). Refusals: not_found, need_unknown,
// material_held, and those of delivery.Desk.TakeIn.
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
		r.Differs = strings.TrimSpace(r.Differs)
		if err := lockCasesOfApplicant(ctx, tx, c.CentreID, c.ApplicantName); err != nil {
			return nil, err
		}
		held, err := heldOf(ctx, tx, c, r.Title)
		if err != nil {
			return nil, err
		}
		if held != nil && r.Differs == "" && by.Centre == c.CentreID { // who may not take in hears that first
			return nil, held.Refuse()
		}
		out, leaves, err := materials.TakeIn(ctx, tx, by, delivery.MaterialIn{
			CaseID: c.ID, CaseNumber: c.Number, CentreID: c.CentreID, Division: c.Site.Division, Title: r.Title, Differs: r.Differs, Needs: r.Needs,
		})
		if err != nil {
			return nil, err
		}
		return out, audit.Record(ctx, tx, leaves...)
	})
}

// heldOf gives the original of a name that the applicant of a case has handed in at
// its centre, for this or an earlier case; nil if there is none.
func heldOf(ctx context.Context, q bun.IDB, c Case, title string) (*delivery.HeldMaterial, error) {
	cases, err := casesOfApplicant(ctx, q, c.CentreID, c.ApplicantName)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, other := range cases {
		if other.ID == c.ID || c.Applicant.same(other.Applicant) {
			ids = append(ids, other.ID)
		}
	}
	return delivery.Held(ctx, q, ids, title)
}

// same reports whether two applicants of one name are one: by credit code, else by
// identity number, else by telephone, because many people are called alike.
func (a Applicant) same(b Applicant) bool {
	switch {
	case a.USCC != "" && b.USCC != "":
		return a.USCC == b.USCC
	case a.IDNo != "" && b.IDNo != "":
		return a.IDNo == b.IDNo
	}
	return a.Phone != "" && a.Phone == b.Phone
}

// Held gives the material of a name that the applicant of a case has handed in
// before, for pages that offer it instead of asking again; nil if there is none.
// Refusal: not_found.
func (d *Desk) Held(ctx context.Context, by auth.Actor, caseID, title string) (held *delivery.HeldMaterial, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		if !MayRead(by, c) || by.Centre != c.CentreID {
			return notFound()
		}
		held, err = heldOf(ctx, q, c, title)
		return err
	})
	return held, err
}
