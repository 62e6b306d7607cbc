package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// signLateAfter is how many minutes of the hall after its limit the supervisor
// hears of a missing signature (DEL-912).
const signLateAfter = 4 * 60

// signTerm is until when what is given away now is signed for. Hours are the
// office hours of one address, 0 stands for an hour of the next working day.
type signTerm struct {
	Due   time.Time
	Hours int
}

// signBy is the term of what goes from one side to the other now: some office
// hours where both are at one address, else an hour of the next working day.
// Both are settings of the centre (DEL-912).
func (d *Desk) signBy(ctx context.Context, q bun.IDB, centreID string, from, to Keeper) (s signTerm, err error) {
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: centreID})
	if err != nil {
		return s, err
	}
	h, err := hallOf{}.of(ctx, q, centreID, d.now())
	if err != nil {
		return s, err
	}
	together, err := atOneAddress(ctx, q, from, to)
	if err != nil {
		return s, err
	}
	if together {
		s.Hours = rules.SignInHours
	}
	s.Due, err = signDue(d.now(), s.Hours, rules.SignInNext, h.cal, h.centre.Hours)
	return s, err
}

// signDue is the end of a term that begins at an instant: so many hours of the
// hall, or with none the minute of the next working day.
func signDue(at time.Time, hours, next int, cal *workday.Calendar, hall workday.Hours) (time.Time, error) {
	if hours > 0 {
		return cal.AddMinutes(at, hours*60, hall)
	}
	day, err := cal.Add(workday.DateOf(at), 1)
	return day.At(next).UTC(), err
}

// atOneAddress reports whether two sides sit in one building: the register has
// the same address for both.
func atOneAddress(ctx context.Context, q bun.IDB, a, b Keeper) (bool, error) {
	one, err := addressOf(ctx, q, a)
	if err != nil {
		return false, err
	}
	other, err := addressOf(ctx, q, b)
	return one != "" && one == other, err
}

// addressOf is where a window or department is, spaces and widths folded.
func addressOf(ctx context.Context, q bun.IDB, k Keeper) (string, error) {
	if k.Kind == AtWindow {
		c, err := office.FindCentre(ctx, q, k.ID)
		return foldNumber(c.Address), err
	}
	dep, err := office.FindDepartment(ctx, q, k.ID)
	return foldNumber(dep.Address), err
}

// handOff is a transfer or bag that waits for a signature.
type handOff struct {
	Kind EntryKind
	ID   string
}

// watchSignatures reminds the side that has not signed by its limit, and tells
// the supervisor four hours of the hall later (DEL-912).
func (d *Desk) watchSignatures(ctx context.Context) error {
	return errors.Join(
		d.raiseUnsigned(ctx, unsignedByLimit, signReminder),
		d.raiseUnsigned(ctx, unsignedForLong, func(h waiting) AlertKind { return AlertSignLate }),
	)
}

// raiseUnsigned raises an alert about each of the hand-overs that a query finds,
// as far as nobody has signed once nobody can.
func (d *Desk) raiseUnsigned(ctx context.Context, find func(context.Context, bun.IDB, time.Time) ([]handOff, error), kind func(waiting) AlertKind) error {
	var late []handOff
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		late, err = find(ctx, q, d.now())
		return err
	})
	errs := []error{err}
	for _, o := range late {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.raiseOver(ctx, tx, o, kind) }); err != nil {
			errs = append(errs, fmt.Errorf("watch signature under %s %s: %w", o.Kind, o.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Desk) raiseOver(ctx context.Context, tx bun.IDB, o handOff, kind func(waiting) AlertKind) error {
	h, err := lockHandOff(ctx, tx, o)
	if err != nil || !h.waits {
		return err
	}
	hall, err := hallOf{}.of(ctx, tx, h.about.CentreID, d.now())
	if err != nil {
		return err
	}
	a := h.about
	a.ID, a.Kind, a.RaisedAt = newID(), kind(h), d.now()
	switch a.Level = a.Kind.row().Level; a.Level {
	case ForDepartment:
		a.DepartmentID = h.to.ID
		fallthrough
	case ForWindow:
		if a.NextAt, err = hall.cal.AddMinutes(h.due, signLateAfter, hall.centre.Hours); err != nil {
			return err
		}
	}
	leaves, err := d.raise(ctx, tx, []Alert{a})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// signReminder is the kind of the reminder: whoever has to sign hears it.
func signReminder(h waiting) AlertKind {
	if h.to.Kind == AtDepartment {
		return AlertSignDepartment
	}
	return AlertSignWindow
}

// waiting is a locked hand-over: what an alert says of it, who has to sign and
// until when, and whether nobody has.
type waiting struct {
	about Alert
	to    Keeper
	due   time.Time
	waits bool
}

func lockHandOff(ctx context.Context, tx bun.IDB, o handOff) (waiting, error) {
	if o.Kind == EntryBag {
		b, err := lockBag(ctx, tx, o.ID)
		return waiting{Alert{Subject: b.ID, BagID: b.ID, Number: b.Number, CentreID: b.CentreID}, b.To(), b.DueAt, b.State == BagReleased}, err
	}
	_, t, err := lockTransfer(ctx, tx, o.ID)
	return waiting{
		Alert{Subject: t.ID, TransferID: t.ID, CaseID: t.CaseID, CaseNumber: t.CaseNumber, Number: t.Number, CentreID: t.CentreID},
		Keeper{t.ToKind, t.ToID}, t.DueAt, t.State == Released,
	}, err
}

// signed ends the alerts about a hand-over that was signed for or refused.
func (d *Desk) signed(ctx context.Context, tx bun.IDB, by auth.Actor, id string) error {
	open, err := openAlertsAbout(ctx, tx, id)
	if err != nil {
		return err
	}
	return d.end(ctx, tx, open, by, "")
}
