package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
)

// attendanceOf says how a department came, from when its people did: enough of
// them by the end of the grace, enough of them later, or too few (A1…A3, A5).
// Nobody gives an empty Attendance.
func attendanceOf(came []time.Time, least int, graceUntil time.Time) Attendance {
	least = max(least, 1)
	slices.SortFunc(came, time.Time.Compare)
	switch {
	case len(came) == 0:
		return ""
	case len(came) < least:
		return AttendanceShort
	case came[least-1].After(graceUntil):
		return AttendanceLate
	}
	return AttendancePresent
}

// awaited are the states in which somebody who comes still changes what is said
// of the department (A1…A3, A5).
var awaited = []Attendance{AttendanceExpected, AttendanceOptional, AttendanceShort, AttendanceAbsentProv}

// here reports whether the department's people were on the site.
func (a Attendance) here() bool {
	return a == AttendancePresent || a == AttendanceShort || a == AttendanceLate || a == AttendanceLeftEarly
}

// expectPeople starts the wait for those who are expected: whoever has not
// checked in when the grace ends is missing (A4). A visit that began late gives
// the full grace from its beginning.
func (d *Desk) expectPeople(ctx context.Context, tx bun.IDB, v Visit) error {
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	var rows []DeadlineRow
	for _, p := range participants {
		if p.Attendance == AttendanceExpected {
			rows = append(rows, DeadlineRow{Kind: DeadlineGrace, Subject: p.ID, Round: v.Round, DueAt: v.GraceUntil, NextAt: v.GraceUntil})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return upsertDeadlines(ctx, tx, rows...)
}

// graceUntil is when the grace ends, fixed at the start of the visit.
func (d *Desk) graceUntil(ctx context.Context, tx bun.IDB, v Visit) (time.Time, error) {
	g, err := d.ground(ctx, tx, v, "")
	return latest(v.Start, d.now()).Add(g.rules.NoShowGrace), err
}

// graceOver is move A4, at the end of the grace.
func (d *Desk) graceOver(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	if err := endDeadlines(ctx, tx, p.ID, row.Round, DeadlineGrace); err != nil {
		return err
	}
	if v.State != VisitInProgress || row.Round != v.Round || p.Attendance != AttendanceExpected {
		return nil
	}
	leaves, err := d.missing(ctx, tx, p, v)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// missing notes that nobody of the department is there, and asks the window to
// call (INS-1004).
func (d *Desk) missing(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	if err := setAttendance(ctx, tx, p, AttendanceAbsentProv); err != nil {
		return nil, err
	}
	department, err := office.FindDepartment(ctx, tx, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	detail := p.Name + "在宽限时间内无人签到，请电话联系：" + department.Phone
	if department.Phone == "" {
		detail = p.Name + "在宽限时间内无人签到，请联系该部门"
	}
	leaf := participantLeaf("missing", p, systemActor.String(), d.now(), map[string]any{"grace_until": stamp(v.GraceUntil)})
	return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{Kind: TaskMissing, Subject: p.ID, CreatedAt: d.now(), Detail: detail})
}

// endPresence settles who was there when the site part ends (A6): an absence
// that two roles attest stands; any other goes to the supervisor (INS-1004).
func (d *Desk) endPresence(ctx context.Context, tx bun.IDB, v Visit) ([]audit.Leaf, error) {
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range participants {
		if p.Attendance == AttendanceExpected && !d.now().Before(v.GraceUntil) { // the sweep has not looked yet
			noted, err := d.missing(ctx, tx, p, v)
			if err != nil {
				return nil, err
			}
			leaves, p.Attendance = append(leaves, noted...), AttendanceAbsentProv
		}
		settled, err := d.settleAbsence(ctx, tx, p, v)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, settled...)
	}
	return leaves, nil
}

// settleAbsence is move A6. What is not attested is for the supervisor: attest
// it, get the department's opinion, or book anew.
func (d *Desk) settleAbsence(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	if v.State != VisitCollecting || !p.Required || p.Attendance != AttendanceAbsentProv && p.Attendance != AttendanceExpected {
		return nil, nil
	}
	standing, err := standingAttestations(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if p.Attendance == AttendanceAbsentProv && attestedByTwo(standing) {
		if err := setAttendance(ctx, tx, p, AttendanceAbsent); err != nil {
			return nil, err
		}
		done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: systemActor.String(), Note: "两人已确认"}
		return []audit.Leaf{participantLeaf("absent", p, systemActor.String(), d.now(), map[string]any{"attested": rolesOf(standing)})},
			finishTask(ctx, tx, []TaskKind{TaskMissing, TaskAbsence}, done)
	}
	detail := p.Name + "未到场，尚未由两人确认，不会视为同意；请确认，或请该部门出具意见"
	if p.Attendance == AttendanceExpected {
		detail = p.Name + "在宽限时间届满前已经结束，不能认定未到场；请该部门出具意见或另行约定"
	}
	return nil, raiseTask(ctx, tx, v, Task{
		Kind: TaskAbsence, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor), Detail: detail,
	})
}
