package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// deskDevice is the device of acts at a desk, under our own clock.
const deskDevice = "desk"

// deskEvent is an act under our own clock.
func (d *Desk) deskEvent(by auth.Actor, p *Parcel, what EventType, facts Facts) (EventRow, error) {
	payload, err := canonicalFacts(facts)
	if err != nil {
		return EventRow{}, err
	}
	t := GradeOnline(d.now())
	e := EventRow{
		ID: newID(), ParcelID: p.ID, DeviceID: deskDevice, Actor: by.String(), Type: what, Occurred: d.now().Format(time.RFC3339Nano),
		ClaimedAt: t.Claimed, ReceivedAt: t.Received, EffectiveAt: t.Effective, Quality: t.Quality, Payload: payload, Proofs: []string{},
	}
	if by.Is(auth.Courier) {
		e.CourierID = by.ID
	}
	return e, nil
}

// happened appends one act of a desk to a parcel's events, folds them, and
// records its leaf as the last step (STY-31).
func (d *Desk) happened(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, what EventType, facts Facts, more map[string]any) error {
	e, err := d.deskEvent(by, p, what, facts)
	if err != nil {
		return err
	}
	return d.appended(ctx, tx, by, p, e, more)
}

func (d *Desk) appended(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, e EventRow, more map[string]any) error {
	if err := d.append(ctx, tx, by, p, e); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.parcelLeaf("parcel_"+string(e.Type), *p, by, more))
}

// append is appended without the leaf, for acts that record more than one.
func (d *Desk) append(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, e EventRow) error {
	if err := insertEvents(ctx, tx, []EventRow{e}); err != nil {
		return err
	}
	_, err := d.refold(ctx, tx, by, []*Parcel{p})
	return err
}

func (d *Desk) parcelLeaf(what string, p Parcel, by auth.Actor, more map[string]any) audit.Leaf {
	fields := map[string]any{"parcel": p.ID, "number": p.Number, "state": string(p.State)}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: Stream(p.CaseID), Actor: by.String(), At: d.now(), Fields: fields}
}

// onParcel runs one act of the window on a parcel.
func (d *Desk) onParcel(ctx context.Context, by auth.Actor, id string, act func(tx bun.IDB, p *Parcel) error) (out Parcel, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := lockParcel(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadParcel(by, p) {
			return notFound()
		}
		if err := mayReceive(by, p.CentreID); err != nil {
			return err
		}
		if err := act(tx, &p); err != nil {
			return err
		}
		out = p
		return nil
	})
	return out, err
}

// mayReadParcel: its window, auditors, and the courier who has it (DEL-108).
func mayReadParcel(by auth.Actor, p Parcel) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case by.Is(auth.Courier):
		return p.CourierID == by.ID
	}
	return atWindow(by) && by.Centre == p.CentreID
}

// wantState refuses an act that does not fit where the parcel is.
func (p Parcel) wantState(states ...ParcelState) error {
	if slices.Contains(states, p.State) {
		return nil
	}
	return fault.Refuse(fault.Conflict, "parcel_state",
		"邮件 %[1]s 目前是“%[2]s”，不能这样办理；请刷新后核对", "parcel %[1]s is %[3]q now and that cannot be done; reload and check",
		p.Number, p.State.Word("zh"), p.State.Word("en")).With("state", p.State)
}
