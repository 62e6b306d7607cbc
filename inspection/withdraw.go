package inspection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// WithdrawRequest takes one department out of a booked visit. Code is one of
// EndReasons("Withdraw").
type WithdrawRequest struct {
	ParticipantID string
	Code, Reason  string
	Once          once.Key

	clause string // of the matter's rules that let it go, if it was not a person (INS-308)
}

// Withdraw takes a department out of a visit that has not begun (C14): it is told
// with a cancellation of its own, its people become free, and nobody else's clock
// moves (INS-608). A required one needs a supervisor (INS-307). Refusals:
// not_found, not_a_window, wrong_window, not_supervisor, bad_move, lead_stays,
// revisit_stays, last_department, reason_code, reason_missing, text_invalid.
func (d *Desk) Withdraw(ctx context.Context, by auth.Actor, r WithdrawRequest) error {
	d = d.still()
	if err := (ending{act: "Withdraw", code: r.Code, reason: r.Reason}).check(); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, d.withdraw(ctx, tx, by, r)
	})
	return err
}

func (d *Desk) withdraw(ctx context.Context, tx bun.IDB, by auth.Actor, r WithdrawRequest) error {
	if err := notify.Cancel(ctx, tx, d.now(), r.ParticipantID, keptOnChange...); err != nil { // messages before the visit (DB-12)
		return err
	}
	return actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		c, err := findCase(ctx, tx, v.CaseID)
		if err != nil {
			return nil, err
		}
		for i, row := range c.Departments {
			if row.DepartmentID == p.DepartmentID { // by hand, and kept so when facts change (INS-307)
				c.Departments[i].Included, c.Departments[i].ManualReason, c.Departments[i].ChangedBy = false, r.Reason, by.String()
			}
		}
		if err := takable(c, v, p); err != nil {
			return nil, err
		}
		if p.Required && !by.Is(auth.Supervisor) {
			return nil, notSupervisor()
		}
		if err := updateCase(ctx, tx, &c); err != nil {
			return nil, err
		}
		return d.takeOut(ctx, tx, by, c, v, p, r)
	})
}

// takeOut is move C14 with all that follows from it, on a case that does not list
// the department any more.
func (d *Desk) takeOut(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, v Visit, p Participant, r WithdrawRequest) ([]audit.Leaf, error) {
	if err := takable(c, v, p); err != nil {
		return nil, err
	}
	if err := withdrawParticipant(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := endParticipantDeadlines(ctx, tx, p.ID); err != nil {
		return nil, err
	}
	done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: by.String(), Note: "已撤回邀请"}
	if err := finishTask(ctx, tx, slices.Concat(silenceTasks, dutyTasks, []TaskKind{TaskReview, TaskReverse, TaskNoPeople}), done); err != nil {
		return nil, err
	}
	if err := freeDepartment(ctx, tx, v.ID, p.DepartmentID); err != nil {
		return nil, err
	}
	leaves, err := d.endDoubts(ctx, tx, by, p, "withdrawn")
	if err != nil {
		return nil, err
	}
	v.Sequence++ // ICA-29
	v.require(comingTo(c, v.Kind))
	if err := changeVisit(ctx, tx, &v, "sequence", "single_by_rule", "lead_department"); err != nil {
		return nil, err
	}
	err = d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeCancel, key: fmt.Sprintf("%s.%s.%d", v.ID, p.ID, v.Sequence), until: latest(v.Start, d.now()).Add(24 * time.Hour),
		facts: messageFacts{Reason: r.Reason, Withdrawn: true},
	})
	if err != nil {
		return nil, err
	}
	leaf := participantLeaf("withdrawn", p, by.String(), d.now(), map[string]any{"reason_code": r.Code, "sequence": v.Sequence})
	if r.clause != "" {
		leaf.Fields["clause"] = r.clause
	}
	leaves = append(leaves, leaf)
	settled, confirmed, err := d.settle(ctx, tx, v)
	if err != nil || len(settled) == 0 {
		return leaves, err
	}
	return append(leaves, confirmed...), d.queueToAll(ctx, tx, settled, confirmedWord(v))
}

func takable(c Case, v Visit, p Participant) error {
	switch {
	case v.State != VisitOffered && v.State != VisitConfirmed, p.Consent == ConsentWithdrawn:
		return movedOn("bad_move")
	case v.RevisitOf != "": // its departments are those whose items are open (INS-1109)
		return fault.Refuse(fault.Conflict, "revisit_stays",
			"复勘只邀请有待核查事项的部门，不能撤回；不用现场看的，请取消复勘", "a revisit invites only departments with something to look at; cancel it if nothing has to be seen on the site")
	case p.Lead:
		return fault.Refuse(fault.Conflict, "lead_stays",
			"牵头部门不能撤回；不再需要勘验的，请取消勘验", "the lead department cannot be withdrawn; cancel the visit if it is not needed any more")
	case len(comingTo(c, v.Kind)) == 0:
		return fault.Refuse(fault.Conflict, "last_department",
			"撤回后没有部门需要到场，请改为取消勘验", "nobody would have to come any more; cancel the visit instead")
	}
	return nil
}

// staying are the participants that have not been withdrawn.
func staying(ps []Participant) []Participant {
	return slices.DeleteFunc(slices.Clone(ps), func(p Participant) bool { return p.Consent == ConsentWithdrawn })
}
