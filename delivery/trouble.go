package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Hold stops a parcel on its way until somebody has decided or the applicant has
// answered (DEL §4.1). The promise goes on: only Pause stops its clock. Refusals:
// not_found, not_receiving_window, parcel_state, reason_missing, text_invalid.
func (d *Desk) Hold(ctx context.Context, by auth.Actor, parcelID, reason string) (Parcel, error) {
	return d.decide(ctx, by, parcelID, EventOnHold, reason)
}

// Resume lets a parcel on hold go on from where it was. Refusals: as Hold.
func (d *Desk) Resume(ctx context.Context, by auth.Actor, parcelID, reason string) (Parcel, error) {
	return d.decide(ctx, by, parcelID, EventResumed, reason)
}

// Recall orders a parcel on the road back to the window: it was withdrawn, or is
// to be collected there (DEL-806, DEL-222). The courier sees it in the round; only
// the window's own scan ends the return (DEL-425). Refusals: as Hold.
func (d *Desk) Recall(ctx context.Context, by auth.Actor, parcelID, reason string) (Parcel, error) {
	return d.decide(ctx, by, parcelID, EventReturning, reason)
}

// Found lets a lost or damaged parcel come back: it is on its way to the window,
// and what happened stays in its history (DEL-807). Refusals: as Hold.
func (d *Desk) Found(ctx context.Context, by auth.Actor, parcelID, note string) (Parcel, error) {
	return d.decide(ctx, by, parcelID, EventFound, note)
}

// decide is an act of the window that moves a parcel and needs its reason alone.
func (d *Desk) decide(ctx context.Context, by auth.Actor, parcelID string, what EventType, reason string) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantNext(what); err != nil {
			return err
		}
		if err := checkReason("reason", reason); err != nil {
			return err
		}
		return d.happened(ctx, tx, by, p, what, Facts{Reason: reason}, nil)
	})
}

// wantNext refuses an act that cannot follow where the parcel is: people at a
// desk see the state and can still choose another act.
func (p Parcel) wantNext(what EventType) error {
	ok := p.State.MayFollow(eventMoves[what])
	switch what {
	case EventResumed:
		ok = p.State == ParcelOnHold
	case EventReturning: // what is lost or damaged is found first
		ok = ok && p.State != ParcelLost && p.State != ParcelDamaged
	case EventFound: // it goes on to the window from there
		ok = p.State == ParcelLost || p.State == ParcelDamaged
	}
	if ok {
		return nil
	}
	return p.wantState()
}

// May reports whether an act of the window can follow where the parcel is, so
// that pages offer nothing else.
func (p Parcel) May(what EventType) bool { return p.wantNext(what) == nil }

// HarmRequest reports that a parcel was lost or damaged.
type HarmRequest struct {
	ParcelID string
	What     EventType // EventLost or EventDamaged
	Reason   string    // what is known; of damage: what, and the state of the bag
	Photos   []string  // SHA-256 of blobs; of damage at least one (DEL-808)
}

// ReportHarm records that a parcel is lost or damaged (DEL-807, DEL-808).
// The applicant is told; who signed for it last answers until it is found or
// written off. Refusals: as Hold, and harm_kind, harm_photo, blob_unknown.
func (d *Desk) ReportHarm(ctx context.Context, by auth.Actor, r HarmRequest) (Parcel, error) {
	d = d.still()
	if r.What != EventLost && r.What != EventDamaged {
		return Parcel{}, fault.Refuse(fault.Invalid, "harm_kind",
			"请选择“遗失”或“污损”", "choose lost or damaged")
	}
	return d.onParcel(ctx, by, r.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantNext(r.What); err != nil {
			return err
		}
		if err := checkHarm(ctx, tx, r.What, r.Reason, r.Photos); err != nil {
			return err
		}
		e, err := d.deskEvent(by, p, r.What, Facts{Reason: r.Reason})
		if err != nil {
			return err
		}
		e.Proofs = append(e.Proofs, r.Photos...)
		holder, err := holderOf(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		return d.appended(ctx, tx, by, p, e, map[string]any{"holder": holder.ID, "holder_kind": string(holder.Kind)})
	})
}

// checkHarm wants what is known written down, and of damage photos.
func checkHarm(ctx context.Context, q bun.IDB, what EventType, reason string, photos []string) error {
	if err := checkReason("reason", reason); err != nil {
		return err
	}
	if what == EventDamaged && len(photos) == 0 {
		return damagePhoto()
	}
	for _, sum := range photos {
		if _, err := findBlob(ctx, q, sum); err != nil {
			return blobUnknown()
		}
	}
	return nil
}

func damagePhoto() *fault.Error {
	return fault.Refuse(fault.Invalid, "harm_photo",
		"污损请附照片：损坏处和封袋各拍清楚", "for damage add a photo of it and of the bag")
}

// holderOf is who answers for what is in a parcel.
func holderOf(ctx context.Context, q bun.IDB, parcelID string) (Keeper, error) {
	items, err := itemsIn(ctx, q, []string{parcelID})
	if err != nil || len(items[parcelID]) == 0 {
		return Keeper{}, err
	}
	return items[parcelID][0].keeper(), nil
}

// WriteOffRequest ends a lost or damaged parcel for good.
type WriteOffRequest struct {
	ParcelID string
	Reason   string
	Reissue  bool // of a lost parcel: the departments issue again what was in it
	Second   auth.Credentials
}

// WriteOff is the recorded decision that ends a lost or damaged parcel (DEC-19):
// a supervisor takes it with a second person of the window, because what is in it
// is void from then on (DEL-946). The things stay in the register as destroyed.
// With Reissue each department owes its result again, in a set of its own
// (DEL-306); of a damaged parcel the departments decide that, and first (DEL-808).
// Refusals: as Hold, and damage_open, damage_kept, not_supervisor, write_off_second,
// second_person_missing, second_person_same, sign_in_failed.
func (d *Desk) WriteOff(ctx context.Context, by auth.Actor, r WriteOffRequest) (Parcel, error) {
	d = d.still()
	if err := d.mayWriteOff(ctx, by, r.ParcelID); err != nil {
		return Parcel{}, err
	}
	second, err := d.second(ctx, by, r.Second)
	if err != nil {
		return Parcel{}, err
	}
	return d.onParcel(ctx, by, r.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantNext(EventWrittenOff); err != nil {
			return err
		}
		if err := checkReason("reason", r.Reason); err != nil {
			return err
		}
		if second.ID == "" {
			return fault.Refuse(fault.Invalid, "write_off_second",
				"核销须两人办理：请本窗口另一名工作人员输入账号和密码", "a parcel is written off by two: let another person of this window enter account and password")
		}
		items, err := itemsIn(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		if err := p.mayBeWrittenOff(ctx, tx, items[p.ID]); err != nil {
			return err
		}
		if r.Reissue = r.Reissue && p.State == ParcelLost; r.Reissue { // of what is damaged its department has decided
			if err := d.reissue(ctx, tx, p.CaseID, "补发：邮件 "+p.Number+" 已核销", items[p.ID]); err != nil {
				return err
			}
		}
		return d.happened(ctx, tx, by, p, EventWrittenOff, Facts{Reason: r.Reason}, map[string]any{
			"second": second.String(), "reissue": r.Reissue, "items": idsOf(items[p.ID]),
		})
	})
}

// mayWriteOff looks before anybody's password is tried. What it looks at does not
// change: a parcel stays with its centre.
func (d *Desk) mayWriteOff(ctx context.Context, by auth.Actor, parcelID string) error {
	return d.DB.Read(ctx, func(q bun.IDB) error {
		p, err := findParcel(ctx, q, parcelID)
		if err != nil {
			return err
		}
		if !mayReadParcel(by, p) {
			return notFound()
		}
		if err := mayReceive(by, p.CentreID); err != nil {
			return err
		}
		if !by.Is(auth.Supervisor) {
			return notSupervisor()
		}
		return nil
	})
}

func idsOf(items []Item) (ids []string) {
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

// reissue makes the departments of lost or void things owe their results again, on
// that ground. One that owes something already hands both over at once.
func (d *Desk) reissue(ctx context.Context, tx bun.IDB, caseID, ground string, items []Item) error {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil || len(lines) == 0 {
		return err
	}
	morning, err := nextMorning(ctx, tx, lines[0].CentreID, d.now())
	if err != nil {
		return err
	}
	var fresh []ResultLine
	for _, l := range lines {
		lost := func(i Item) bool { return i.LineID == l.ID }
		owes := func(o ResultLine) bool { return o.DepartmentID == l.DepartmentID && o.open() }
		if !slices.ContainsFunc(items, lost) || slices.ContainsFunc(lines, owes) || slices.ContainsFunc(fresh, owes) {
			continue
		}
		again := ResultLine{
			ID: newID(), CaseID: l.CaseID, CaseNumber: l.CaseNumber, MatterCode: l.MatterCode, MatterName: l.MatterName, Applicant: l.Applicant,
			CentreID: l.CentreID, DepartmentID: l.DepartmentID, Department: l.Department, Permit: l.Permit, State: LineExpected,
			Ground: ground, ExpectedAt: d.now(), RemindAt: morning, WindowOnly: l.WindowOnly, Version: 1,
		}
		fresh = append(fresh, again)
	}
	if len(fresh) == 0 {
		return nil
	}
	return insertLines(ctx, tx, fresh)
}
