package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// scopeCasesWrite lets a machine client file cases (SEC-9).
const scopeCasesWrite = "cases:write"

func notFound() *fault.Error {
	return fault.Refuse(fault.NotFound, "not_found",
		"没有找到，或不在您的权限范围内", "no such thing, or it is outside your scope")
}

// atWindow reports whether the actor works at a comprehensive window.
func atWindow(by auth.Actor) bool {
	return by.Centre != "" && (by.Is(auth.Clerk) || by.Is(auth.Supervisor))
}

// mayAccept: any window takes any case in; so does the platform (plan 三(一)).
func mayAccept(by auth.Actor) error {
	if atWindow(by) || by.Kind == auth.KindKey && slices.Contains(by.Scopes, scopeCasesWrite) {
		return nil
	}
	return notAWindow()
}

func notAWindow() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_a_window",
		"只有综合窗口可以受理办件、约定或取消勘验；请联系所在地综合窗口", "only a comprehensive window may accept cases and book or cancel visits; ask the window of the site") // INS-201
}

// mayOrganise: only the window of the site's centre (INS-201, INS-202). A
// clerk elsewhere learns which window is the right one (INS-203).
func mayOrganise(ctx context.Context, q bun.IDB, by auth.Actor, centreID string) error {
	if !atWindow(by) {
		return notAWindow()
	}
	if by.Centre == centreID {
		return nil
	}
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return err
	}
	return fault.Refuse(fault.Forbidden, "wrong_window",
		"该场所由%s综合窗口组织（%s，电话%s），请点“移交”转给该窗口",
		"the window of %s organises this site (%s, phone %s); use hand-over to pass the case to it",
		centre.Name, centre.Address, centre.Phone).With("centre", centre.ID).With("phone", centre.Phone)
}

// MayRead reports whether the actor may see a Case and its visits (SEC-1…3):
// the accepting and the organising centre, the invited departments, auditors,
// and machines of the division. Couriers and strangers see nothing.
func MayRead(by auth.Actor, c Case) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case atWindow(by):
		return by.Centre == c.CentreID || by.Centre == c.OrganiserCentre
	case by.Kind == auth.KindKey:
		return slices.Contains(by.Divisions, c.Division)
	case by.Department != "":
		return invites(c, by.Department)
	}
	return false
}

func invites(c Case, department string) bool {
	for _, d := range c.Departments {
		if d.DepartmentID == department { // one taken out reads on what it was told
			return true
		}
	}
	return false
}

// mayWorkOn: the accepting window and the organising one may fill in facts.
func (d *Desk) mayWorkOn(ctx context.Context, q bun.IDB, by auth.Actor, c Case) error {
	if !MayRead(by, c) {
		return notFound()
	}
	if atWindow(by) || by.Kind == auth.KindKey && slices.Contains(by.Scopes, scopeCasesWrite) {
		return nil
	}
	return notAWindow()
}

// mayAnswer: an inspector or head of the invited department itself.
func mayAnswer(by auth.Actor, departmentID string) error {
	if by.Department == departmentID && (by.Is(auth.Inspector) || by.Is(auth.Head)) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_your_department",
		"只有被邀请部门的人员可以代表本部门答复", "only people of the invited department may answer for it")
}
