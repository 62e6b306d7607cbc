package auth

import "lianban/internal/fault"

// mayKeepAccounts is the right of the security administrator over accounts,
// roles and keys, and of a command at the terminal (SEC-4).
func mayKeepAccounts(by Actor) error {
	if by.Is(Security) || by.Kind == KindSystem {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_security",
		"账号、角色和密钥由安全管理员办理，请联系安全管理员", "accounts, roles and keys are kept by the security administrator; ask there")
}

// mayKeepAccount is the same for one account, which is never one's own.
func mayKeepAccount(by Actor, id string) error {
	if by.Kind == KindPerson && by.ID == id && by.Is(Security) {
		return fault.Refuse(fault.Forbidden, "own_account",
			"不能变更自己的账号，请由另一名安全管理员办理", "nobody changes their own account; ask another security administrator")
	}
	return mayKeepAccounts(by)
}

// MayKeepOffice reports with a refusal, not_admin, who may not set up divisions,
// centres, windows, departments, hours and closures.
func MayKeepOffice(by Actor) error {
	if by.Is(Admin) || by.Kind == KindSystem {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_admin",
		"机构和窗口由系统管理员维护，请联系系统管理员", "places and departments are kept by the administrator; ask there")
}

// MayClose refuses, with may_not_close, whoever may not enter or take back a
// closure: administrators any, supervisors those of their centre and of
// departments, heads those of their own department.
func MayClose(by Actor, centre, department string) error {
	switch {
	case by.Is(Admin), by.Kind == KindSystem,
		by.Is(Supervisor) && (department != "" || centre != "" && centre == by.Centre),
		by.Is(Head) && department != "" && department == by.Department:
		return nil
	}
	return fault.Refuse(fault.Forbidden, "may_not_close",
		"本部门停办由部门负责人或主管登记，本中心闭馆由主管登记，全市闭馆由系统管理员登记",
		"a head or a supervisor closes a department, a supervisor their own centre, the administrator the whole city")
}

// MaySet refuses, with may_not_set, whoever may neither propose nor approve
// settings and calendars: supervisors and administrators may (reliability 6.1).
// That the two are different persons is checked by office.
func MaySet(by Actor) error {
	if by.Is(Supervisor) || by.Is(Admin) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "may_not_set",
		"设置和日历由主管或系统管理员提出、审核，请联系主管", "settings and calendars are for supervisors and administrators; ask a supervisor")
}

// MayKeepAddresses refuses, with may_not_keep_addresses, whoever may neither
// propose nor approve confirmed addresses: clerks and supervisors of a centre
// may (INS-711).
func MayKeepAddresses(by Actor) error {
	if by.Is(Clerk) || by.Is(Supervisor) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "may_not_keep_addresses",
		"送达地址由窗口人员或主管登记、审核，请联系窗口", "confirmed addresses are kept by clerks and supervisors; ask at the window")
}
