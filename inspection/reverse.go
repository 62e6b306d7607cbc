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

// Reversal (撤销视为同意) takes two persons: a supervisor proposes, a second
// supervisor or an auditor decides (INS-917). The deemed row stays, without
// effect.
type Reversal struct {
	bun.BaseModel `bun:"table:reversals" json:"-"`

	ID            string    `bun:"id,pk" json:"id"`
	ParticipantID string    `json:"participant_id"`
	Round         int       `json:"round"`
	Reason        string    `json:"reason"`
	ProposedBy    string    `json:"proposed_by"`
	ProposedName  string    `json:"proposed_name,omitempty"`
	ProposedAt    time.Time `json:"proposed_at"`
	DecidedBy     string    `json:"decided_by,omitempty"`
	DecidedName   string    `json:"decided_name,omitempty"`
	Decision      string    `json:"decision,omitempty"` // in the second person's words
	DecidedAt     time.Time `bun:",nullzero" json:"decided_at,omitzero"`
	OpinionDue    time.Time `bun:",nullzero" json:"opinion_due,omitzero"` // the new term; none where the department has its opinion
}

// Reverse proposes to take a deemed consent back; called by a second person it
// decides, at any time. The department's own opinion then counts, or is due in a
// new term. A visit that is closed is opened again, and its next joint opinion is a
// new version (V12). Refusals: not_found, not_supervisor, reason_missing,
// two_persons, nothing_deemed, visit_closed for a revisit that is over.
func (d *Desk) Reverse(ctx context.Context, by auth.Actor, participantID, reason string) error {
	d = d.still()
	if err := checkText("reason", reason, reasonLength); err != nil {
		return err
	}
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		r, waiting, err := findReversal(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if err := mayReverse(ctx, tx, by, v); err != nil {
			return nil, err
		}
		if err := reversible(p, v); err != nil {
			return nil, err
		}
		if !waiting && !by.Is(auth.Supervisor) {
			return nil, notSupervisor()
		}
		if !waiting {
			return d.proposeReversal(ctx, tx, by, p, v, reason)
		}
		if r.ProposedBy == by.String() {
			return nil, fault.Refuse(fault.Forbidden, "two_persons",
				"撤销须由另一名主管或审计人员决定", "another supervisor or an auditor has to decide")
		}
		r.Decision = reason
		return d.decideReversal(ctx, tx, by, p, v, r)
	})
}

// mayReverse: supervisors of the organising centre, and auditors.
func mayReverse(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit) error {
	if by.Is(auth.Auditor) {
		return nil
	}
	return maySupervise(ctx, tx, by, v.CentreID)
}

func reversible(p Participant, v Visit) error {
	switch {
	case v.State == VisitClosed && v.RevisitOf != "":
		return fault.Refuse(fault.Conflict, "visit_closed",
			"复勘已办结；请在首次勘验中办理，或者再次复勘", "the revisit is over; act on the first visit, or look again at another revisit")
	case p.Opinion != OpinionDeemed && p.Opinion != OpinionReview:
		return fault.Refuse(fault.Conflict, "nothing_deemed",
			"该部门没有视为同意的记录", "nothing is deemed for this department")
	}
	return nil
}

func (d *Desk) proposeReversal(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reason string) ([]audit.Leaf, error) {
	r := Reversal{ID: newID(), ParticipantID: p.ID, Round: p.Round, Reason: reason, ProposedBy: by.String(), ProposedName: by.Name, ProposedAt: d.now()}
	if _, err := insertNew(ctx, tx, &r); err != nil {
		return nil, err
	}
	err := raiseTask(ctx, tx, v, Task{
		Kind: TaskReverse, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: p.Name + "的视为同意拟撤销，请另一名主管决定：" + reason,
	})
	return []audit.Leaf{participantLeaf("reversal_proposed", p, by.String(), d.now(), nil)}, err
}

func (d *Desk) decideReversal(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, r Reversal) ([]audit.Leaf, error) {
	r.DecidedBy, r.DecidedName, r.DecidedAt = by.String(), by.Name, d.now()
	if err := closeReversal(ctx, tx, r); err != nil {
		return nil, err
	}
	if err := suspend(ctx, tx, p, d.now()); err != nil {
		return nil, err
	}
	_, own, err := lastOpinion(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	to := OpinionNone // the department's own opinion is due
	if own {
		to = OpinionGiven
	}
	if err := setOpinion(ctx, tx, p, p.Opinion, to); err != nil {
		return nil, err
	}
	for _, kind := range []TaskKind{TaskReview, TaskReverse} {
		if err := finishTasks(ctx, tx, kind, p.ID, d.now(), by.String(), r.Reason); err != nil {
			return nil, err
		}
	}
	contests, err := d.endContests(ctx, tx, by, p)
	if err != nil {
		return nil, err
	}
	leaves := append(contests, participantLeaf("deemed_reversed", p, by.String(), d.now(), map[string]any{"proposed_by": r.ProposedBy}))
	opened, err := d.reopen(ctx, tx, by, &v)
	if err != nil {
		return nil, err
	}
	if err := d.dueToClose(ctx, tx, v.ID); err != nil || own || v.State != VisitCollecting {
		return append(leaves, opened...), err
	}
	due, err := d.askForOpinion(ctx, tx, p, v, r)
	return slices.Concat(leaves, opened, due), err
}

// reopen is move V12: the joint opinion that was issued stays to be read, and the
// next close makes a new version.
func (d *Desk) reopen(ctx context.Context, tx bun.IDB, by auth.Actor, v *Visit) ([]audit.Leaf, error) {
	if v.State != VisitClosed {
		return nil, nil
	}
	if err := moveVisit(ctx, tx, v, "Reverse by two persons"); err != nil {
		return nil, err
	}
	return []audit.Leaf{visitLeaf("visit_reopened", *v, by.String(), d.now(), nil)}, settleCase(ctx, tx, v.CaseID)
}

// askForOpinion gives a department whose deemed consent was taken back a new term
// for its own word (INS-917); its silence is not deemed again, so the window gets a
// task.
func (d *Desk) askForOpinion(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reversal) ([]audit.Leaf, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	leaves, err := d.awaitOpinion(ctx, tx, p, g)
	if err != nil {
		return nil, err
	}
	row, err := findDeadline(ctx, tx, p.ID, p.Round, DeadlineOpinion)
	if err != nil {
		return nil, err
	}
	r.OpinionDue = row.DueAt
	if err := setReversalTerm(ctx, tx, r); err != nil {
		return nil, err
	}
	return leaves, raiseTask(ctx, tx, v, Task{
		Kind: TaskNeverDeemed, Subject: p.ID, CreatedAt: d.now(), DueAt: row.DueAt,
		Detail: p.Name + "的视为同意已撤销，不再自动认定；请取得其书面意见，再出具联合意见书",
	})
}
