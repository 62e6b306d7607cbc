package inspection

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Without the applicant or a named agent there is no visit: nobody is deemed, and
// those who came are on record as having come (INS-1005).

const applicantAbsent = "applicant_absent"

// checkApplicantAbsent: that the applicant is absent is said after the grace,
// and not of one who has checked in.
func (d *Desk) checkApplicantAbsent(ctx context.Context, tx bun.IDB, v Visit, e ending) error {
	if e.act != "NotHeld" || e.code != applicantAbsent || v.State != VisitInProgress {
		return nil
	}
	people, err := listCheckIns(ctx, tx, v)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(people, func(c CheckIn) bool { return c.Party == PartyApplicant }) {
		return fault.Refuse(fault.Conflict, "applicant_here",
			"申请人或代理人已签到，请改选其他原因", "the applicant or an agent has checked in; choose another reason")
	}
	if d.now().Before(v.GraceUntil) {
		return fault.Refuse(fault.Conflict, "grace_runs",
			"请等到 %[1]s 宽限时间届满，申请人仍未到场再登记", "wait until the grace ends at %[2]s; then say that the applicant did not come", minute(v.GraceUntil), minuteEnglish(v.GraceUntil))
	}
	return nil
}

// countAbsentApplicant hands the case to the supervisor once the applicant has
// been absent as often as the setting allows.
func (d *Desk) countAbsentApplicant(ctx context.Context, tx bun.IDB, v Visit) error {
	if v.State != VisitNotHeld || v.ReasonCode != applicantAbsent {
		return nil
	}
	n, err := absentApplicants(ctx, tx, v.CaseID)
	if err != nil {
		return err
	}
	g, err := d.ground(ctx, tx, v, "")
	if err != nil || int(n) < g.rules.AbsenceLimit {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskApplicant, Subject: v.CaseID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: fmt.Sprintf("办件 %s 的申请人已 %d 次未到场，请主管决定是否再次约定", v.CaseNumber, n),
	})
}

// mayTryAgain: after that only a supervisor plans another visit.
func mayTryAgain(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, g ground) error {
	n, err := absentApplicants(ctx, tx, c.ID)
	if err != nil || int(n) < g.rules.AbsenceLimit {
		return err
	}
	if by.Is(auth.Supervisor) {
		return finishTasks(ctx, tx, TaskApplicant, c.ID, g.at, by.String(), "主管决定再次约定")
	}
	return fault.Refuse(fault.Forbidden, "applicant_absent_again",
		"申请人已 %d 次未到场，再次约定须由主管办理", "the applicant was absent %d times; a supervisor has to plan the next visit", n)
}
