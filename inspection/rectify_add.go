package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// AddGround says why an item is asked for after the list was closed. There is no
// other ground (INS-1107).
type AddGround string

// Grounds of a later item.
const (
	GroundDanger  AddGround = "danger"  // immediate danger
	GroundHidden  AddGround = "hidden"  // facts that were hidden at the visit
	GroundChanged AddGround = "changed" // facts that have changed since
)

// AddGrounds lists the grounds in the order of forms.
var AddGrounds = [...]AddGround{GroundDanger, GroundHidden, GroundChanged}

// ItemProposal (追加整改事项) is an item that a department asks for after the list
// was closed. A second person decides. One that was agreed to is an entry K05 of
// the ledger: rectification not all at once (INS-1107).
type ItemProposal struct {
	bun.BaseModel `bun:"table:item_proposals" json:"-"`

	ID            string      `bun:"id,pk" json:"id"`
	VisitID       string      `json:"visit_id"`
	ParticipantID string      `json:"-"`
	DepartmentID  string      `json:"department_id"`
	Department    string      `json:"department"`
	Ground        AddGround   `json:"ground"`
	Reason        string      `json:"reason"`
	Item          RectifyItem `bun:"type:jsonb" json:"item"`
	ProposedBy    string      `json:"proposed_by"`
	ProposedName  string      `json:"proposed_name"`
	ProposedAt    time.Time   `json:"proposed_at"`
	Agreed        bool        `json:"agreed"`
	Note          string      `json:"note,omitempty"`
	DecidedBy     string      `json:"decided_by,omitempty"`
	DecidedAt     time.Time   `bun:",nullzero" json:"decided_at,omitzero"`
}

// AddRequest asks for one more item.
type AddRequest struct {
	ParticipantID string
	Ground        AddGround
	Reason        string
	Item          RectifyItem
	Once          once.Key
}

// ProposeItem is the first half of a later item, by a signed-in person of the
// department. One that was not there, or whose silence counted, may report an
// immediate danger and nothing else. Refusals: not_found, not_your_department,
// no_list, add_ground, reason_missing, not_seen, opinion_items, item_verify,
// item_days, text_invalid.
func (d *Desk) ProposeItem(ctx context.Context, by auth.Actor, r AddRequest) (ItemProposal, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (ItemProposal, error) { return d.proposeItem(ctx, tx, by, r) })
}

func (d *Desk) proposeItem(ctx context.Context, tx bun.IDB, by auth.Actor, r AddRequest) (out ItemProposal, err error) {
	err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return nil, err
		}
		if err := addable(ctx, tx, v); err != nil {
			return nil, err
		}
		if err := r.check(p); err != nil {
			return nil, err
		}
		out = ItemProposal{
			ID: newID(), VisitID: v.ID, ParticipantID: p.ID, DepartmentID: p.DepartmentID, Department: p.Name, Ground: r.Ground, Reason: r.Reason,
			Item: r.Item, ProposedBy: by.String(), ProposedName: by.Name, ProposedAt: d.now(),
		}
		if err := insertProposal(ctx, tx, &out); err != nil {
			return nil, err
		}
		leaf := participantLeaf("item_proposed", p, by.String(), d.now(), map[string]any{"proposal": out.ID, "ground": string(r.Ground)})
		return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
			Kind: TaskDecideItem, Subject: out.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: p.Name + "申请在整改通知书之外追加一项，请主管决定：" + r.Reason,
		})
	})
	return out, err
}

// addable: a list is there, and its rectification is not over.
func addable(ctx context.Context, q bun.IDB, v Visit) error {
	_, err := findList(ctx, q, v.ID, 1)
	if err != nil && !fault.Is(err, "list_unknown") {
		return err
	}
	if err != nil || v.State != VisitClosed || v.Result != ResultRectify {
		return fault.Refuse(fault.Conflict, "no_list",
			"本次勘验没有正在整改的整改通知书，不能追加事项", "this visit has no list that is being worked on; there is nothing to add an item to")
	}
	return nil
}

func (r AddRequest) check(p Participant) error {
	if r.Ground != GroundDanger && r.Ground != GroundHidden && r.Ground != GroundChanged {
		return fault.Refuse(fault.Invalid, "add_ground",
			"整改通知书出具后，只能因紧急危险、勘验时被隐瞒的情况或者此后变化的情况追加事项", "after the list is made an item is added for immediate danger, hidden facts or changed facts only")
	}
	if r.Ground != GroundDanger && !p.Saw() {
		return fault.Refuse(fault.Forbidden, "not_seen",
			"该部门未到场或已视为同意，只能报告紧急危险，不能另提整改事项", "this department did not come or is deemed to agree; it may report an immediate danger and ask for nothing else")
	}
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	return r.Item.check()
}

// Saw reports whether a department spoke for itself and was not missing on the site.
func (p Participant) Saw() bool {
	return p.Opinion == OpinionGiven && !p.Missing()
}

// Missing reports whether nobody of a department that was expected came.
func (p Participant) Missing() bool {
	return p.Attendance == AttendanceAbsent || p.Attendance == AttendanceAbsentProv
}

// DecideItem is the second half: a supervisor of the organising centre, other than
// who proposed it, agrees or refuses. What is agreed to makes a list of its own,
// which is given in writing as the first was (INS-1107). Refusals: not_found,
// not_supervisor, wrong_window, two_persons, later_item_unknown, proposal_decided,
// no_list, reason_missing, text_invalid.
func (d *Desk) DecideItem(ctx context.Context, by auth.Actor, visitID, proposalID string, agree bool, note string) error {
	d = d.still()
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		a, err := findProposal(ctx, tx, v.ID, proposalID)
		if err != nil {
			return nil, err
		}
		if err := a.decidable(by, agree, note); err != nil {
			return nil, err
		}
		a.Agreed, a.Note, a.DecidedBy, a.DecidedAt = agree, note, by.String(), d.now()
		if err := decideProposal(ctx, tx, a); err != nil {
			return nil, err
		}
		if err := finishTasks(ctx, tx, TaskDecideItem, a.ID, d.now(), by.String(), note); err != nil {
			return nil, err
		}
		return d.followProposal(ctx, tx, *v, a)
	})
	return err
}

// followProposal records the decision and, if it was agreed to, makes the list.
func (d *Desk) followProposal(ctx context.Context, tx bun.IDB, v Visit, a ItemProposal) ([]audit.Leaf, error) {
	p, err := findParticipant(ctx, tx, a.ParticipantID)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{"proposal": a.ID, "ground": string(a.Ground), "proposed_by": a.ProposedBy}
	if !a.Agreed {
		return []audit.Leaf{participantLeaf("item_refused", p, a.DecidedBy, d.now(), fields)}, nil
	}
	fields["ledger"] = "K05"
	added, err := d.addList(ctx, tx, v, p, a.Item)
	return append([]audit.Leaf{participantLeaf("item_added", p, a.DecidedBy, d.now(), fields)}, added...), err
}

func (a ItemProposal) decidable(by auth.Actor, agree bool, note string) error {
	switch {
	case !a.DecidedAt.IsZero():
		return fault.Refuse(fault.Conflict, "proposal_decided", "该追加事项已有决定", "this item has been decided already")
	case a.ProposedBy == by.String():
		return fault.Refuse(fault.Forbidden, "two_persons",
			"追加事项须由提出人以外的主管决定", "another person than who proposed the item has to decide")
	case agree && note == "":
		return nil
	}
	return checkText("reason", note, reasonLength)
}

// addList makes a list of one item after all others.
func (d *Desk) addList(ctx context.Context, tx bun.IDB, v Visit, p Participant, item RectifyItem) ([]audit.Leaf, error) {
	if err := addable(ctx, tx, v); err != nil {
		return nil, err
	}
	lists, err := listLists(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	items, err := listItems(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	next := RectifyList{ID: newID(), VisitID: v.ID, N: len(lists) + 1, Joint: lists[0].Joint, MadeAt: d.now(), Witnesses: []string{}}
	return d.putList(ctx, tx, v, next, []ListedItem{listed(p, item, next, len(items)+1)})
}
