package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// CallRoll (点名) lets people who are not in the room attend a joint review: whoever is
// signed in and answers, from now to the end of the meeting, is present (INS-1014). A
// second call changes nothing. Refusals: not_found, not_a_window, wrong_window,
// roll_call_kind, roll_call_closed.
func (d *Desk) CallRoll(ctx context.Context, by auth.Actor, visitID string) (Visit, error) {
	d = d.still()
	return d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if v.Kind != KindReview {
			return nil, noRemoteVisit()
		}
		if v.State != VisitInProgress {
			return nil, fault.Refuse(fault.Conflict, "roll_call_closed",
				"评审开始之后、结束之前才能点名；请先点“开始”", "the roll is called between the start and the end of the review; start it first")
		}
		if !v.RollCalledAt.IsZero() {
			return nil, nil
		}
		v.RollCalledAt = d.now()
		if err := changeVisit(ctx, tx, v, "roll_called_at"); err != nil {
			return nil, err
		}
		return []audit.Leaf{visitLeaf("roll_called", *v, by.String(), d.now(), nil)}, nil
	})
}

func noRemoteVisit() error {
	return fault.Refuse(fault.Conflict, "roll_call_kind",
		"只有联合评审可以远程参会；踏勘请到场后签到", "only a joint review can be attended from afar; check in on the site of an inspection")
}

// mayAnswerRoll refuses an answer to a roll that nobody has called.
func mayAnswerRoll(v Visit) error {
	if v.Kind != KindReview {
		return noRemoteVisit()
	}
	if v.RollCalledAt.IsZero() {
		return fault.Refuse(fault.Conflict, "roll_not_called",
			"窗口还没有点名；请接入会议，等窗口点名后再应答，已到会场的请直接签到", "the window has not called the roll; join the meeting and answer when it does, or check in if you are in the room")
	}
	return nil
}
