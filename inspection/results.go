package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
)

// expectResults says, on the caller's transaction, what the departments of a
// case owe the applicant from now on: after a visit that passed those that had
// to come, in a case without a visit all that take part (plan 三(一)二). The
// window that took the case in hands everything out (DEL-101).
func (d *Desk) expectResults(ctx context.Context, tx bun.IDB, c Case, by auth.Actor) ([]audit.Leaf, error) {
	matter, err := FindMatter(ctx, tx, c.MatterCode, c.MatterVersion)
	if err != nil {
		return nil, err
	}
	owed, err := owedBy(ctx, tx, c, matter)
	if err != nil || len(owed) == 0 {
		return nil, err
	}
	return delivery.Expect(ctx, tx, delivery.Expectation{
		CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName,
		Applicant: c.Applicant.Masked().Name, CentreID: c.CentreID, Receiver: addresseeOf(c), Owed: owed, WindowOnly: matter.WindowOnly, By: by, At: d.now(),
	})
}

func owedBy(ctx context.Context, q bun.IDB, c Case, matter Matter) (out []delivery.Owed, err error) {
	permits := map[string]string{}
	for _, r := range matter.Rules {
		if permits[r.System] == "" {
			permits[r.System] = r.Permit
		}
	}
	var ids []string
	for _, row := range c.Departments {
		if row.Included && row.DepartmentID != "" && (row.Attendance == string(Required) || c.State == CaseNoVisit) {
			ids = append(ids, row.DepartmentID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	departments, err := office.ListDepartments(ctx, q, office.DepartmentQuery{IDs: ids})
	for _, dep := range departments {
		out = append(out, delivery.Owed{DepartmentID: dep.ID, Department: dep.Name, Permit: permits[dep.System]})
	}
	return out, err
}
