package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/route"
	"lianban/scheduler/workday"
)

// RoundRow is a courier's round as it was planned once, with what it was planned
// from, so that it can be explained (DEL-1307). The last row of a courier counts.
type RoundRow struct {
	bun.BaseModel `bun:"table:courier_rounds" json:"-"`

	ID        string        `bun:"id,pk" json:"id"`
	CourierID string        `json:"courier_id"`
	CentreID  string        `json:"centre_id"`
	MadeAt    time.Time     `json:"made_at"`
	Cause     RoundCause    `json:"cause"`
	Actor     string        `json:"actor"`
	Pins      []Pin         `bun:"type:jsonb" json:"pins"`
	Before    []string      `bun:"type:jsonb" json:"before"` // the order until then, what has left it included
	Changes   []RoundChange `bun:"type:jsonb" json:"changes"`
	Problem   route.Problem `bun:"type:jsonb" json:"problem"`
	Plan      route.Plan    `bun:"type:jsonb" json:"plan"`
}

// RoundCause says why a round was planned.
type RoundCause string

// The causes.
const (
	CauseDay   RoundCause = "day"   // the first plan of a day
	CauseStops RoundCause = "stops" // a parcel came, left, or is due at another time
	CauseLate  RoundCause = "late"  // the courier is behind the plan
	CauseOrder RoundCause = "order" // a person decided on the order
)

// Pin keeps a parcel at the head of a round, in the order of the pins (DEL-1305).
type Pin struct {
	ParcelID string `json:"parcel_id"`
	By       string `json:"by"` // name of who put it there
	Courier  bool   `json:"courier,omitempty"`
}

// StopChange says what happened to a stop between two plans.
type StopChange string

// The changes.
const (
	StopNew   StopChange = "new"
	StopGone  StopChange = "gone"
	StopMoved StopChange = "moved"
)

// RoundChange is one change of a round; From and To are places from 1.
type RoundChange struct {
	Kind     StopChange `json:"kind"`
	ParcelID string     `json:"parcel_id"`
	From     int        `json:"from,omitempty"`
	To       int        `json:"to,omitempty"`
}

// RoundView is a courier's day: what to take over, the stops in order, and the
// rest, for which no way is planned.
type RoundView struct {
	CourierID string        `json:"courier_id"`
	Courier   string        `json:"courier"`
	CentreID  string        `json:"centre_id"`
	MadeAt    time.Time     `json:"made_at,omitzero"`
	Cause     RoundCause    `json:"cause,omitempty"`
	Begin     time.Time     `json:"begin,omitzero"` // of the plan: then, or when delivery hours open
	Cost      route.Cost    `json:"cost"`
	Free      route.Cost    `json:"free"` // without pins and frozen stops
	Taking    []Stop        `json:"taking"`
	Stops     []PlannedStop `json:"stops"`
	Rest      []Stop        `json:"rest"`
	Changes   []RoundChange `json:"changes"`
	Before    []string      `json:"before"` // what could be kept instead of the changes
	Labels    []StopLabel   `json:"labels"` // of every parcel that is named
}

// StopLabel is how people call a parcel's stop.
type StopLabel struct {
	ParcelID string `json:"parcel_id"`
	Number   string `json:"number"`
	Address  string `json:"address"`
}

// Label gives how people call a stop: by its address.
func (v RoundView) Label(id string) string {
	for _, l := range v.Labels {
		if l.ParcelID == id {
			return l.Address
		}
	}
	return id
}

// PlannedStop is a stop with its time, and what else is for the same door. P80 is the
// arrival that four in five keep.
type PlannedStop struct {
	Stop
	Also []Stop `json:"also,omitempty"`
	route.Planned
	P80      time.Time `json:"p80"`
	PinnedBy string    `json:"pinned_by,omitempty"`
}

// FindRound gives a courier's round, planned anew if it is out of date: for the
// courier, the window and auditors. Refusal: not_found.
func (d *Desk) FindRound(ctx context.Context, by auth.Actor, courierID string) (v RoundView, err error) {
	d = d.still()
	fresh := false
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		s, err := d.roundState(ctx, q, by, courierID)
		if err == nil {
			if fresh = s.stale(d.now()) == ""; fresh {
				v, err = d.roundView(ctx, q, s)
			}
		}
		return err
	})
	if err != nil || fresh {
		return v, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		s, err := d.roundState(ctx, tx, by, courierID)
		if err != nil {
			return err
		}
		if cause := s.stale(d.now()); cause != "" {
			if err := d.replan(ctx, tx, &s, cause, auth.System("round"), s.last.Pins); err != nil {
				return err
			}
		}
		v, err = d.roundView(ctx, tx, s)
		return err
	})
	return v, err
}

// OrderRound puts parcels at the head of a round, in this order, in place of what
// was put there before; none lets the planner decide. The courier may, and the
// window (DEL-1305). It is kept until the parcels have left the round. Refusals:
// not_found, not_receiving_window, stop_not_on_round.
func (d *Desk) OrderRound(ctx context.Context, by auth.Actor, courierID string, first []string) (v RoundView, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		s, err := d.roundState(ctx, tx, by, courierID)
		if err != nil {
			return err
		}
		if by.ID != courierID {
			if err := mayReceive(by, s.courier.Centre); err != nil {
				return err
			}
		}
		pins, err := s.pins(by, first)
		if err != nil {
			return err
		}
		if err := d.replan(ctx, tx, &s, CauseOrder, by, pins); err != nil {
			return err
		}
		v, err = d.roundView(ctx, tx, s)
		return err
	})
	return v, err
}

// PlanRounds plans every round that is out of date, so that lights and expected
// times follow the road although nobody looks (DEL-740). It may run late, twice,
// or in two processes at once.
func (d *Desk) PlanRounds(ctx context.Context) error {
	d = d.still()
	var ids []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		ids, err = couriersOnRounds(ctx, q)
		return err
	})
	errs := []error{err}
	for _, id := range ids {
		if _, err := d.FindRound(ctx, auth.System("round"), id); err != nil {
			errs = append(errs, fmt.Errorf("plan the round of %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// roundKept is how long a plan can be explained. House rule: a busy courier's day
// is half a megabyte of plans.
const roundKept = 30 * 24 * time.Hour

// ForgetRounds drops plans that are older.
func (d *Desk) ForgetRounds(ctx context.Context) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error { return deleteRounds(ctx, tx, d.now().Add(-roundKept)) })
}

// roundState is what is known of a courier's round.
type roundState struct {
	courier auth.Person
	parcels []Parcel // open ones
	last    RoundRow // the zero row if there is none of today
}

func (d *Desk) roundState(ctx context.Context, q bun.IDB, by auth.Actor, courierID string) (s roundState, err error) {
	s.courier, err = auth.FindPerson(ctx, q, courierID)
	if fault.Is(err, "person_unknown") {
		return s, notFound()
	}
	if err != nil {
		return s, err
	}
	if !s.courier.Actor().Is(auth.Courier) || !mayReadParcel(by, Parcel{CourierID: courierID, CentreID: s.courier.Centre}) {
		return s, notFound()
	}
	if s.parcels, err = roundOf(ctx, q, courierID); err != nil {
		return s, err
	}
	s.last, err = lastRound(ctx, q, courierID)
	if workday.DateOf(s.last.MadeAt) != workday.DateOf(d.now()) {
		s.last = RoundRow{}
	}
	return s, err
}

// stale says why a round has to be planned; nothing: the last plan holds.
func (s roundState) stale(now time.Time) RoundCause {
	if s.last.ID == "" {
		if slices.ContainsFunc(s.parcels, func(p Parcel) bool { return slices.Contains(roundStates, p.State) }) {
			return CauseDay
		}
		return ""
	}
	stops := doors(s.parcels, nil)
	if len(stops) != len(s.last.Plan.Stops) {
		return CauseStops
	}
	for _, one := range stops {
		same := func(o route.Stop) bool { return slices.Equal(thingsOf(o), thingsOf(one)) && o.Due.Equal(one.Due) }
		if !slices.ContainsFunc(s.last.Problem.Stops, same) {
			return CauseStops
		}
	}
	for _, p := range s.parcels {
		if p.State == ParcelArrived && doorOf(stops, p.ID) != s.last.Plan.Stops[0].ID {
			return CauseStops
		}
	}
	if len(stops) > 0 && now.After(p80(s.last.Problem.Begin, s.last.Plan.Stops[0].Leave)) {
		return CauseLate
	}
	return ""
}

// pins names who puts what at the head.
func (s roundState) pins(by auth.Actor, first []string) (out []Pin, err error) {
	for _, id := range first {
		i := slices.IndexFunc(s.parcels, func(p Parcel) bool { return p.ID == id && slices.Contains(roundStates, p.State) })
		if i < 0 || slices.ContainsFunc(out, func(p Pin) bool { return p.ParcelID == id }) {
			return nil, fault.Refuse(fault.Conflict, "stop_not_on_round",
				"这一站已不在本趟派送中（可能已送达、改派或退回），请刷新后再排", "that stop is no longer on this round (delivered, given away or on its way back); reload and order again")
		}
		pin := Pin{ParcelID: id, By: by.Name, Courier: by.ID == s.courier.ID}
		if j := slices.IndexFunc(s.last.Pins, func(p Pin) bool { return p.ParcelID == id }); j >= 0 {
			pin = s.last.Pins[j]
		}
		out = append(out, pin)
	}
	return out, nil
}

// replan makes and keeps a new plan. Every plan passes the checker (DEL-1308).
func (d *Desk) replan(ctx context.Context, tx bun.IDB, s *roundState, cause RoundCause, by auth.Actor, pins []Pin) error {
	in, err := d.roundInput(ctx, tx, *s)
	if err != nil {
		return err
	}
	in.Pins, in.Freeze = pins, cause != CauseOrder
	problem := in.problem()
	if len(problem.Stops) > route.MaxStops {
		return nil // roundOf reads no more; nobody carries as many
	}
	plan, err := route.Make(problem, route.Options{Seed: 1})
	if err != nil {
		return err
	}
	if wrong := route.Check(problem, plan); len(wrong) > 0 {
		return fmt.Errorf("the checker refuses the round of %s: %s", s.courier.ID, strings.Join(wrong, "; "))
	}
	row := RoundRow{
		ID: newID(), CourierID: s.courier.ID, CentreID: s.courier.Centre, MadeAt: d.now(), Cause: cause, Actor: by.String(),
		Pins:   slices.DeleteFunc(slices.Clone(pins), func(p Pin) bool { return !slices.Contains(problem.First, doorOf(problem.Stops, p.ParcelID)) }),
		Before: in.Before, Problem: problem, Plan: plan,
	}
	var order []string
	for _, one := range plan.Stops {
		order = append(order, one.ID)
	}
	row.Changes = changesOf(in.Before, order)
	s.last = row
	if err := insertRound(ctx, tx, &row); err != nil {
		return err
	}
	return d.predict(ctx, tx, s)
}

// predict writes when each parcel of a round is expected, and takes it back where
// no way is planned (DEL-740).
func (d *Desk) predict(ctx context.Context, tx bun.IDB, s *roundState) error {
	if err := forgetPredictions(ctx, tx, s.courier.ID); err != nil {
		return err
	}
	for i := range s.parcels {
		p := &s.parcels[i]
		p.PredictedAt, p.PredictedP80 = time.Time{}, time.Time{}
		door := doorOf(s.last.Problem.Stops, p.ID)
		j := slices.IndexFunc(s.last.Plan.Stops, func(o route.Planned) bool { return o.ID == door })
		if j < 0 {
			continue
		}
		p.PredictedAt = s.last.Plan.Stops[j].Arrive
		p.PredictedP80 = p80(s.last.Problem.Begin, p.PredictedAt)
		if err := predictParcel(ctx, tx, *p); err != nil {
			return err
		}
	}
	return nil
}

// roundInput reads what a plan needs beside the state: what is inside, where the
// courier is, and when delivery hours are.
func (d *Desk) roundInput(ctx context.Context, q bun.IDB, s roundState) (in roundInput, err error) {
	in.Parcels, in.Classes = s.parcels, map[string][]Class{}
	for _, one := range s.last.Plan.Stops {
		in.Before = append(in.Before, one.ID)
	}
	in.Before = renamed(s.last.Problem.Stops, doors(s.parcels, nil), in.Before)
	var ids []string
	for _, p := range s.parcels {
		ids = append(ids, p.ID)
		in.Road = in.Road || p.State == ParcelOut || p.State == ParcelArrived
	}
	if len(ids) > 0 {
		items, err := itemsIn(ctx, q, ids)
		if err != nil {
			return in, err
		}
		for id, all := range items {
			in.Classes[id] = classesOf(all)
		}
	}
	if in.Begin, in.End, err = d.roundHours(ctx, q, s.courier.Centre); err != nil {
		return in, err
	}
	in.From, err = d.whereabouts(ctx, q, s)
	return in, err
}

// roundHours is from when a courier can be on the way, now or when delivery hours
// open, and when that day ends.
func (d *Desk) roundHours(ctx context.Context, q bun.IDB, centre string) (begin, end time.Time, err error) {
	cal, err := office.CalendarOf(ctx, q, centre, d.now())
	if err != nil {
		return begin, end, err
	}
	hours := DefaultPromiseTerms().Delivery
	begin, err = cal.AddMinutes(d.now(), 0, hours)
	return begin, hours.Closes(workday.DateOf(begin)), err
}

// whereabouts is where the courier was last today, by what was reported and by no
// tracking (DEL-1032); at the window before that.
func (d *Desk) whereabouts(ctx context.Context, q bun.IDB, s roundState) (route.Point, error) {
	last, err := lastStop(ctx, q, s.courier.ID, workday.DateOf(d.now()).Midnight())
	if err != nil {
		return route.Point{}, err
	}
	if last.Receiver.Lat != 0 || last.Receiver.Lon != 0 {
		return route.Point{Lat: last.Receiver.Lat, Lon: last.Receiver.Lon}, nil
	}
	centre, err := office.FindCentre(ctx, q, s.courier.Centre)
	return route.Point{Lat: centre.Lat, Lon: centre.Lon}, err
}

// roundView puts the parcels of a round in the order of its plan.
func (d *Desk) roundView(ctx context.Context, q bun.IDB, s roundState) (RoundView, error) {
	v := RoundView{
		CourierID: s.courier.ID, Courier: s.courier.Name, CentreID: s.courier.Centre, MadeAt: s.last.MadeAt, Cause: s.last.Cause,
		Begin: s.last.Problem.Begin, Cost: s.last.Plan.Cost, Free: s.last.Plan.Free, Changes: s.last.Changes, Before: s.last.Before,
	}
	stops, err := d.stopsOf(ctx, q, s.parcels)
	if err != nil {
		return v, err
	}
	for _, one := range s.last.Plan.Stops {
		things := s.last.things(one.ID, stops)
		if len(things) == 0 {
			continue
		}
		planned := PlannedStop{Stop: things[0], Also: things[1:], Planned: one, P80: p80(s.last.Problem.Begin, one.Arrive)}
		if j := slices.IndexFunc(s.last.Pins, func(p Pin) bool { return doorOf(s.last.Problem.Stops, p.ParcelID) == one.ID }); j >= 0 {
			planned.PinnedBy = s.last.Pins[j].By
		}
		v.Stops = append(v.Stops, planned)
	}
	for _, one := range stops {
		switch {
		case one.State == ParcelSealed:
			v.Taking = append(v.Taking, one)
		case !slices.Contains(roundStates, one.State):
			v.Rest = append(v.Rest, one)
		}
	}
	v.Labels, err = labelsOf(ctx, q, s)
	return v, err
}

// things are the parcels of a stop of the plan as the courier sees them, the one it
// goes by first.
func (r RoundRow) things(door string, stops []Stop) (out []Stop) {
	i := slices.IndexFunc(r.Problem.Stops, func(o route.Stop) bool { return o.ID == door })
	for _, id := range thingsOf(r.Problem.Stops[i]) {
		if j := slices.IndexFunc(stops, func(o Stop) bool { return o.ParcelID == id }); j >= 0 {
			out = append(out, stops[j])
		}
	}
	return out
}

// labelsOf names every parcel that a plan speaks of, also those that have left.
func labelsOf(ctx context.Context, q bun.IDB, s roundState) (out []StopLabel, err error) {
	var gone []string
	for _, c := range s.last.Changes {
		if !slices.ContainsFunc(s.parcels, func(p Parcel) bool { return p.ID == c.ParcelID }) {
			gone = append(gone, c.ParcelID)
		}
	}
	all := s.parcels
	if len(gone) > 0 {
		left, err := parcelsByID(ctx, q, gone)
		if err != nil {
			return nil, err
		}
		for _, id := range gone {
			p := left[id]
			p.Receiver.Address = MaskAddress(p.Receiver.Address) // it has left this courier's hands (DEL-1012)
			all = append(all[:len(all):len(all)], p)
		}
	}
	for _, p := range all {
		out = append(out, StopLabel{p.ID, p.Number, p.Receiver.Address})
	}
	return out, nil
}
