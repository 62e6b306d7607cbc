package inspection

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/slot"
)

// Substitution (换人) is somebody or something that takes the place of another of
// its kind in a booked visit (INS-610). Caller is who asked for it on the
// telephone, empty if somebody of the department did it.
type Substitution struct {
	bun.BaseModel `bun:"table:substitutions" json:"-"`

	ID           string    `bun:"id,pk" json:"id"`
	VisitID      string    `json:"visit_id"`
	Round        int       `json:"round"`
	DepartmentID string    `json:"department_id,omitempty"` // of people
	Out          string    `bun:"out_id" json:"leaves"`     // ids of resources
	In           string    `bun:"in_id" json:"comes"`
	OutName      string    `bun:",scanonly" json:"leaves_name,omitempty"`
	InName       string    `bun:",scanonly" json:"comes_name,omitempty"`
	Reason       string    `json:"reason"`
	Caller       string    `json:"caller,omitempty"`
	At           time.Time `bun:"substituted_at" json:"substituted_at"`
	By           string    `bun:"substituted_by" json:"substituted_by"`

	// Untold are the names of those whom no message reaches: somebody has to ring
	// them. It stands in the answer alone.
	Untold []string `bun:"-" json:"untold,omitempty"`
}

// SubstituteRequest replaces one person of a department in a booked visit. Out and
// In are ids of resources. Caller is who rang, when the window enters it.
type SubstituteRequest struct {
	ParticipantID string
	Out, In       string
	Reason        string
	Caller        string
	Round         int // the one that a plan showed; 0: whichever it is
	Once          once.Key
}

// Substitute replaces one of a department's people in a booked visit by another
// who is qualified and free (INS-610, DEC-18): by any signed-in inspector or head
// of the department, or by the window on a call, until the visit begins. It is no
// new Round, no clock moves, and what was answered stands (INS-607); both people
// are told. Refusals: not_found, not_your_department, not_a_window,
// wrong_window, receiver_missing, reason_missing, text_invalid, bad_move,
// not_booked, substitute_outside, below_minimum, substitute_unfit, slot_taken,
// plan_stale.
func (d *Desk) Substitute(ctx context.Context, by auth.Actor, r SubstituteRequest) (Substitution, error) {
	d = d.still()
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return Substitution{}, err
	}
	if err := office.CheckLines(line("caller", r.Caller)); err != nil {
		return Substitution{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (s Substitution, err error) {
		err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			if err := maySubstitute(ctx, tx, by, p, v); err != nil {
				return nil, err
			}
			if s, err = d.substitute(ctx, tx, by, p, v, r); err != nil {
				return nil, err
			}
			if s.Untold, err = d.tellRoster(ctx, tx, p, v, s); err != nil {
				return nil, err
			}
			return []audit.Leaf{substitutionLeaf(participantLeaf("substituted", p, by.String(), d.now(), nil), s)}, nil
		})
		return s, err
	})
}

// maySubstitute: the department itself, signed in, or the organising window.
func maySubstitute(ctx context.Context, q bun.IDB, by auth.Actor, p Participant, v Visit) error {
	if atWindow(by) {
		return mayOrganise(ctx, q, by, v.CentreID)
	}
	return mayAnswer(by, p.DepartmentID)
}

func (d *Desk) substitute(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, r SubstituteRequest) (Substitution, error) {
	s := Substitution{
		ID: newID(), VisitID: v.ID, Round: v.Round, DepartmentID: p.DepartmentID, Out: r.Out, In: r.In,
		Reason: r.Reason, Caller: strings.TrimSpace(r.Caller), At: d.now(), By: by.String(),
	}
	if err := stale(v, r.Round); err != nil {
		return s, err
	}
	if !v.booked() || p.Consent == ConsentWithdrawn {
		return s, movedOn("bad_move")
	}
	if !atWindow(by) {
		s.Caller = ""
	} else if s.Caller == "" {
		return s, fault.Refuse(fault.Invalid, "receiver_missing", "请填写来电人姓名", "name the person who rang")
	}
	out, in, err := endsOf(ctx, tx, p, v, s)
	if err != nil {
		return s, err
	}
	s.OutName, s.InName = out.Name, in.Name
	return s, d.replace(ctx, tx, by, v, out, in, s)
}

// booked: it has a time, and has not begun.
func (v Visit) booked() bool { return v.State == VisitOffered || v.State == VisitConfirmed }

// endsOf reads who goes and who comes. Both are of the department, and only the
// first is booked: one who comes anyway would make them fewer.
func endsOf(ctx context.Context, q bun.IDB, p Participant, v Visit, s Substitution) (out, in Resource, err error) {
	booked, err := listBookings(ctx, q, v.ID)
	if err != nil {
		return out, in, err
	}
	found, err := findResources(ctx, q, []string{s.Out, s.In})
	for _, r := range found {
		switch r.ID {
		case s.Out:
			out = r
		case s.In:
			in = r
		}
	}
	comes := func(id string) bool {
		return slices.ContainsFunc(booked, func(b Booking) bool { return b.ResourceID == id })
	}
	switch {
	case err != nil:
	case !comes(s.Out) || out.DepartmentID != p.DepartmentID:
		err = fault.Refuse(fault.Invalid, "not_booked",
			"请从本部门已派往本次勘验的人员中选择由谁退出；名单可能已变动，请刷新后核对",
			"choose who steps back among the department's people who are booked for this visit; the list may have changed, reload it")
	case comes(s.In):
		err = fault.Refuse(fault.Conflict, "below_minimum",
			"%[1]s已派往本次勘验，由其顶替会使人数减少（至少须派 %[2]d 人），请另选一名尚未派出的人员",
			"%[1]s comes already, so fewer would come than are booked (at least %[2]d must); choose somebody else", in.Name, p.StaffMin)
	case in.ID == "" || in.DepartmentID != out.DepartmentID || in.CentreID != out.CentreID || in.Kind != out.Kind || !in.Active:
		err = fault.Refuse(fault.Invalid, "substitute_outside",
			"只能换成本部门登记在册的人员，请从可派人员中选择", "only a registered person of the same department can come instead; choose one from the list")
	}
	return out, in, err
}

// replace takes one resource for a locked visit and gives another one back. As in
// seize the row goes in before the newcomer is locked, then the slot check runs
// for them (INS-602, DEC-5); everybody else's calendar has no say.
func (d *Desk) replace(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, out, in Resource, s Substitution) error {
	rows := []Booking{{
		ID: newID(), ResourceID: in.ID, VisitID: v.ID, Round: v.Round, Start: v.Start, End: v.End, HeldBy: by.String(),
	}}
	if err := d.stillFree(ctx, tx, rows); err != nil {
		return newcomerTaken(err, in)
	}
	if err := d.take(ctx, tx, Visit{}, rows); err != nil { // what the visit has already stays
		return newcomerTaken(err, in)
	}
	if _, err := lockResource(ctx, tx, in.ID); err != nil {
		return err
	}
	w, err := d.placeOf(ctx, tx, v, out)
	if err != nil {
		return err
	}
	fit, err := slot.Prepare(w.problem)
	if err != nil {
		return err
	}
	if err := newcomerUnfit(fit.Fits(v.Start, []string{in.ID}), in); err != nil {
		return err
	}
	if err := freeBooking(ctx, tx, v.ID, out.ID); err != nil {
		return err
	}
	if err := d.endLeaveTasks(ctx, tx, by, v, out); err != nil {
		return err
	}
	return insertSubstitution(ctx, tx, &s)
}

// newcomerTaken says of whom a taken time speaks.
func newcomerTaken(err error, in Resource) error {
	if !fault.Is(err, "slot_taken") {
		return err
	}
	return newcomerUnfit(slot.Reason{Code: slot.Busy}, in)
}

// newcomerUnfit refuses one who cannot come. What another visit took meanwhile is
// slot_taken (INS-602).
func newcomerUnfit(why slot.Reason, in Resource) error {
	err := slotRefused(why)
	if err == nil {
		return nil
	}
	word := slotWords[why.Code]
	if fault.Is(err, "slot_taken") {
		return fault.Refuse(fault.Conflict, "slot_taken",
			"%[1]s在该时间已有其他安排（%[2]s），请从可派人员中另选", "%[1]s is taken at that time (%[3]s); choose somebody else from the list",
			in.Name, word.ZH, word.EN).With("reason", string(why.Code))
	}
	return fault.Refuse(fault.Invalid, "substitute_unfit",
		"%[1]s不能参加本次勘验（%[2]s），请从可派人员中另选", "%[1]s cannot come to this visit (%[3]s); choose somebody else from the list",
		in.Name, word.ZH, word.EN).With("reason", string(why.Code))
}

// Substitutes are the people of a department who could come to a visit instead of
// one of those who are booked: qualified, free and not booked for it (INS-610,
// INS-812). Refusals: not_found, not_your_department, wrong_window.
func (d *Desk) Substitutes(ctx context.Context, by auth.Actor, participantID string) (out []Resource, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		p, err := findParticipant(ctx, q, participantID)
		if err != nil {
			return err
		}
		v, err := findVisit(ctx, q, p.VisitID)
		if err != nil {
			return err
		}
		if err := maySubstitute(ctx, q, by, p, v); err != nil {
			return err
		}
		booked, err := viewBooked(ctx, q, v.ID)
		i := slices.IndexFunc(booked, func(r Resource) bool { return r.DepartmentID == p.DepartmentID })
		if err != nil || i < 0 {
			return err
		}
		out, err = d.standIns(ctx, q, v, booked[i])
		return err
	})
	return out, err
}

func viewBooked(ctx context.Context, q bun.IDB, visitID string) ([]Resource, error) {
	v := VisitView{Visit: Visit{ID: visitID}}
	return v.Resources, viewResources(ctx, q, &v)
}

// standIns could take the place of one that a visit has booked.
func (d *Desk) standIns(ctx context.Context, q bun.IDB, v Visit, of Resource) (out []Resource, err error) {
	booked, err := listBookings(ctx, q, v.ID)
	if err != nil {
		return nil, err
	}
	w, err := d.placeOf(ctx, q, v, of)
	if err != nil {
		return nil, err
	}
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return nil, err
	}
	for _, r := range w.resources {
		here := slices.ContainsFunc(booked, func(b Booking) bool { return b.ResourceID == r.ID })
		if !here && rows.Fits(v.Start, []string{r.ID}).Code == "" {
			out = append(out, r)
		}
	}
	return out, nil
}

// placeOf is what one place in a booked visit asks for: one of the same kind and
// owner on the visit's own day, without the rules on when it may be booked.
func (d *Desk) placeOf(ctx context.Context, q bun.IDB, v Visit, of Resource) (world, error) {
	w, err := d.around(ctx, q, v)
	if err != nil {
		return w, err
	}
	err = d.narrowTo(ctx, q, &w, of)
	return w, err
}

// narrowTo leaves one place on the visit's own day of what surrounds it.
func (d *Desk) narrowTo(ctx context.Context, q bun.IDB, w *world, of Resource) (err error) {
	w.departments = slices.DeleteFunc(slices.Clone(w.departments), func(row CaseDepartment) bool { return row.DepartmentID != of.DepartmentID })
	day := dateOf(w.v.Start)
	if err := w.question(SlotRequest{From: day, To: day, PastLimit: true}, d.now()); err != nil {
		return err
	}
	w.problem.Earliest, w.problem.HalfDay = day, 0
	if err := w.days(day, day); err != nil {
		return err
	}
	if w.resources, err = peersOf(ctx, q, of); err != nil {
		return err
	}
	w.hasRoom = of.Kind == KindRoom
	if err := d.occupy(ctx, q, w, nearDays); err != nil {
		return err
	}
	for i := range w.problem.Departments {
		w.problem.Departments[i].Min = 1
	}
	vehicle, room := w.problem.Vehicle, w.problem.Room
	w.problem.Vehicle, w.problem.Room = nil, nil
	switch of.Kind {
	case KindVehicle:
		w.problem.Vehicle = must(vehicle)
	case KindRoom:
		w.problem.Room = must(room)
	default:
	}
	return nil
}

// must makes a pool one of which somebody is needed, whatever the policy.
func must(p *slot.Pool) *slot.Pool {
	if p == nil {
		return &slot.Pool{}
	}
	return &slot.Pool{Units: p.Units}
}

// substitutionLeaf keeps ids alone (SIM-8).
func substitutionLeaf(leaf audit.Leaf, s Substitution) audit.Leaf {
	leaf.Fields["substitution"], leaf.Fields["out"], leaf.Fields["in"], leaf.Fields["on_call"] = s.ID, s.Out, s.In, s.Caller != ""
	return leaf
}

// tellRoster tells who comes and who need not, by plain mail and text: the invite
// is the department's and does not change (SIM-3). It gives the names of those
// whom nothing reaches.
func (d *Desk) tellRoster(ctx context.Context, tx bun.IDB, p Participant, v Visit, s Substitution) (untold []string, err error) {
	ends, err := findResources(ctx, tx, []string{s.Out, s.In})
	if err != nil {
		return nil, err
	}
	facts, err := json.Marshal(messageFacts{Substitution: s.ID})
	if err != nil {
		return nil, err
	}
	var out []notify.Message
	for _, r := range ends {
		ways, err := waysTo(ctx, tx, r.PersonID)
		if err != nil {
			return nil, err
		}
		if len(ways) == 0 {
			untold = append(untold, r.Name)
		}
		for _, way := range ways {
			out = append(out, notify.Message{
				Key: strings.Join([]string{notify.PurposeRoster, s.ID, r.PersonID, way[0]}, "/"), Purpose: notify.PurposeRoster,
				Channel: way[0], Address: way[1], Lang: "zh", Subject: p.ID, Contact: r.PersonID,
				Stream: departmentStream(p.CaseID, p.DepartmentID), Facts: facts, ValidUntil: latest(v.Start, d.now().Add(time.Hour)),
			})
		}
	}
	return untold, notify.Queue(ctx, tx, d.now(), out...)
}

// waysTo are the channels and addresses of a person of the house, none if there is
// no account to the name.
func waysTo(ctx context.Context, q bun.IDB, personID string) (out [][2]string, err error) {
	if personID == "" {
		return nil, nil
	}
	person, err := auth.FindPerson(ctx, q, personID)
	if fault.KindOf(err) == fault.NotFound || err == nil && !person.DisabledAt.IsZero() {
		return nil, nil
	}
	for _, way := range [][2]string{{notify.SMS, person.Phone}, {notify.Mail, person.Mail}} {
		if way[1] != "" {
			out = append(out, way)
		}
	}
	return out, err
}

// sayRoster speaks to one of the two.
func sayRoster(ctx context.Context, q bun.IDB, l *letter) error {
	s, err := findSubstitution(ctx, q, l.facts.Substitution)
	if err != nil {
		return err
	}
	ends, err := findResources(ctx, q, []string{s.In})
	if err != nil {
		return err
	}
	l.out.Person, l.out.Instead = s.OutName, s.InName
	if len(ends) == 1 && ends[0].PersonID == l.m.Contact {
		l.out.Person, l.out.Instead, l.out.Comes = s.InName, s.OutName, true
	}
	return l.ofRound(ctx, q, s.Round)
}
