package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

func notFound() *fault.Error {
	return fault.Refuse(fault.NotFound, "not_found",
		"没有找到，或不在您的权限范围内", "no such thing, or it is outside your scope")
}

// atWindow reports whether the actor works at a comprehensive window.
func atWindow(by auth.Actor) bool {
	return by.Centre != "" && (by.Is(auth.Clerk) || by.Is(auth.Supervisor))
}

// ofDepartment reports whether the actor acts for the department.
func ofDepartment(by auth.Actor, department string) bool {
	return department != "" && by.Department == department && (by.Is(auth.Inspector) || by.Is(auth.Head))
}

// mayReadResult: the window that hands the result out, the department that owes
// it, and auditors (SEC-1…3). Couriers see what they carry, not sets (DEL-108).
func mayReadResult(by auth.Actor, centreID, departmentID string) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case atWindow(by):
		return by.Centre == centreID
	}
	return ofDepartment(by, departmentID)
}

// mayReceive: the window that the results of a case go to (plan 三(一)二).
// A department that gave something away cannot accept it for the window, nor
// decide what the window asks the applicant (DEL-910, DEL-303).
func mayReceive(by auth.Actor, centreID string) error {
	if atWindow(by) && by.Centre == centreID {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_receiving_window",
		"只有受理该办件的综合窗口可以签收、催办和登记；请联系该窗口", "only the window that took the case in may sign for, remind and record; ask that window")
}

// mayHandOver: a person of the department, or the window with the slip that the
// department signed on paper (DEL-103, DEL-950).
func mayHandOver(by auth.Actor, l ResultLine, paper bool) error {
	if paper {
		return mayReceive(by, l.CentreID)
	}
	if ofDepartment(by, l.DepartmentID) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_your_department",
		"只有出具结果的部门可以送交；部门没有账号的，请窗口凭签字的流转单代为登记", "only the department that issued a result hands it over; for one without accounts the window records the signed slip")
}

// actsFor lets a person of a department act for it. For a department without
// accounts the window of the centre does, with what was signed on paper
// (DEL-950); while it has accounts nobody else may (DEL-910).
func actsFor(ctx context.Context, q bun.IDB, by auth.Actor, department, centre string, refusal *fault.Error) error {
	if ofDepartment(by, department) {
		return nil
	}
	if !atWindow(by) || by.Centre != centre {
		return refusal
	}
	for _, role := range []auth.Role{auth.Inspector, auth.Head} {
		people, err := auth.ListPeople(ctx, q, auth.PersonQuery{Department: department, Role: role, Enabled: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(people) > 0 {
			return fault.Refuse(fault.Forbidden, "department_has_accounts",
				"该部门有系统账号，须由其工作人员本人登录办理，窗口不能代办", "that department has accounts; its own people do this, the window cannot do it for them")
		}
	}
	return nil
}
