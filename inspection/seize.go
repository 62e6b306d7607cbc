package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/slot"
)

// chosen is a choice that is taken for its visit, whose resources and visit are
// locked and that has passed the slot check again (DEC-5).
type chosen struct {
	world
	choice SlotChoice
	locked []Resource
}

// seize takes a time for a visit: for a booking, or as a hold until an instant.
// What the visit held before is given up, dead holds are swept. The caller has
// locked the visit; then the rows go in before the people are locked: of all who want one
// person at one time one gets in, and the others learn it together when that one
// commits, instead of passing the locks on from hand to hand (DB-7, DB-12). Then
// the slot check runs again (DEC-5); what it refuses is rolled back.
func (d *Desk) seize(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, choice SlotChoice, until time.Time) (chosen, error) {
	if len(choice.Resources) == 0 || choice.Start.IsZero() {
		return chosen{}, fault.Refuse(fault.Invalid, "choice_incomplete", "请选择时间和人员", "choose a time and the people who come")
	}
	if choice.Start.Year() > d.now().Year()+1 { // no calendar reaches that far (INS-405), no database much further
		return chosen{}, slotRefused(slot.Reason{Code: slot.NotWorkday})
	}
	choice.Resources = slices.Compact(slices.Sorted(slices.Values(choice.Resources)))
	rows := bookingsOf(by, v, choice, until)
	if err := d.stillFree(ctx, tx, rows); err != nil {
		return chosen{}, err
	}
	if err := keepDays(ctx, tx); err != nil {
		return chosen{}, err
	}
	if err := d.take(ctx, tx, v, rows); err != nil {
		return chosen{}, err
	}
	s := chosen{choice: choice}
	var err error
	if s.locked, err = lockResources(ctx, tx, choice.Resources); err != nil {
		return chosen{}, err
	}
	if s.world, err = d.around(ctx, tx, v); err != nil {
		return chosen{}, err
	}
	if err := d.lockHall(ctx, tx, s.world); err != nil {
		return chosen{}, err
	}
	if err := plannable(s.c, s.departments); err != nil { // INS-305: facts may have changed since the draft
		return chosen{}, err
	}
	err = d.check(ctx, tx, &s)
	return s, err
}

// bookingsOf are the rows of a choice, of a round to come unless they only hold.
func bookingsOf(by auth.Actor, v Visit, choice SlotChoice, until time.Time) []Booking {
	round, end := v.Round, choice.Start.UTC().Add(time.Duration(v.Minutes)*time.Minute)
	if until.IsZero() {
		round++
	}
	rows := make([]Booking, len(choice.Resources))
	for i, id := range choice.Resources {
		rows[i] = Booking{
			ID: newID(), ResourceID: id, VisitID: v.ID, Round: round, Start: choice.Start.UTC(), End: end, ExpiresAt: until, HeldBy: by.String(),
		}
	}
	return rows
}

// stillFree refuses, before any person is locked, what somebody has already.
func (d *Desk) stillFree(ctx context.Context, tx bun.IDB, rows []Booking) error {
	known, taken, err := lookAt(ctx, tx, rows, d.now())
	switch {
	case err != nil:
		return err
	case known < len(rows):
		return notFound()
	case taken:
		return slotTaken()
	}
	return nil
}

// take occupies the chosen resources. Refusal: slot_taken.
func (d *Desk) take(ctx context.Context, tx bun.IDB, v Visit, rows []Booking) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ResourceID
	}
	if err := clearWay(ctx, tx, v.ID, ids, d.now()); err != nil {
		return err
	}
	got, err := occupy(ctx, tx, rows)
	if err == nil && !got {
		return slotTaken()
	}
	return err
}

// lockHall makes bookings of one centre wait for each other where it takes only
// so many visits in a half-day (DEC-5).
func (d *Desk) lockHall(ctx context.Context, tx bun.IDB, w world) error {
	if w.g.rules.CentrePerHalfDay == 0 {
		return nil
	}
	_, err := nextNumber(ctx, tx, "hall/"+w.v.CentreID, d.now(), "%s-%d-%d")
	return err
}

// check runs the slot check on the chosen day for the chosen resources alone:
// nobody else has a say in whether they can come.
func (d *Desk) check(ctx context.Context, tx bun.IDB, s *chosen) error {
	day := dateOf(s.choice.Start)
	if err := s.agree(ctx, tx, day, d.now()); err != nil {
		return err
	}
	if err := s.question(SlotRequest{From: day, To: day, PastLimit: true}, d.now()); err != nil {
		return err
	}
	err := s.days(day, day)
	if fault.Is(err, "calendar_missing") { // INS-405: nothing can be booked in such a year
		return slotRefused(slot.Reason{Code: slot.NotWorkday})
	}
	if err != nil {
		return err
	}
	s.resources = slices.DeleteFunc(slices.Clone(s.locked), func(r Resource) bool { return !s.mayTake(r) })
	if s.v.Kind == KindReview {
		if s.hasRoom, err = hasRoom(ctx, tx, s.v.CentreID); err != nil {
			return err
		}
	}
	if err := d.occupy(ctx, tx, &s.world, nearDays); err != nil {
		return err
	}
	return s.fits()
}

// mayTake: what is in use, of a required department or of the centre.
func (w world) mayTake(r Resource) bool {
	return r.Active && (r.CentreID == w.v.CentreID || slices.Contains(ids(w.departments), r.DepartmentID))
}

// fits refuses a choice that no longer holds, by the code of the first rule
// that fails; what another took meanwhile is slot_taken.
func (s chosen) fits() error {
	rows, err := slot.Prepare(s.problem)
	if err != nil {
		return err
	}
	return slotRefused(rows.Fits(s.choice.Start, s.choice.Resources))
}

func slotRefused(why slot.Reason) error {
	switch why.Code {
	case "":
		return nil
	case slot.Busy, slot.DayFull, slot.TeamFull, slot.Buffer, slot.Travel, slot.Reserved, slot.CentreFull, slot.NoVehicle, slot.NoRoom:
		return slotTaken().With("reason", string(why.Code))
	}
	word := slotWords[why.Code]
	return fault.Refuse(fault.Invalid, "slot_refused",
		"该时间不可约：%[1]s，请另选时间", "this time cannot be booked: %[2]s; choose another", word.ZH, word.EN).With("reason", string(why.Code)).With("department", why.Department)
}

func slotTaken() *fault.Error {
	return fault.Refuse(fault.Conflict, "slot_taken",
		"该时间刚被占用，请从下列时间中另选", "this time has just been taken; choose one of the alternatives")
}
