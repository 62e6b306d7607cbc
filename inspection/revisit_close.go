package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// closeRevisit ends a revisit: what its departments saw settles their items, and
// the joint opinion of the first visit gets a new version (INS-1109, V12). The
// caller has locked the revisit; the first visit is locked after it.
func (d *Desk) closeRevisit(ctx context.Context, tx bun.IDB, by auth.Actor, v *Visit) (JointOpinion, []audit.Leaf, error) {
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	if err := final(ctx, tx, *v, tracks); err != nil {
		return JointOpinion{}, nil, err
	}
	first, err := lockVisit(ctx, tx, v.RevisitOf)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	if first.State != VisitClosed {
		return JointOpinion{}, nil, fault.Refuse(fault.Conflict, "first_reopened",
			"首次勘验因撤销视为同意正在重新汇总意见，请先办结首次勘验", "the first visit was opened again by a reversal; close it first")
	}
	leaves, err := d.settleSeen(ctx, tx, by, first, tracks)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	lines, result, err := jointLines(ctx, tx, tracks)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	if v.Result = result; result == ResultPassed && slices.ContainsFunc(lines, func(l JointLine) bool { return l.Source == lineWaived }) {
		v.Result = ResultRectify // what nobody looked at stays open
	}
	v.ClosedAt = d.now()
	if err := moveVisit(ctx, tx, v, "Close", "closed_at", "result"); err != nil {
		return JointOpinion{}, nil, err
	}
	ended, err := d.endVisit(ctx, tx, by, *v)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	leaves = slices.Concat(leaves, ended, []audit.Leaf{visitLeaf("revisit_closed", *v, by.String(), d.now(), map[string]any{"result": v.Result})})
	if err := d.answerRequest(ctx, tx, by, first, v.ID); err != nil {
		return JointOpinion{}, nil, err
	}
	j, issued, err := d.issueAgain(ctx, tx, by, first, whyRevisit)
	return j, append(leaves, issued...), err
}

// settleSeen settles the items that each department saw put right, and counts a
// new term for those it did not.
func (d *Desk) settleSeen(ctx context.Context, tx bun.IDB, by auth.Actor, first Visit, tracks []Participant) ([]audit.Leaf, error) {
	items, err := openItems(ctx, tx, first.ID, VerifyVisit)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range tracks {
		open, all, err := stillOpen(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			at := slices.IndexFunc(open, func(o RectifyItem) bool { return o.ID == item.ID })
			switch {
			case item.DepartmentID == p.DepartmentID && p.Opinion == OpinionWaived: // not the applicant's fault (INS-1101)
				if err := d.setTerm(ctx, tx, first, item, d.now(), item.Days); err != nil {
					return nil, err
				}
			case item.DepartmentID != p.DepartmentID || all:
			case at >= 0:
				if err := d.setTerm(ctx, tx, first, item, d.now(), open[at].Days); err != nil {
					return nil, err
				}
			default:
				item.SettledHow = VerifyVisit
				leaf, err := d.settleItem(ctx, tx, by, first, item)
				if err != nil {
					return nil, err
				}
				leaves = append(leaves, leaf)
			}
		}
	}
	return leaves, d.startRectifyClock(ctx, tx, first)
}

// stillOpen are the items that a department found not put right; all says that it
// settled none. A deemed consent, where a setting allows one, counts as agree.
func stillOpen(ctx context.Context, q bun.IDB, p Participant) (items []RectifyItem, all bool, err error) {
	if p.Opinion == OpinionDeemed {
		return nil, false, nil
	}
	o, found, err := lastOpinion(ctx, q, p)
	return o.Items, err != nil || !found || p.Opinion != OpinionGiven || o.Kind == Disagree, err
}

func (d *Desk) settleItem(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, item ListedItem) (audit.Leaf, error) {
	item.State, item.SettledAt, item.SettledBy = ItemSettled, d.now(), by.String()
	if err := markSettled(ctx, tx, item); err != nil {
		return audit.Leaf{}, err
	}
	return itemLeaf("item_moved", v, item, by.String(), d.now(), map[string]any{"now": string(item.State), "verify": string(item.Verify)}), nil
}

// answerRequest ends what waited for the revisit.
func (d *Desk) answerRequest(ctx context.Context, tx bun.IDB, by auth.Actor, first Visit, revisit string) error {
	if err := closeRequest(ctx, tx, first.ID, revisit, d.now()); err != nil {
		return err
	}
	if err := endDeadlines(ctx, tx, first.ID, 1, DeadlineRevisit); err != nil {
		return err
	}
	done := Task{Subject: first.ID, DoneAt: d.now(), DoneBy: by.String(), Note: "已复勘"}
	return finishTask(ctx, tx, slices.Concat(askTasks, []TaskKind{TaskRevisit, TaskRevisitLate}), done)
}
