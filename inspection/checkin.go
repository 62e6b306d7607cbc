package inspection

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// PartyWindow is the organising window as a party on the site; PartyApplicant is
// the applicant or a named agent (INS-1005).
const PartyWindow = "window"

// CheckIn (签到) is one person who came to a visit (INS-1002). Party is the id of
// a participant, PartyWindow or PartyApplicant. Of the applicant's identity card
// the last four are kept.
type CheckIn struct {
	bun.BaseModel `bun:"table:checkins" json:"-"`

	ID          string       `bun:"id,pk" json:"id"`
	VisitID     string       `json:"visit_id"`
	Round       int          `json:"round"`
	Party       string       `json:"party"`
	PersonID    string       `json:"person_id,omitempty"` // account, where it is known
	Name        string       `json:"name"`
	Certificate string       `json:"certificate"`
	Way         string       `json:"way"` // phone, remote, window, paper
	CameAt      time.Time    `json:"came_at"`
	RecordedAt  time.Time    `json:"recorded_at"`
	RecordedBy  string       `json:"recorded_by"`
	Scan        string       `json:"scan,omitempty"` // of the sign-in sheet
	LeftAt      time.Time    `bun:",nullzero" json:"left_at,omitzero"`
	LeftAgreed  bool         `json:"left_agreed,omitempty"`
	Device      string       `json:"device,omitempty"` // phone, tablet, computer or program
	Position    *Whereabouts `bun:"type:jsonb,nullzero" json:"position,omitempty"`
}

// Ways in which somebody checks in.
const (
	ByPhone  = "phone"  // the person's own, signed in
	ByRemote = "remote" // signed in elsewhere, answering the roll call of a review (INS-1014)
	ByWindow = "window" // the screen of the window
	ByPaper  = "paper"  // the sign-in sheet, entered later with its scan
)

// Masked hides the number of the certificate (INS-1002).
func (c CheckIn) Masked() CheckIn {
	c.Certificate = delivery.MaskIDNo(c.Certificate)
	return c
}

// CheckInRequest names who came. CameAt counts for paper alone, Position for who
// checks in without the window. Device is what the act is done with.
type CheckInRequest struct {
	VisitID     string
	Party       string
	Name        string
	Certificate string
	Way         string
	CameAt      time.Time
	Scan        Scan
	Device      string
	Position    *Whereabouts
	Once        once.Key
}

// CheckIn records one person who came: an inspector on the own telephone, or
// anybody on the window's screen, while the visit runs; from a paper sheet also
// afterwards, until the joint opinion is issued. Refusals: not_found,
// not_your_department, not_a_window, wrong_window, party_unknown, checkin_way,
// checkin_closed, absence_attested, name_missing, certificate_missing,
// came_time, already_here, text_invalid; for paper also scan_missing,
// scan_type, scan_size, for the own telephone also position_invalid,
// from afar roll_call_kind, roll_not_called.
func (d *Desk) CheckIn(ctx context.Context, by auth.Actor, r CheckInRequest) (CheckIn, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (CheckIn, error) {
		c, err := d.checkIn(ctx, tx, by, r)
		return c.Masked(), err
	})
}

func (d *Desk) checkIn(ctx context.Context, tx bun.IDB, by auth.Actor, r CheckInRequest) (out CheckIn, err error) {
	_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		p, err := partyOf(ctx, tx, *v, r.Party)
		if err != nil {
			return nil, err
		}
		if out, err = d.whoCame(ctx, tx, by, *v, p, r); err != nil {
			return nil, err
		}
		if err := d.checkArrival(*v, p, out, r); err != nil {
			return nil, err
		}
		leaf := d.checkInLeaf(*v, p, out)
		if r.Way == ByPaper {
			subject := v.ID
			if p.ID != "" {
				subject = p.ID
			}
			scan, err := storeScan(ctx, tx, subject, r.Scan, by.String(), d.now())
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
			return nil, fault.Refuse(fault.Conflict, "already_here", "%s已经签到，不用再签", "%s has checked in already", out.Name)
		}
		if p.ID == "" {
			return []audit.Leaf{leaf}, nil
		}
		more, err := d.arrive(ctx, tx, p, *v)
		return append([]audit.Leaf{leaf}, more...), err
	})
	return out, err
}

// partyOf finds the participant of a party; window and applicant have none.
func partyOf(ctx context.Context, tx bun.IDB, v Visit, party string) (Participant, error) {
	if party == PartyWindow || party == PartyApplicant {
		return Participant{}, nil
	}
	p, err := findParticipant(ctx, tx, party)
	if err == nil && p.VisitID == v.ID {
		return p, nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return p, err
	}
	return p, fault.Refuse(fault.Invalid, "party_unknown",
		"只能是参加部门、综合窗口或申请人；请从列表中选择", "a party is a department that takes part, the window or the applicant; choose one from the list")
}

// whoCame is the row of the person: on an own telephone it is who is signed in,
// with the certificate on file; else the window says who it is.
func (d *Desk) whoCame(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, p Participant, r CheckInRequest) (CheckIn, error) {
	c := CheckIn{
		ID: newID(), VisitID: v.ID, Round: v.Round, Party: r.Party, Way: r.Way, Name: strings.TrimSpace(r.Name),
		Certificate: strings.ToUpper(strings.Join(strings.Fields(r.Certificate), "")), CameAt: d.now(), RecordedAt: d.now(), RecordedBy: by.String(), Device: r.Device,
	}
	switch {
	case (r.Way == ByPhone || r.Way == ByRemote) && p.ID != "":
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return c, err
		}
		if r.Way == ByRemote {
			if err := mayAnswerRoll(v); err != nil {
				return c, err
			}
		}
		c.PersonID, c.Name, c.Position = by.ID, by.Name, r.Position
		if err := r.Position.check(); err != nil {
			return c, err
		}
		inspector, err := inspectorOf(ctx, tx, p.DepartmentID, by.ID)
		if inspector.Certificate != "" {
			c.Certificate = inspector.Certificate
		}
		return c, err
	case r.Way != ByWindow && r.Way != ByPaper:
		return c, fault.Refuse(fault.Invalid, "checkin_way", "签到方式只能是本人手机、窗口登记或书面签到", "check in by the own telephone, at the window's screen or on paper")
	}
	err := mayOrganise(ctx, tx, by, v.CentreID)
	if err != nil {
		return c, err
	}
	if r.Party == PartyWindow { // who is on the site for the window
		c.PersonID, c.Name, c.Certificate = by.ID, by.Name, by.ID
	}
	if r.Way == ByPaper {
		c.CameAt, c.Device = r.CameAt.UTC().Truncate(time.Millisecond), ""
	}
	if p.ID == "" || c.Certificate == "" {
		return c, nil
	}
	c.PersonID, err = accountOf(ctx, tx, p.DepartmentID, c.Certificate) // who may sign on the own telephone later
	return c, err
}

// checkArrival refuses what cannot be true. A sheet of paper may be entered when
// the site part is over, for somebody who came before its end (A5).
func (d *Desk) checkArrival(v Visit, p Participant, c CheckIn, r CheckInRequest) error {
	paper := r.Way == ByPaper && v.State == VisitCollecting
	if v.State != VisitInProgress && !paper {
		return fault.Refuse(fault.Conflict, "checkin_closed",
			"签到在窗口点“开始”之后、“结束”之前办理；已结束的，请窗口凭书面签到表补登", "people check in between its start and its end; afterwards the window enters the signed sheet")
	}
	if p.Attendance == AttendanceAbsent {
		return fault.Refuse(fault.Conflict, "absence_attested",
			"已有两人确认该部门未到场；确有人到场的，请办理到场更正", "two persons have attested that this department did not come; correct its attendance by two persons instead")
	}
	if c.Name == "" {
		return fault.Refuse(fault.Invalid, "name_missing", "请填写到场人员姓名", "name the person who came")
	}
	if c.Certificate == "" {
		return fault.Refuse(fault.Invalid, "certificate_missing",
			"请填写执法证号；申请人填写证件号码后四位", "give the number of the certificate; of the applicant's card the last four")
	}
	latestCame := d.now()
	if !v.SiteEndedAt.IsZero() {
		latestCame = v.SiteEndedAt
	}
	if c.CameAt.Before(v.Start.Add(-EarlyStart)) || c.CameAt.After(latestCame) {
		return fault.Refuse(fault.Invalid, "came_time",
			"到场时间应在开始前一小时至结束之间，请按签到表填写", "somebody came between one hour before the start and the end; enter what the sheet says")
	}
	if r.Way == ByPaper && len(r.Scan.Bytes) == 0 {
		return scanMissing()
	}
	return office.CheckLines(line("name", c.Name), line("certificate", c.Certificate), line("name", r.Scan.Name))
}

// arrive counts a department's people anew (A1…A3, A5).
func (d *Desk) arrive(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	people, err := listCheckIns(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	var came []time.Time
	for _, c := range people {
		if c.Party == p.ID {
			came = append(came, c.CameAt)
		}
	}
	to := attendanceOf(came, p.StaffMin, v.GraceUntil)
	if to == p.Attendance || !slices.Contains(awaited, p.Attendance) {
		return nil, nil
	}
	if err := setAttendance(ctx, tx, p, to); err != nil {
		return nil, err
	}
	done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: systemActor.String(), Note: "已到场"}
	if err := finishTask(ctx, tx, []TaskKind{TaskMissing, TaskAbsence}, done); err != nil {
		return nil, err
	}
	leaf := participantLeaf("attendance", p, systemActor.String(), d.now(), map[string]any{"was": string(p.Attendance), "now": string(to), "people": len(came)})
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineNoShow); err != nil {
		return nil, err
	}
	p.Attendance = to
	owed, err := d.awaitSilence(ctx, tx, p, v) // entered from a sheet when the site part was over
	return append([]audit.Leaf{leaf}, owed...), err
}

// thereAs finds a person of a department who came to the visit. Refusal:
// not_checked_in.
func thereAs(ctx context.Context, q bun.IDB, p Participant, v Visit, checkInID string) (CheckIn, error) {
	there, err := listThere(ctx, q, p, v)
	if err != nil {
		return CheckIn{}, err
	}
	i := slices.IndexFunc(there, func(c CheckIn) bool { return c.ID == checkInID })
	if i < 0 {
		return CheckIn{}, notCheckedIn()
	}
	return there[i], nil
}

func notCheckedIn() error {
	return fault.Refuse(fault.Conflict, "not_checked_in", "该人员没有签到，请先登记签到", "this person has not checked in; record the arrival first")
}

// checkInLeaf keeps no name and no number (SIM-8), and of a position that there is one:
// a leaf stays for ever, and others than the window read it.
func (d *Desk) checkInLeaf(v Visit, p Participant, c CheckIn) audit.Leaf {
	fields := map[string]any{"checkin": c.ID, "way": c.Way, "came_at": stamp(c.CameAt)}
	if c.Device != "" {
		fields["device"] = c.Device
	}
	if c.Position != nil {
		fields["position"] = true
	}
	if p.ID != "" {
		return participantLeaf("checked_in", p, c.RecordedBy, d.now(), fields)
	}
	fields["party"] = c.Party
	return visitLeaf("checked_in", v, c.RecordedBy, d.now(), fields)
}

// Leave records that somebody left the site before its end, with or without the
// window's agreement. A department that without it has too few people left and
// has not said its opinion has left early (A7). Refusals: not_found,
// not_a_window, wrong_window, not_checked_in, checkin_closed, already_left.
func (d *Desk) Leave(ctx context.Context, by auth.Actor, visitID, checkInID string, agreed bool) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := actOnVisit(ctx, tx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
			if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
			people, err := listCheckIns(ctx, tx, *v)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(people, func(c CheckIn) bool { return c.ID == checkInID })
			if i < 0 {
				return nil, notCheckedIn()
			}
			c := people[i]
			if v.State != VisitInProgress {
				return nil, fault.Refuse(fault.Conflict, "checkin_closed", "已经结束，不用再登记离场", "it is over; nobody needs to be recorded as leaving")
			}
			if !c.LeftAt.IsZero() {
				return nil, fault.Refuse(fault.Conflict, "already_left", "已登记过该人员离场", "it is on record already that this person has left")
			}
			if err := markLeft(ctx, tx, c, d.now(), agreed); err != nil {
				return nil, err
			}
			return d.left(ctx, tx, by, *v, c, agreed)
		})
		return err
	})
}

func (d *Desk) left(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, c CheckIn, agreed bool) ([]audit.Leaf, error) {
	p, err := partyOf(ctx, tx, v, c.Party)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{"checkin": c.ID, "agreed": agreed}
	if p.ID == "" {
		return []audit.Leaf{visitLeaf("left", v, by.String(), d.now(), fields)}, nil
	}
	leaves := []audit.Leaf{participantLeaf("left", p, by.String(), d.now(), fields)}
	people, err := listCheckIns(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	stay := 0
	for _, one := range people {
		if one.Party == p.ID && (one.LeftAt.IsZero() || one.LeftAgreed) {
			stay++
		}
	}
	came := p.Attendance == AttendancePresent || p.Attendance == AttendanceLate
	if agreed || !came || p.Opinion == OpinionGiven || stay >= max(p.StaffMin, 1) {
		return leaves, nil
	}
	return append(leaves, participantLeaf("attendance", p, by.String(), d.now(), map[string]any{
		"was": string(p.Attendance), "now": string(AttendanceLeftEarly), "people": stay,
	})), setAttendance(ctx, tx, p, AttendanceLeftEarly)
}
