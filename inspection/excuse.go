package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
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
