package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/slot"
)

// LeaveWay is what a plan does with one visit of somebody who cannot come.
type LeaveWay string

// Ways, in the order in which they are proposed (INS-611).
const (
	LeaveSubstitute LeaveWay = "substitute" // no new Round
	LeaveSameDay    LeaveWay = "same_day"   // another start on the day: a new Round
	LeaveOtherDay   LeaveWay = "other_day"  // another day before the limit date: a new Round
	LeaveUnsolved   LeaveWay = "unsolved"   // a person has to find something
)

// LeaveLine is one visit that somebody's leave leaves without them, and what is
// proposed. Round is the one that was looked at; Why is what stands in the way
// where the visit is another window's.
type LeaveLine struct {
	Visit     Visit      `json:"visit"`
	Round     int        `json:"round"`
	Way       LeaveWay   `json:"way"`
	In        string     `json:"comes,omitempty"` // who comes instead
	Choices   []Resource `json:"choices"`         // all who could
	Choice    SlotChoice `json:"choice,omitzero"` // the other time, with its people
	Elsewhere bool       `json:"elsewhere,omitempty"`
}

// LeavePlan is a leave with all visits that it touches.
type LeavePlan struct {
	Absence  Absence     `json:"absence"`
	Resource Resource    `json:"resource"`
	Lines    []LeaveLine `json:"lines"`
}

// EnterLeave enters the leave of an inspector, or that a vehicle or room cannot be
// used, though visits are booked in that time: from its commit on nothing new can
// be booked (INS-611). Each visit becomes a task of its window. The window may for
// a caller, and who may AddAbsence. Refusals: not_found, not_your_resource,
// absence_span, text_invalid.
func (d *Desk) EnterLeave(ctx context.Context, by auth.Actor, a Absence, key once.Key) (Absence, error) {
	d = d.still()
	if err := a.complete(); err != nil {
		return a, err
	}
	a.ID, a.SetBy, a.Kind = newID(), by.String(), absenceLeave
	return once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (Absence, error) {
		r, err := lockResource(ctx, tx, a.ResourceID)
		if err != nil {
			return a, err
		}
		if !atWindow(by) && !mayManage(by, r.DepartmentID) && (by.ID == "" || by.ID != r.PersonID) {
			return a, notYourResource()
		}
		if err := insertAbsence(ctx, tx, &a); err != nil {
			return a, err
		}
		visits, err := affectedBy(ctx, tx, a.ResourceID, a.Start, a.End)
		if err != nil {
			return a, err
		}
		for _, v := range visits {
			err := raiseTask(ctx, tx, v, Task{
				Kind: TaskLeave, Subject: leaveSubject(a, v.ID), CreatedAt: d.now(), DueAt: v.Start,
				Detail: r.Name + "不能参加" + instantText(v.Start) + " 的勘验，请安排换人或改期",
			})
			if err != nil {
				return a, err
			}
		}
		return a, audit.Record(ctx, tx, audit.Leaf{
			Type: "absence_added", Stream: "system", Actor: by.String(), At: d.now(),
			Fields: map[string]any{"resource": a.ResourceID, "from": stamp(a.Start), "to": stamp(a.End), "kind": a.Kind, "visits": len(visits)},
		})
	})
}

// leaveSubject is what a task about one visit and one leave is about.
func leaveSubject(a Absence, visitID string) string { return a.ID + "/" + visitID }

// endLeaveTasks: somebody else comes in the place of one who is away.
func (d *Desk) endLeaveTasks(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, out Resource) error {
	away, err := listAbsences(ctx, tx, []string{out.ID}, v.Start, v.End)
	if err != nil {
		return err
	}
	for _, a := range away {
		if err := finishTasks(ctx, tx, TaskLeave, leaveSubject(a, v.ID), d.now(), by.String(), "已换人"); err != nil {
			return err
		}
	}
	return nil
}

// PlanLeave proposes for each visit of a leave that is still booked with the absent
// one: a substitute, else another start on the same day, else another day before
// the limit date, else nothing (INS-611, PLN-604). It changes nothing. Nobody is
// proposed twice for overlapping visits. Refusals: not_found, not_a_window.
func (d *Desk) PlanLeave(ctx context.Context, by auth.Actor, absenceID string) (plan LeavePlan, err error) {
	if plan, err = d.leaveHead(ctx, by, absenceID); err != nil {
		return plan, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		visits, err := affectedBy(ctx, q, plan.Resource.ID, plan.Absence.Start, plan.Absence.End)
		if err != nil {
			return err
		}
		for _, v := range visits {
			line, err := d.proposeFor(ctx, q, by, v, plan)
			if err != nil {
				return err
			}
			plan.Lines = append(plan.Lines, line)
		}
		return nil
	})
	return plan, err
}

func (d *Desk) proposeFor(ctx context.Context, q bun.IDB, by auth.Actor, v Visit, plan LeavePlan) (LeaveLine, error) {
	line := LeaveLine{Visit: v, Round: v.Round, Way: LeaveUnsolved, Elsewhere: v.CentreID != by.Centre}
	if line.Elsewhere {
		return line, nil
	}
	var err error
	if line.Choices, err = d.standIns(ctx, q, v, plan.Resource); err != nil {
		return line, err
	}
	for _, r := range line.Choices {
		if !plan.proposed(r.ID, v) {
			line.Way, line.In = LeaveSubstitute, r.ID
			return line, nil
		}
	}
	err = d.otherTime(ctx, q, by, &line)
	return line, err
}

// proposed reports whether somebody stands in a line of an overlapping visit.
func (p LeavePlan) proposed(id string, v Visit) bool {
	return slices.ContainsFunc(p.Lines, func(l LeaveLine) bool {
		return l.In == id && l.Visit.Start.Before(v.End) && v.Start.Before(l.Visit.End)
	})
}

// otherTime proposes the best other start of the day, else of another day before
// the limit date.
func (d *Desk) otherTime(ctx context.Context, q bun.IDB, by auth.Actor, line *LeaveLine) error {
	w, err := d.world(ctx, q, by, SlotRequest{VisitID: line.Visit.ID})
	if err != nil {
		return err
	}
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return err
	}
	offers := slices.DeleteFunc(rows.Search(1000), func(o slot.Offer) bool { return o.PastLimit || o.Start.Equal(line.Visit.Start) })
	if len(offers) == 0 {
		return nil
	}
	day := dateOf(line.Visit.Start)
	i := slices.IndexFunc(offers, func(o slot.Offer) bool { return o.Date == day })
	line.Way = LeaveSameDay
	if i < 0 {
		i, line.Way = 0, LeaveOtherDay
	}
	line.Choice = choiceOfOffer(offers[i])
	return nil
}

// choiceOfOffer is what booking an offer takes.
func choiceOfOffer(o slot.Offer) SlotChoice {
	c := SlotChoice{Start: o.Start}
	for _, people := range o.People {
		c.Resources = append(c.Resources, people...)
	}
	for _, thing := range []string{o.Vehicle, o.Room} {
		if thing != "" {
			c.Resources = append(c.Resources, thing)
		}
	}
	slices.Sort(c.Resources)
	return c
}

// LeaveChoice is what is to be done with one visit. Round is the one that the plan
// showed.
type LeaveChoice struct {
	VisitID string
	Round   int
	Way     LeaveWay
	In      string
	Choice  SlotChoice
}

// LeaveDone is what became of one line: Err is its refusal, nil if it was done.
type LeaveDone struct {
	VisitID string
	Err     error
}

// CommitLeave does the lines of a plan, each by itself: what is refused changes
// nothing and stands in the answer with its reason, the others are done (INS-611).
// A line about a visit that somebody has moved meanwhile is refused as plan_stale.
// Caller is who of the department agreed to a substitution. The refusal of all:
// not_found, not_a_window, text_invalid.
func (d *Desk) CommitLeave(ctx context.Context, by auth.Actor, absenceID, caller string, lines []LeaveChoice, key once.Key) ([]LeaveDone, error) {
	if err := office.CheckLines(line("caller", caller)); err != nil {
		return nil, err
	}
	plan, err := d.leaveHead(ctx, by, absenceID)
	if err != nil {
		return nil, err
	}
	var done []LeaveDone
	for _, l := range lines {
		own := key
		if own.Value != "" {
			own.Value += "/" + l.VisitID
		}
		err := d.commitLine(ctx, by, plan, caller, l, own)
		if _, refused := fault.From(err); err != nil && !refused {
			return done, err
		}
		done = append(done, LeaveDone{l.VisitID, err})
	}
	return done, nil
}

func (d *Desk) leaveHead(ctx context.Context, by auth.Actor, absenceID string) (plan LeavePlan, err error) {
	if !atWindow(by) {
		return plan, notAWindow()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if plan.Absence, err = findAbsence(ctx, q, absenceID); err != nil {
			return err
		}
		found, err := findResources(ctx, q, []string{plan.Absence.ResourceID})
		if err == nil && len(found) == 1 {
			plan.Resource = found[0]
		}
		return err
	})
	return plan, err
}

func (d *Desk) commitLine(ctx context.Context, by auth.Actor, plan LeavePlan, caller string, l LeaveChoice, key once.Key) error {
	const why = "原定人员请假或车辆、场地不能使用"
	switch l.Way {
	case LeaveSubstitute:
		return d.swap(ctx, by, swapRequest{
			visitID: l.VisitID, round: l.Round, out: plan.Resource.ID, in: l.In, reason: why, caller: caller, once: key,
		})
	case LeaveSameDay, LeaveOtherDay:
		_, err := d.Retime(ctx, by, RetimeRequest{VisitID: l.VisitID, Round: l.Round, Choice: l.Choice, Code: "other", Reason: why, Once: key})
		return err
	default:
		return fault.Refuse(fault.Invalid, "leave_way",
			"请选择换人或改期；暂不处理的不用勾选", "choose a substitute or another time; leave out what is to wait")
	}
}

// swapRequest replaces one resource of a booked visit, whatever its kind.
type swapRequest struct {
	visitID        string
	round          int
	out, in        string
	reason, caller string
	once           once.Key
}

// swap is Substitute for people; a vehicle or a room is the window's alone.
func (d *Desk) swap(ctx context.Context, by auth.Actor, r swapRequest) error {
	var of Resource
	var part string
	err := d.DB.Read(ctx, func(q bun.IDB) error {
		found, err := findResources(ctx, q, []string{r.out})
		if err != nil || len(found) == 0 {
			return notFound()
		}
		of = found[0]
		parts, err := listParticipants(ctx, q, r.visitID)
		for _, p := range parts {
			if p.DepartmentID == of.DepartmentID {
				part = p.ID
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if of.DepartmentID != "" {
		_, err := d.Substitute(ctx, by, SubstituteRequest{ParticipantID: part, Round: r.round, Out: r.out, In: r.in, Reason: r.reason, Caller: r.caller, Once: r.once})
		return err
	}
	d = d.still()
	_, err = once.Act(ctx, d.DB.Write, r.once, d.now(), func(tx bun.IDB) (struct{}, error) {
		_, err := actOnVisit(ctx, tx, r.visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
			if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
			return d.swapThing(ctx, tx, by, *v, r)
		})
		return struct{}{}, err
	})
	return err
}

func (d *Desk) swapThing(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r swapRequest) ([]audit.Leaf, error) {
	if err := stale(v, r.round); err != nil {
		return nil, err
	}
	if !v.booked() {
		return nil, movedOn("bad_move")
	}
	s := Substitution{ID: newID(), VisitID: v.ID, Round: v.Round, Out: r.out, In: r.in, Reason: r.reason, At: d.now(), By: by.String()}
	out, in, err := endsOf(ctx, tx, Participant{}, v, s)
	if err != nil {
		return nil, err
	}
	if err := d.replace(ctx, tx, by, v, out, in, s); err != nil {
		return nil, err
	}
	return []audit.Leaf{substitutionLeaf(visitLeaf("substituted", v, by.String(), d.now(), nil), s)}, nil
}

// stale refuses what was planned for a round that is over.
func stale(v Visit, round int) error {
	if round == 0 || round == v.Round {
		return nil
	}
	return fault.Refuse(fault.Conflict, "plan_stale",
		"该勘验已被改期（现为第 %d 轮），本行没有执行；请刷新计划后重新选择", "somebody has moved this visit meanwhile (round %d now) and nothing was done; reload the plan and choose again", v.Round)
}

// LeaveTime is a leave that has not ended, with whose it is.
type LeaveTime struct {
	Absence
	Name string
}

// Leaves gives what a window can enter leave for: the people of its division's
// departments, its vehicles and rooms, and their leaves that have not ended.
// Refusal: not_a_window.
func (d *Desk) Leaves(ctx context.Context, by auth.Actor) (who []Resource, leaves []LeaveTime, err error) {
	if !atWindow(by) {
		return nil, nil, notAWindow()
	}
	now := d.now()
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		centre, err := office.FindCentre(ctx, q, by.Centre)
		if err != nil {
			return err
		}
		departments, err := office.ListDepartments(ctx, q, office.DepartmentQuery{Division: centre.Division})
		if err != nil {
			return err
		}
		var of []string
		for _, x := range departments {
			of = append(of, x.ID)
		}
		if who, err = listResources(ctx, q, append(of, "-"), by.Centre); err != nil {
			return err
		}
		var names = map[string]string{}
		var resources []string
		for _, r := range who {
			names[r.ID], resources = r.Name, append(resources, r.ID)
		}
		rows, err := recentLeaves(ctx, q, resources, now)
		for _, a := range rows {
			leaves = append(leaves, LeaveTime{a, names[a.ResourceID]})
		}
		return err
	})
	return who, leaves, err
}
