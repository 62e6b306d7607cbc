package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// AttestRole says as what somebody attests an absence (INS-922).
type AttestRole string

// Roles of an attestation: the window on the site, and one of the others.
const (
	AttestWindow     AttestRole = "window"
	AttestApplicant  AttestRole = "applicant"  // signs on paper
	AttestDepartment AttestRole = "department" // an inspector of another department
	AttestSupervisor AttestRole = "supervisor"
)

// Attestation (未到确认) is one person's word that nobody of a department came.
// Two persons of two roles make an absence (INS-922); each may take the word
// back until the silence is judged (INS-1004).
type Attestation struct {
	bun.BaseModel `bun:"table:attestations" json:"-"`

	ID            string     `bun:"id,pk" json:"id"`
	ParticipantID string     `json:"participant_id"`
	Round         int        `json:"round"`
	Role          AttestRole `json:"role"`
	Person        string     `json:"person"` // account, or the applicant's check-in
	Name          string     `json:"name"`
	Scan          string     `json:"scan,omitempty"` // of what the applicant signed
	AttestedAt    time.Time  `json:"attested_at"`
	RecordedBy    string     `json:"recorded_by"`
	WithdrawnAt   time.Time  `bun:",nullzero" json:"withdrawn_at,omitzero"`
	WithdrawnBy   string     `json:"withdrawn_by,omitempty"`
	WithdrawnWhy  string     `json:"withdrawn_why,omitempty"`
}

// attestedByTwo: the window on the site and one of applicant, another
// department's inspector, supervisor; two different persons (INS-922).
func attestedByTwo(standing []Attestation) bool {
	for _, a := range standing {
		for _, b := range standing {
			if a.Role == AttestWindow && b.Role != AttestWindow && a.Person != b.Person {
				return true
			}
		}
	}
	return false
}

// rolesOf are the roles that attested, for a leaf.
func rolesOf(standing []Attestation) []string {
	var out []string
	for _, a := range standing {
		out = append(out, string(a.Role))
	}
	return out
}

// AttestRequest is one word on one department. Scan is for the applicant alone.
type AttestRequest struct {
	ParticipantID string
	Role          AttestRole
	Scan          Scan
	Once          once.Key
}

// Attest records that nobody of a department came: by the clerk on the site, by
// an inspector of another department who is there, by a supervisor, or by the
// applicant on paper, which the window scans. It is taken from the end of the
// grace on. Refusals: not_found, not_missing, attest_role, not_on_site,
// not_a_window, wrong_window, not_supervisor, attested_already, scan_missing,
// scan_type, scan_size.
func (d *Desk) Attest(ctx context.Context, by auth.Actor, r AttestRequest) (Attestation, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Attestation, error) { return d.attest(ctx, tx, by, r) })
}

func (d *Desk) attest(ctx context.Context, tx bun.IDB, by auth.Actor, r AttestRequest) (out Attestation, err error) {
	err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		out = Attestation{
			ID: newID(), ParticipantID: p.ID, Round: p.Round, Role: r.Role, Person: by.ID, Name: by.Name,
			AttestedAt: d.now(), RecordedBy: by.String(),
		}
		if err := d.mayAttest(ctx, tx, by, p, v, &out); err != nil {
			return nil, err
		}
		if p.Attendance != AttendanceAbsentProv || v.State != VisitInProgress && v.State != VisitCollecting {
			return nil, fault.Refuse(fault.Conflict, "not_missing",
				"宽限时间届满后仍无人签到的部门，才能确认未到场", "an absence can be attested once the grace is over and nobody has checked in")
		}
		leaf := participantLeaf("absence_attested", p, by.String(), d.now(), map[string]any{"attestation": out.ID, "role": string(out.Role)})
		if r.Role == AttestApplicant {
			if len(r.Scan.Bytes) == 0 {
				return nil, scanMissing()
			}
			scan, err := storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now())
			if err != nil {
				return nil, err
			}
			out.Scan, leaf.Fields["scan_sha256"] = scan.ID, scan.SHA256
		}
		fresh, err := insertNew(ctx, tx, &out)
		if err != nil {
			return nil, err
		}
		if !fresh {
			return nil, fault.Refuse(fault.Conflict, "attested_already",
				"同一人只能确认一次，另一份确认须由另一人作出", "one person attests once; the other word has to come from somebody else")
		}
		settled, err := d.settleAbsence(ctx, tx, p, v)
		return append([]audit.Leaf{leaf}, settled...), err
	})
	return out, err
}

// mayAttest: who attests was on the site, but for the supervisor, who decides
// by what the others say (INS-1004).
func (d *Desk) mayAttest(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, a *Attestation) error {
	people, err := listCheckIns(ctx, tx, v)
	if err != nil {
		return err
	}
	here := func(match func(CheckIn) bool) (CheckIn, error) {
		i := slices.IndexFunc(people, match)
		if i < 0 {
			return CheckIn{}, fault.Refuse(fault.Conflict, "not_on_site",
				"确认人须先在本次勘验签到", "who attests has to have checked in to this visit")
		}
		return people[i], nil
	}
	switch a.Role {
	case AttestWindow:
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		_, err = here(func(c CheckIn) bool { return c.Party == PartyWindow && c.PersonID == by.ID })
	case AttestSupervisor:
		err = maySupervise(ctx, tx, by, v.CentreID)
	case AttestApplicant:
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		var c CheckIn
		c, err = here(func(c CheckIn) bool { return c.Party == PartyApplicant })
		a.Person, a.Name = "applicant:"+c.ID, c.Name
	case AttestDepartment:
		if by.Department == "" || by.Department == p.DepartmentID || !by.Is(auth.Inspector) && !by.Is(auth.Head) {
			return fault.Refuse(fault.Forbidden, "attest_role",
				"只能由在场的窗口人员，以及申请人、其他部门人员或主管确认", "somebody of the window who is there attests, with the applicant, an inspector of another department or a supervisor")
		}
		_, err = here(func(c CheckIn) bool { return c.Party != PartyWindow && c.Party != p.ID && c.PersonID == by.ID })
	default:
		err = fault.Refuse(fault.Forbidden, "attest_role",
			"只能由在场的窗口人员，以及申请人、其他部门人员或主管确认", "somebody of the window who is there attests, with the applicant, an inspector of another department or a supervisor")
	}
	return err
}

// WithdrawAttestation takes one's word on a department back with a reason, until
// the silence is judged; the applicant's is taken back by the window, in the
// role of the applicant. An absence that two roles no longer attest is none
// (INS-1004). Refusals: not_found, not_your_department, not_a_window,
// wrong_window, reason_missing, no_word, already_judged.
func (d *Desk) WithdrawAttestation(ctx context.Context, by auth.Actor, participantID string, role AttestRole, reason string) error {
	d = d.still()
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		may := mayAnswer(by, by.Department) // an inspector of whichever department
		if by.Department == "" {
			may = mayOrganise(ctx, tx, by, v.CentreID)
		}
		if may != nil {
			return nil, may
		}
		if err := checkText("reason", reason, reasonLength); err != nil {
			return nil, err
		}
		a, err := wordOf(ctx, tx, by, p, role)
		if err != nil {
			return nil, err
		}
		outcome, _, err := outcomeOf(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if outcome || v.State != VisitInProgress && v.State != VisitCollecting {
			return nil, fault.Refuse(fault.Conflict, "already_judged",
				"已据此作出认定，不能撤回；认定有误的，请办理到场更正", "the absence has been judged; correct the attendance by two persons instead")
		}
		if err := withdrawAttestation(ctx, tx, a, d.now(), by.String(), reason); err != nil {
			return nil, err
		}
		leaf := participantLeaf("attestation_withdrawn", p, by.String(), d.now(), map[string]any{"attestation": a.ID, "role": string(a.Role)})
		more, err := d.unsettleAbsence(ctx, tx, p, v)
		return append([]audit.Leaf{leaf}, more...), err
	})
}

// wordOf is the actor's own standing word in a role. The window speaks for the
// applicant, who signed on paper.
func wordOf(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, role AttestRole) (Attestation, error) {
	standing, err := standingAttestations(ctx, tx, p)
	if err != nil {
		return Attestation{}, err
	}
	i := slices.IndexFunc(standing, func(a Attestation) bool {
		return a.Role == role && (a.Person == by.ID || role == AttestApplicant && by.Department == "")
	})
	if i < 0 {
		return Attestation{}, fault.Refuse(fault.Conflict, "no_word",
			"您没有作出过这项确认，不用撤回", "you have given no such word that could be taken back")
	}
	return standing[i], nil
}

func (d *Desk) unsettleAbsence(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	standing, err := standingAttestations(ctx, tx, p)
	if err != nil || p.Attendance != AttendanceAbsent || attestedByTwo(standing) {
		return nil, err
	}
	if err := setAttendance(ctx, tx, p, AttendanceAbsentProv); err != nil {
		return nil, err
	}
	p.Attendance = AttendanceAbsentProv
	leaf := participantLeaf("attendance", p, systemActor.String(), d.now(), map[string]any{"was": string(AttendanceAbsent), "now": string(p.Attendance)})
	more, err := d.settleAbsence(ctx, tx, p, v)
	return append([]audit.Leaf{leaf}, more...), err
}

// Correction (到场更正) sets right, by two persons and with proof, that a
// department counted as absent did come (A9).
type Correction struct {
	bun.BaseModel `bun:"table:corrections" json:"-"`

	ID            string     `bun:"id,pk" json:"id"`
	ParticipantID string     `json:"participant_id"`
	Round         int        `json:"round"`
	Attendance    Attendance `json:"attendance"`
	Reason        string     `json:"reason"`
	Scan          string     `json:"scan"`
	ProposedBy    string     `json:"proposed_by"`
	ProposedAt    time.Time  `json:"proposed_at"`
	DecidedBy     string     `json:"decided_by,omitempty"`
	DecidedAt     time.Time  `bun:",nullzero" json:"decided_at,omitzero"`
}

// CorrectionRequest proposes what the attendance was, with a proof.
type CorrectionRequest struct {
	ParticipantID string
	Attendance    Attendance
	Reason        string
	Scan          Scan
	Once          once.Key
}

// ProposeCorrection is the first half of A9, by the window or the department
// itself. Refusals: not_found, not_your_department, wrong_window, not_absent,
// attendance_kind, reason_missing, scan_missing, scan_type, scan_size,
// correction_open, visit_closed.
func (d *Desk) ProposeCorrection(ctx context.Context, by auth.Actor, r CorrectionRequest) (Correction, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Correction, error) { return d.proposeCorrection(ctx, tx, by, r) })
}

func (d *Desk) proposeCorrection(ctx context.Context, tx bun.IDB, by auth.Actor, r CorrectionRequest) (out Correction, err error) {
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return out, err
	}
	err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		may := mayAnswer(by, p.DepartmentID)
		if by.Department == "" {
			may = mayOrganise(ctx, tx, by, v.CentreID)
		}
		if may != nil {
			return nil, may
		}
		if err := correctable(p, v, r.Attendance); err != nil {
			return nil, err
		}
		if len(r.Scan.Bytes) == 0 {
			return nil, scanMissing()
		}
		scan, err := storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now())
		if err != nil {
			return nil, err
		}
		out = Correction{
			ID: newID(), ParticipantID: p.ID, Round: p.Round, Attendance: r.Attendance, Reason: r.Reason, Scan: scan.ID,
			ProposedBy: by.String(), ProposedAt: d.now(),
		}
		fresh, err := insertNew(ctx, tx, &out)
		if err != nil {
			return nil, err
		}
		if !fresh {
			return nil, fault.Refuse(fault.Conflict, "correction_open",
				"该部门已有一份到场更正待主管决定", "a correction of this department's attendance waits for the supervisor already")
		}
		leaf := participantLeaf("correction_proposed", p, by.String(), d.now(), map[string]any{
			"correction": out.ID, "attendance": string(r.Attendance), "scan_sha256": scan.SHA256,
		})
		return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
			Kind: TaskCorrect, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: p.Name + "的到场情况拟更正，请另一名主管核对证明后决定：" + r.Reason,
		})
	})
	return out, err
}

func correctable(p Participant, v Visit, to Attendance) error {
	switch {
	case v.State == VisitClosed:
		return fault.Refuse(fault.Conflict, "visit_closed",
			"联合意见书已出具，不能在此更正", "the joint opinion is issued; the attendance cannot be corrected here any more")
	case p.Attendance != AttendanceAbsent:
		return fault.Refuse(fault.Conflict, "not_absent",
			"该部门没有被认定为未到场，不用更正", "this department does not count as absent; there is nothing to correct")
	case to != AttendancePresent && to != AttendanceLate && to != AttendanceShort:
		return fault.Refuse(fault.Invalid, "attendance_kind",
			"更正后的到场情况只能是到场、迟到或人数不足", "it can be corrected to present, late or short")
	}
	return nil
}

// DecideCorrection is the second half of A9: a supervisor other than who
// proposed agrees or refuses. What was deemed on the absence is reversed.
// Refusals: not_found, not_supervisor, wrong_window, two_persons, no_correction,
// not_absent, visit_closed.
func (d *Desk) DecideCorrection(ctx context.Context, by auth.Actor, participantID string, agree bool) error {
	d = d.still()
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		c, waiting, err := openCorrection(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if !waiting {
			return nil, fault.Refuse(fault.Conflict, "no_correction", "没有待决定的到场更正", "no correction waits for a decision")
		}
		if c.ProposedBy == by.String() {
			return nil, fault.Refuse(fault.Forbidden, "two_persons",
				"更正须由提出人以外的另一名主管决定", "another supervisor than who proposed it has to decide")
		}
		if err := decideCorrection(ctx, tx, c, by.String(), d.now()); err != nil {
			return nil, err
		}
		if err := finishTasks(ctx, tx, TaskCorrect, p.ID, d.now(), by.String(), c.Reason); err != nil {
			return nil, err
		}
		fields := map[string]any{"correction": c.ID, "was": string(p.Attendance), "now": string(c.Attendance), "proposed_by": c.ProposedBy}
		if !agree {
			return []audit.Leaf{participantLeaf("correction_refused", p, by.String(), d.now(), fields)}, nil
		}
		if err := correctable(p, v, c.Attendance); err != nil {
			return nil, err
		}
		if err := setAttendance(ctx, tx, p, c.Attendance); err != nil {
			return nil, err
		}
		more, err := d.undoAbsence(ctx, tx, by, p, v, c)
		return append([]audit.Leaf{participantLeaf("attendance_corrected", p, by.String(), d.now(), fields)}, more...), err
	})
}
