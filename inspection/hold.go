package inspection

import (
	"context"
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
	return []audit.Leaf{{
		Type: "hold", Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: systemActor.String(), At: h.Since,
		Fields: map[string]any{"reason": string(h.Reason), "round": p.Round, "source": h.Source},
	}}, nil
}

// EndHold ends a hold by a person's decision with a reason. T2 moves to the
// later of T2 and the end of the next working day (C8), so that the department
// still has time once the doubt is gone. Refusals: not_found, not_a_window,
// hold_ended, reason_missing, hold_ends_itself.
func (d *Desk) EndHold(ctx context.Context, by auth.Actor, holdID, reason string) error {
	now := d.now()
	if reason == "" {
		return reasonMissing()
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		h, p, v, err := findHold(ctx, tx, holdID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		if err := endable(h, by); err != nil {
			return err
		}
		if err := closeHold(ctx, tx, h.ID, now, by.String(), reason); err != nil {
			return err
		}
		leaves := []audit.Leaf{holdEnded(p, h, by.String(), reason, now)}
		moved, err := d.extendAfterDoubt(ctx, tx, p, v, now)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, append(leaves, moved...)...)
	})
}

// endable: a supervisor ends what needs a judgement; what hangs on a mail or a
// cause is ended there, not here.
func endable(h HoldRow, by auth.Actor) error {
	if !h.EndedAt.IsZero() {
		return fault.Refuse(fault.Conflict, "hold_ended", "该暂缓已经解除", "this hold has ended already")
	}
	switch h.Reason {
	case HoldSuperseded, HoldWeaker, HoldFreeText, HoldLink:
		return nil
	case HoldMail:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"请在“来件”中处理该邮件，处理后自动解除", "deal with the mail in the person queue; the hold ends then")
	default:
		return fault.Refuse(fault.Conflict, "hold_ends_itself",
			"该暂缓在原因消除后自动解除，不能人工解除", "this hold ends by itself when its cause is gone")
	}
}

func holdEnded(p Participant, h HoldRow, by, reason string, now time.Time) audit.Leaf {
	return audit.Leaf{
		Type: "hold_end", Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: by, At: now,
		Fields: map[string]any{"reason": string(h.Reason), "round": h.Round, "source": h.Source, "why": reason},
	}
}

func reasonMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "reason_missing", "请填写理由", "give a reason")
}

// extendAfterDoubt moves T2 of a waiting participant to the later of T2 and
// the end of the next working day (C8).
func (d *Desk) extendAfterDoubt(ctx context.Context, tx bun.IDB, p Participant, v Visit, from time.Time) ([]audit.Leaf, error) {
	if p.Consent != ConsentAwaiting || p.Deadline == nil {
		return nil, nil
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	next, err := g.cal.Reply(from, 1, g.hours)
	if err != nil {
		return nil, err
	}
	if !next.Due.After(p.RespondBy) {
		return nil, nil
	}
	return d.setDeadline(ctx, tx, p, v, next.Due, "hold_end")
}
