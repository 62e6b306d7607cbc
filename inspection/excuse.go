package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/slot"
)

// Illness is the excuse that a free substitute takes the ground from (INS-812).
const Illness = "illness_no_substitute"

// ExcuseCategories are the grounds of an excuse (正当理由), for forms (INS-812).
var ExcuseCategories = [...]string{"emergency", "disaster", "statutory_meeting", Illness, "recusal", "other"}

// category is that of an excuse; who names none means another one.
func (r ReplyRequest) category() string {
	if r.Kind == ReplyExcuse && r.Category == "" {
		return "other"
	}
	return r.Category
}

func checkCategory(category string) error {
	if category == "" || slices.Contains(ExcuseCategories[:], category) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "excuse_category",
		"请从列表中选择正当理由的类别", "choose the kind of excuse from the list").With("categories", ExcuseCategories[:])
}

// excuseOf is the excuse that waits for a decision.
func excuseOf(ctx context.Context, q bun.IDB, p Participant) (Reply, error) {
	return waitingReply(ctx, q, p, ConsentExcuse, fault.Refuse(fault.Conflict, "nothing_excused",
		"该部门没有待审定的正当理由，请刷新后核对", "no excuse of this department waits for a decision; reload and check"))
}

// RefuseExcuse is the supervisor's decision that the department has to come
// (INS-812, C11); the rest is as for a refused counter. Refusals: not_found,
// not_a_window, wrong_window, not_supervisor, nothing_excused, reason_missing,
// text_invalid, bad_move.
func (d *Desk) RefuseExcuse(ctx context.Context, by auth.Actor, r RefuseRequest) error {
	return d.still().refuseAnswer(ctx, r, func(tx bun.IDB, p Participant, v Visit) (Reply, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return Reply{}, err
		}
		return excuseOf(ctx, tx, p)
	}, by)
}

// ReleaseRequest upholds an excuse without another time. Reason says why, and for
// an illness why no substitute comes.
type ReleaseRequest struct {
	ParticipantID string
	Reason        string
	Once          once.Key
}

// Release upholds an excuse: the department need not come and owes its opinion in
// writing by T3 (INS-812, C12). Its people become free. To uphold it with another
// time the supervisor moves the visit, as department_excused. Refusals: those of
// RefuseExcuse.
func (d *Desk) Release(ctx context.Context, by auth.Actor, r ReleaseRequest) error {
	d = d.still()
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			return d.release(ctx, tx, by, p, v, r.Reason)
		})
	})
	return err
}

func (d *Desk) release(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reason string) ([]audit.Leaf, error) {
	if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
		return nil, err
	}
	reply, err := excuseOf(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if !v.movable() {
		return nil, movedOn("bad_move")
	}
	reply.Decision, reply.DecidedBy, reply.DecidedAt = reason, by.String(), d.now()
	if err := decideReply(ctx, tx, reply); err != nil {
		return nil, err
	}
	if err := excuse(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := freeDepartment(ctx, tx, v.ID, p.DepartmentID); err != nil {
		return nil, err
	}
	if err := d.endDuties(ctx, tx, p, reason, by.String()); err != nil {
		return nil, err
	}
	if err := d.queueReleased(ctx, tx, p, v, reply); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("excuse_upheld", p, by.String(), d.now(), map[string]any{"reply": reply.ID})}
	settled, confirmed, err := d.settle(ctx, tx, v)
	if err != nil || len(settled) == 0 {
		return leaves, err
	}
	return append(leaves, confirmed...), d.queueToAll(ctx, tx, settled, confirmedWord(v))
}

// Substitutes are the people of a department who could come to a visit instead of
// one of those who are booked: qualified, free and not booked for it (INS-610,
// INS-812). Refusals: not_found, wrong_window.
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
		if err := mayOrganise(ctx, q, by, v.CentreID); err != nil {
			return err
		}
		out, err = d.substitutes(ctx, q, v, p.DepartmentID)
		return err
	})
	return out, err
}

func (d *Desk) substitutes(ctx context.Context, q bun.IDB, v Visit, department string) (out []Resource, err error) {
	booked, err := listBookings(ctx, q, v.ID)
	if err != nil {
		return nil, err
	}
	w, err := d.dayOf(ctx, q, v)
	if err != nil {
		return nil, err
	}
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return nil, err
	}
	for _, r := range w.resources {
		here := slices.ContainsFunc(booked, func(b Booking) bool { return b.ResourceID == r.ID })
		if r.DepartmentID == department && !here && rows.Fits(v.Start, insteadOf(booked, w, department, r.ID)).Code == "" {
			out = append(out, r)
		}
	}
	return out, nil
}

// dayOf is the world of a booked visit on its own day, without the rules on when
// it may be booked and without the departments that need not come.
func (d *Desk) dayOf(ctx context.Context, q bun.IDB, v Visit) (world, error) {
	w, err := d.around(ctx, q, v)
	if err != nil {
		return w, err
	}
	participants, err := listParticipants(ctx, q, v.ID)
	if err != nil {
		return w, err
	}
	w.departments = slices.DeleteFunc(w.departments, func(row CaseDepartment) bool {
		return slices.ContainsFunc(participants, func(p Participant) bool {
			return p.DepartmentID == row.DepartmentID && p.Consent == ConsentExcused
		})
	})
	day := dateOf(v.Start)
	if err := w.question(SlotRequest{From: day, To: day, PastLimit: true}, d.now()); err != nil {
		return w, err
	}
	w.problem.Earliest, w.problem.HalfDay = day, 0
	if err := w.days(day, day); err != nil {
		return w, err
	}
	if w.resources, err = listResources(ctx, q, ids(w.departments), v.CentreID); err != nil {
		return w, err
	}
	w.hasRoom = len(w.pool(KindRoom, taken{}).Units) > 0
	return w, d.occupy(ctx, q, &w, nearDays)
}

// insteadOf is what a visit occupies, with one person of a department in the place
// of the first of them.
func insteadOf(booked []Booking, w world, department, person string) (out []string) {
	replaced := false
	for _, b := range booked {
		i := slices.IndexFunc(w.resources, func(r Resource) bool { return r.ID == b.ResourceID })
		if !replaced && i >= 0 && w.resources[i].DepartmentID == department {
			replaced = true
			continue
		}
		out = append(out, b.ResourceID)
	}
	return append(out, person)
}
