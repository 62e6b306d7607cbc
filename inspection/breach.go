package inspection

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// Breach is an entry of the ledger (监督台账) that stands in no other row: what was
// refused or reported. It starts as suspected; a supervisor confirms or dismisses
// it, and it is never deleted (INS-1205).
type Breach struct {
	bun.BaseModel `bun:"table:breaches" json:"-"`

	ID            string      `bun:"id,pk" json:"id"`
	Class         string      `json:"class"`
	VisitID       string      `json:"visit_id"`
	ParticipantID string      `json:"-"`
	DepartmentID  string      `json:"department_id"`
	Department    string      `json:"department"`
	Detail        string      `json:"detail"`
	MadeAt        time.Time   `json:"made_at"`
	MadeBy        string      `json:"made_by"`
	State         BreachState `json:"state"`
	Note          string      `json:"note,omitempty"`
	DecidedBy     string      `json:"decided_by,omitempty"`
	DecidedAt     time.Time   `bun:",nullzero" json:"decided_at,omitzero"`
}

// BreachState says what a supervisor made of a Breach.
type BreachState string

// States of a Breach.
const (
	BreachSuspected BreachState = "suspected"
	BreachConfirmed BreachState = "confirmed"
	BreachDismissed BreachState = "dismissed"
)

// askedAgain is class K07: a department that was absent or deemed asked for another
// visit.
const askedAgain = "K07"

// AskAgain is a department's request that a visit which is over be made again. One
// that came and has something to look at is heard: the window gets a task. One that
// was absent or whose silence counted may not ask; it is refused with the citation
// and entered in the ledger (INS-1109). Refusals: not_found, not_your_department,
// bad_move, reason_missing, no_second_visit, nothing_to_revisit.
func (d *Desk) AskAgain(ctx context.Context, by auth.Actor, participantID, reason string, key once.Key) error {
	d = d.still()
	if err := checkText("reason", reason, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			return d.askAgain(ctx, tx, by, p, v, reason)
		})
	})
	if fault.Is(err, "no_second_visit") {
		err = errors.Join(d.enter(ctx, by, participantID, reason), err)
	}
	return err
}

func (d *Desk) askAgain(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reason string) ([]audit.Leaf, error) {
	if err := mayAnswer(by, p.DepartmentID); err != nil {
		return nil, err
	}
	if v.State != VisitClosed {
		return nil, movedOn("bad_move")
	}
	if p.Opinion == OpinionDeemed || p.missing() {
		g, err := d.ground(ctx, tx, v, p.DepartmentID)
		if err != nil {
			return nil, err
		}
		return nil, fault.Refuse(fault.Forbidden, "no_second_visit",
			"未应约到场或已视为同意的部门，不得要求再次勘验（%s）；本次申请已记入监督台账", "a department that did not come or is deemed to agree may not ask for another visit (%s); the request stands in the ledger", g.rules.Citation)
	}
	items, err := openItems(ctx, tx, v.root(), VerifyVisit)
	if err != nil {
		return nil, err
	}
	if lookText(items, p.DepartmentID) == lookText(nil, p.DepartmentID) {
		return nil, fault.Refuse(fault.Conflict, "nothing_to_revisit",
			"没有需要现场复勘的整改事项，不用复勘", "no item is left that has to be seen on the site; there is nothing to revisit")
	}
	leaf := participantLeaf("revisit_wanted", p, by.String(), d.now(), nil)
	return []audit.Leaf{leaf}, renewTask(ctx, tx, v, Task{
		Kind: TaskAskedAgain, Subject: p.ID, CreatedAt: d.now(), Detail: p.Name + "请求复勘：" + reason + "；请联系申请人是否申请",
	})
}

// enter writes the entry after the refusal has been rolled back. One stands as
// suspected at a time; every attempt is in the log (INS-1204).
func (d *Desk) enter(ctx context.Context, by auth.Actor, participantID, reason string) error {
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		b := Breach{
			ID: newID(), Class: askedAgain, VisitID: v.root(), ParticipantID: p.ID, DepartmentID: p.DepartmentID, Department: p.Name,
			Detail: reason, MadeAt: d.now(), MadeBy: by.String(), State: BreachSuspected,
		}
		fresh, err := insertNew(ctx, tx, &b)
		if err != nil {
			return nil, err
		}
		leaf := participantLeaf("attempt_refused", p, by.String(), d.now(), map[string]any{"act": "another_visit", "code": "no_second_visit"})
		if !fresh {
			return []audit.Leaf{leaf}, nil
		}
		entered := participantLeaf("breach", p, by.String(), d.now(), map[string]any{"breach": b.ID, "class": b.Class, "now": string(b.State)})
		return []audit.Leaf{leaf, entered}, raiseTask(ctx, tx, Visit{ID: v.root(), CentreID: v.CentreID}, Task{
			Kind: TaskBreach, Subject: b.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: p.Name + "未应约到场或已视为同意，又要求再次勘验，疑似 K07，请核实",
		})
	})
}

// DecideBreach confirms or dismisses an entry, with a reason. Refusals: not_found,
// not_supervisor, wrong_window, breach_unknown, breach_decided, reason_missing.
func (d *Desk) DecideBreach(ctx context.Context, by auth.Actor, visitID, breachID string, confirm bool, note string) error {
	d = d.still()
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		b, err := findBreach(ctx, tx, v.root(), breachID)
		if err != nil {
			return nil, err
		}
		if b.State != BreachSuspected {
			return nil, fault.Refuse(fault.Conflict, "breach_decided", "该条记录已经核实", "this entry has been decided already")
		}
		if err := checkText("reason", note, reasonLength); err != nil {
			return nil, err
		}
		b.State, b.Note, b.DecidedBy, b.DecidedAt = BreachDismissed, note, by.String(), d.now()
		if confirm {
			b.State = BreachConfirmed
		}
		if err := decideBreach(ctx, tx, b); err != nil {
			return nil, err
		}
		p, err := findParticipant(ctx, tx, b.ParticipantID)
		if err != nil {
			return nil, err
		}
		leaf := participantLeaf("breach", p, by.String(), d.now(), map[string]any{"breach": b.ID, "class": b.Class, "now": string(b.State)})
		return []audit.Leaf{leaf}, finishTasks(ctx, tx, TaskBreach, b.ID, d.now(), by.String(), note)
	})
	return err
}
