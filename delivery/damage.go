package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// DamageState says what became of a damaged thing.
type DamageState string

// States of a Damage. The last three are the department's decision.
const (
	DamageOpen    DamageState = "open"
	DamageReissue DamageState = "reissue"
	DamageKeep    DamageState = "keep"
	DamageVoid    DamageState = "void"
)

// Damage asks the department that issued a result what is to become of it now
// that it is damaged: the window cannot know whether a stained licence still
// counts (DEL-808).
type Damage struct {
	bun.BaseModel `bun:"table:damages" json:"-"`

	ID           string      `bun:"id,pk" json:"id"`
	ItemID       string      `json:"item_id"`
	Occasion     string      `json:"-"` // the parcel, or of a thing on the shelf the report itself
	ParcelID     string      `json:"parcel_id,omitempty"`
	LineID       string      `json:"line_id"`
	CaseID       string      `json:"case_id"`
	CaseNumber   string      `json:"case_number"`
	CentreID     string      `json:"centre_id"`
	DepartmentID string      `json:"department_id"`
	What         string      `json:"what"`                    // as it was reported
	Photos       []string    `bun:"type:jsonb" json:"photos"` // SHA-256
	ReportedAt   time.Time   `json:"reported_at"`             // when the house heard of it
	ReportedBy   string      `json:"reported_by"`             // actor
	Reporter     string      `json:"reporter"`                // name
	State        DamageState `json:"state"`
	Reason       string      `json:"reason,omitempty"` // of the decision
	DecidedAt    time.Time   `bun:",nullzero" json:"decided_at,omitzero"`
	DecidedBy    string      `json:"decided_by,omitempty"`
	DecidedName  string      `json:"decided_name,omitempty"`
	ItemTitle    string      `bun:",scanonly" json:"item_title,omitempty"`  // in lists
	ItemNumber   string      `bun:",scanonly" json:"item_number,omitempty"` // in lists
	Version      int         `json:"version"`
}

// Open reports whether the department still has to decide.
func (x Damage) Open() bool { return x.State == DamageOpen }

// Ends reports whether the department gave the thing up, so that two people make
// it void (DEL-946).
func (x Damage) Ends() bool { return x.State == DamageReissue || x.State == DamageVoid }

// DamageReport says that a result that lies at the window is damaged.
type DamageReport struct {
	ItemID string
	What   string
	Photos []string // SHA-256 of blobs, at least one
	Once   once.Key
}

// ReportDamage asks the department about a result on the window's own shelf. Of
// what is in a parcel ReportHarm and the courier's report do the same (DEL-808).
// Refusals: not_found, not_receiving_window, damage_elsewhere, damage_open,
// damage_void, harm_photo, blob_unknown, reason_missing, text_invalid.
func (d *Desk) ReportDamage(ctx context.Context, by auth.Actor, r DamageReport) (Damage, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Damage, error) {
		v, err := lockToDestroy(ctx, tx, by, r.ItemID)
		if err != nil {
			return Damage{}, err
		}
		if err := mayReceive(by, v.centre()); err != nil {
			return Damage{}, err
		}
		if err := v.mayBeDamaged(ctx, tx); err != nil {
			return Damage{}, err
		}
		if err := checkHarm(ctx, tx, EventDamaged, r.What, r.Photos); err != nil {
			return Damage{}, err
		}
		x := d.damageOf(by, v.Item, v.Line.CaseNumber, v.Line.CentreID, strings.TrimSpace(r.What), r.Photos)
		x.Occasion = x.ID
		if err := insertDamages(ctx, tx, []Damage{x}); err != nil {
			return Damage{}, err
		}
		return x, audit.Record(ctx, tx, d.damageLeaf("damage_reported", by, x))
	})
}

// mayBeDamaged: a result that lies free at its window and is not in question yet.
func (v ItemView) mayBeDamaged(ctx context.Context, q bun.IDB) error {
	if v.LineID == "" || v.keeper() != (Keeper{AtWindow, v.Line.CentreID}) || !v.free() {
		return fault.Refuse(fault.Conflict, "damage_elsewhere",
			"只有在窗口货架上的办件结果可以在这里登记污损；已封入邮件的在邮件页面登记，移交途中的在签收时逐件标明",
			"only a result on the window's shelf is reported here; one in a parcel on the parcel's page, one in a hand-over when it is signed for")
	}
	return wantUndamaged(ctx, q, []Item{v.Item})
}

// wantUndamaged refuses things whose department has not decided yet, or has given
// them up: they leave in no parcel (DEL-808).
func wantUndamaged(ctx context.Context, q bun.IDB, items []Item) error {
	rows, err := damagesOf(ctx, q, idsOf(items))
	if err != nil {
		return err
	}
	for _, x := range rows {
		switch {
		case x.Open():
			return damageWaits()
		case x.Ends():
			return fault.Refuse(fault.Conflict, "damage_void",
				"出具部门已决定不再使用这件污损的结果，请两人办理作废销毁", "its department has given this damaged result up; let two people make it void")
		}
	}
	return nil
}

func damageWaits() *fault.Error {
	return fault.Refuse(fault.Conflict, "damage_open",
		"物料已登记污损，等出具部门决定；请催该部门在待办中决定补发、照常送达或作废",
		"the thing is reported damaged and its department has not decided; ask it to choose in its inbox: issue again, deliver as it is, or void")
}

func (d *Desk) damageOf(by auth.Actor, i Item, caseNumber, centre, what string, photos []string) Damage {
	return Damage{
		ID: newID(), ItemID: i.ID, Occasion: i.ParcelID, ParcelID: i.ParcelID, LineID: i.LineID, CaseID: i.CaseID, CaseNumber: caseNumber,
		CentreID: centre, DepartmentID: i.DepartmentID, What: what, Photos: append([]string{}, photos...),
		ReportedAt: d.now(), ReportedBy: by.String(), Reporter: by.Name, State: moveOf(DamageMoves, "ReportDamage").To, Version: 1,
	}
}

// askOfDamage asks the departments about what is in a parcel that an event says is
// damaged: reported by the window or a carrier, or refused for it at the door. It
// is part of every fold, so the order of events does not matter; each thing of a
// parcel is asked about once.
func (d *Desk) askOfDamage(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel, f folding, g Folded) error {
	id := g.damageEvent()
	if id == "" {
		return nil
	}
	e, _ := f.event(p, id)
	facts := e.facts()
	what := facts.Reason
	if what == "" {
		what = OutcomeDamaged.Word("zh")
	}
	var rows []Damage
	for _, i := range f.items[p.ID] {
		i.ParcelID = p.ID // it may have been shelved in this act
		rows = append(rows, d.damageOf(by, i, p.CaseNumber, p.CentreID, what, e.Proofs))
	}
	return insertDamages(ctx, tx, rows)
}

// damageEvent is the event that says that what is in a parcel is damaged: that it
// is, or that the receiver would not take it so (DEL-808).
func (f Folded) damageEvent() string {
	if f.State == ParcelDamaged {
		return f.EventID
	}
	for _, a := range slices.Backward(f.Attempts) {
		if a.Outcome == OutcomeDamaged && !a.Delivered {
			return a.EndEvent
		}
	}
	return ""
}

// DamageDecision is what the department makes of a damaged thing.
type DamageDecision struct {
	ID     string
	State  DamageState // DamageReissue, DamageKeep or DamageVoid
	Reason string
}

// DecideDamage records the department's decision, once; for a department without
// accounts the window writes down what it was told. To issue it again makes the
// department owe the result anew, in a set of its own (DEL-306); what is given up
// is made void by two people of its keeper (DEL-946). Refusals: not_found,
// not_your_department, department_has_accounts, damage_choice, damage_over,
// reason_missing, text_invalid.
func (d *Desk) DecideDamage(ctx context.Context, by auth.Actor, r DamageDecision) (out Damage, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		x, err := findDamage(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		v, err := lockToDestroy(ctx, tx, by, x.ItemID)
		if err != nil {
			return err
		}
		if !x.Open() && (atWindow(by) || ofDepartment(by, x.DepartmentID)) {
			return damageOver() // there is nothing left that the window could be told to leave alone
		}
		if err := r.check(); err != nil {
			return err
		}
		if err := mayDecideDamage(ctx, tx, by, x); err != nil {
			return err
		}
		out, err = d.decideDamage(ctx, tx, by, v, x, r)
		return err
	})
	if err != nil {
		return Damage{}, err
	}
	return out, nil
}

func (r DamageDecision) check() error {
	if !slices.Contains(DamageChoices, r.State) {
		return fault.Refuse(fault.Invalid, "damage_choice",
			"请选择重新制发、照常送达或作废", "choose to issue it again, to deliver it as it is, or to make it void")
	}
	return checkReason("reason", r.Reason)
}

// DamageChoices are the decisions, as forms offer them.
var DamageChoices = []DamageState{DamageReissue, DamageKeep, DamageVoid}

func (d *Desk) decideDamage(ctx context.Context, tx bun.IDB, by auth.Actor, v ItemView, x Damage, r DamageDecision) (Damage, error) {
	x.State, x.Reason, x.DecidedAt, x.DecidedBy, x.DecidedName = r.State, strings.TrimSpace(r.Reason), d.now(), by.String(), by.Name
	if err := updateDamage(ctx, tx, &x); err != nil {
		return Damage{}, err
	}
	if x.State == DamageReissue {
		if err := d.reissue(ctx, tx, x.CaseID, "补发：物料 "+v.Number+" 污损", []Item{v.Item}); err != nil {
			return Damage{}, err
		}
	}
	asked, err := openAlertsAbout(ctx, tx, x.ItemID)
	if err != nil {
		return Damage{}, err
	}
	asked = slices.DeleteFunc(asked, func(a Alert) bool { return a.Kind != AlertItemDamaged })
	if err := d.end(ctx, tx, asked, by, ""); err != nil {
		return Damage{}, err
	}
	return x, audit.Record(ctx, tx, d.damageLeaf("damage_decided", by, x))
}

// mayDecideDamage: the department that issued it, for one without accounts the
// window with its word.
func mayDecideDamage(ctx context.Context, q bun.IDB, by auth.Actor, x Damage) error {
	return actsFor(ctx, q, by, x.DepartmentID, x.CentreID, fault.Refuse(fault.Forbidden, "not_your_department",
		"只有出具结果的部门可以决定；部门没有账号的，由窗口代记", "only the department that issued it decides; for one without accounts the window records it"))
}

func (d *Desk) damageLeaf(what string, by auth.Actor, x Damage) audit.Leaf {
	return audit.Leaf{Type: what, Stream: Stream(x.CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
		"damage": x.ID, "item": x.ItemID, "parcel": x.ParcelID, "state": string(x.State), "photos": x.Photos, "reason": x.Reason,
	}}
}

// ListDamages are the damaged things that wait for the actor's side, the oldest
// first: a department decides; a window waits for it, and then takes back,
// replaces or makes void what was decided on.
func (d *Desk) ListDamages(ctx context.Context, by auth.Actor) (out []Damage, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = damagesFor(ctx, q, by)
		return err
	})
	return out, err
}

// MayOnDamage says whether the actor may report a thing damaged now, and decide on
// the damage in question, so that pages offer nothing else.
func (d *Desk) MayOnDamage(ctx context.Context, by auth.Actor, v ItemView) (report, decide bool, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if n := slices.IndexFunc(v.Damages, Damage.Open); n >= 0 {
			refused := mayDecideDamage(ctx, q, by, v.Damages[n])
			decide = refused == nil
			return notForbidden(refused)
		}
		report = v.LineID != "" && mayReceive(by, v.Line.CentreID) == nil && v.mayBeDamaged(ctx, q) == nil
		return nil
	})
	return report, decide, err
}

// watchDamages tells departments of what they have to decide on.
func (d *Desk) watchDamages(ctx context.Context) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		rows, err := damagesUntold(ctx, tx)
		if err != nil || len(rows) == 0 {
			return err
		}
		alerts := make([]Alert, len(rows))
		for n, x := range rows {
			i := Item{ID: x.ItemID, Number: x.ItemNumber, ParcelID: x.ParcelID, CaseID: x.CaseID, DepartmentID: x.DepartmentID}
			alerts[n] = d.alertOfItem(AlertItemDamaged, i, x.CaseNumber, x.CentreID)
		}
		leaves, err := d.raise(ctx, tx, alerts)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// mayBeWrittenOff: of a damaged parcel the departments have decided first, and
// none wants its result delivered as it is (DEL-808).
func (p Parcel) mayBeWrittenOff(ctx context.Context, q bun.IDB, items []Item) error {
	if p.State != ParcelDamaged {
		return nil
	}
	rows, err := damagesOf(ctx, q, idsOf(items))
	if err != nil {
		return err
	}
	for _, x := range rows {
		switch {
		case x.Open():
			return damageWaits()
		case x.State == DamageKeep && x.ParcelID == p.ID:
			return fault.Refuse(fault.Conflict, "damage_kept",
				"出具部门决定照常送达其中的结果，不能整件核销；请登记“找到”，退回窗口后重新封装", "a department wants its result delivered as it is; take the parcel back to the window and seal it anew")
		}
	}
	return nil
}
