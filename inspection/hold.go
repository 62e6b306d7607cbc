package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// HoldRow is one doubt about one Participant's silence (PRO-17). While any is
// open nothing is deemed; it never turns into consent by itself.
type HoldRow struct {
	bun.BaseModel `bun:"table:holds" json:"-"`

	ID            string     `bun:"id,pk" json:"id"`
	ParticipantID string     `json:"participant_id"`
	Round         int        `json:"round"`
	Reason        HoldReason `json:"reason"`
	Source        string     `json:"source,omitempty"` // what it hangs on, such as an inbound mail
	Detail        string     `json:"detail,omitempty"`
	Since         time.Time  `json:"since"`
	EndedAt       time.Time  `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy       string     `json:"ended_by,omitempty"`
	EndReason     string     `json:"end_reason,omitempty"`
}

// raiseHold opens a hold unless the same one is open, on the caller's
// transaction, and gives the leaf to record, if any.
func raiseHold(ctx context.Context, tx bun.IDB, p Participant, h HoldRow) ([]audit.Leaf, error) {
	h.ID, h.ParticipantID, h.Round = newID(), p.ID, p.Round
	fresh, err := insertHold(ctx, tx, &h)
	if err != nil || !fresh {
		return nil, err
	}
	return []audit.Leaf{participantLeaf("hold", p, systemActor.String(), h.Since, map[string]any{
		"reason": string(h.Reason), "source": h.Source,
	})}, nil
}

// EndHold ends a hold by a person's decision with a reason. T2 moves to the
// later of T2 and the end of the next working day (C8), so that the department
// still has time once the doubt is gone. Refusals: not_found, not_a_window,
// wrong_window, hold_ended, reason_missing, hold_ends_itself.
func (d *Desk) EndHold(ctx context.Context, by auth.Actor, holdID, reason string) error {
	d = d.still()
	if err := checkText("reason", reason, reasonLength); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		h, p, v, err := findHold(ctx, tx, holdID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		if h.Reason == HoldLateExcuse { // INS-812: an excuse is the supervisor's
			if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
				return err
			}
		}
		if err := endable(h); err != nil {
			return err
		}
		leaves, err := d.endHold(ctx, tx, by, h, p, reason)
		if err != nil {
			return err
		}
		moved, err := d.extendAfterDoubt(ctx, tx, p, v)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, append(leaves, moved...)...)
	})
}

// endHold closes a person's hold with the task that it made.
func (d *Desk) endHold(ctx context.Context, tx bun.IDB, by auth.Actor, h HoldRow, p Participant, reason string) ([]audit.Leaf, error) {
	if err := closeHold(ctx, tx, h.ID, d.now(), by.String(), reason); err != nil {
		return nil, err
	}
	for _, kind := range []TaskKind{TaskAnswerHold, TaskLink} {
		if err := finishTasks(ctx, tx, kind, h.Source, d.now(), by.String(), reason); err != nil {
			return nil, err
		}
	}
	return []audit.Leaf{holdEnded(p, h, by.String(), "decided", d.now())}, nil
}

// endable: what needs a judgement is ended here; what hangs on a mail or on a
// cause ends with that.
func endable(h HoldRow) error {
	if !h.EndedAt.IsZero() {
		return fault.Refuse(fault.Conflict, "hold_ended", "该暂缓已经解除", "this hold has ended already")
	}
	switch h.Reason {
	case HoldSuperseded, HoldWeaker, HoldFreeText, HoldLink, HoldLateExcuse:
		return nil
	case HoldObjection:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"请由主管办理该部门的异议，或由该部门撤回；办结后自动解除", "the supervisor settles the objection, or the department withdraws it; the hold ends then")
	case HoldContest:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"请由主管决定该部门的送达异议；决定后自动解除", "the supervisor decides what the department says of its service; the hold ends then")
	case HoldMail:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"请在“来件”中处理该邮件，处理后自动解除", "deal with the mail in the person queue; the hold ends then")
	default:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"该暂缓在原因消除后自动解除，不能人工解除", "this hold ends by itself when its cause is gone")
	}
}

// closeHolds ends the open holds of some reasons, by the house itself.
func (d *Desk) closeHolds(ctx context.Context, tx bun.IDB, p Participant, why string, which func(HoldReason) bool) ([]audit.Leaf, error) {
	rows, err := openHolds(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, h := range rows {
		if !which(h.Reason) {
			continue
		}
		if err := closeHold(ctx, tx, h.ID, d.now(), systemActor.String(), why); err != nil {
			return nil, err
		}
		leaves = append(leaves, holdEnded(p, h, systemActor.String(), why, d.now()))
	}
	return leaves, nil
}

// endDoubts ends what hangs on a department for which nobody waits any more: holds,
// objections and contests of service. A mail that nobody has read stays: it may hold
// its answer.
func (d *Desk) endDoubts(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, why string) ([]audit.Leaf, error) {
	holds, err := d.closeHolds(ctx, tx, p, why, func(r HoldReason) bool { return r != HoldMail })
	if err != nil {
		return nil, err
	}
	objections, err := d.endObjections(ctx, tx, by, p, objectionEnd{outcome: ObjectionOver})
	if err != nil {
		return nil, err
	}
	contests, err := d.endContests(ctx, tx, by, p)
	return slices.Concat(holds, objections, contests), err
}

func holdEnded(p Participant, h HoldRow, by, reason string, now time.Time) audit.Leaf {
	return participantLeaf("hold_end", p, by, now, map[string]any{
		"reason": string(h.Reason), "round": h.Round, "source": h.Source, "why": reason,
	})
}

func reasonMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "reason_missing", "请填写理由", "give a reason")
}
