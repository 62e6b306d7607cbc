package inspection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/slot"
)

// Trip (一车踏勘) is two or more visits of one half-day that one vehicle makes in a
// row (INS-609). Each visit keeps its own time, notice, round and record. VehicleID
// is empty where the centre's visits take no vehicle.
type Trip struct {
	bun.BaseModel `bun:"table:trips" json:"-"`

	ID        string    `bun:"id,pk" json:"id"`
	CentreID  string    `json:"centre_id"`
	Day       string    `json:"day"`  // ISO date
	Half      slot.Band `json:"half"` // am or pm
	VehicleID string    `json:"vehicle_id,omitempty"`
	MadeAt    time.Time `json:"made_at"`
	MadeBy    string    `json:"made_by"`
	EndedAt   time.Time `bun:",nullzero" json:"ended_at,omitzero"`
}

// TripStop is a visit's place in a trip. The order of stops is that of their times.
type TripStop struct {
	bun.BaseModel `bun:"table:trip_stops" json:"-"`

	ID       string    `bun:"id,pk" json:"-"`
	TripID   string    `json:"trip_id"`
	VisitID  string    `json:"visit_id"`
	Round    int       `json:"round"`
	JoinedAt time.Time `json:"joined_at"`
	JoinedBy string    `json:"joined_by"`
	LeftAt   time.Time `bun:",nullzero" json:"left_at,omitzero"`
	LeftWhy  string    `json:"left_why,omitempty"`
}

// Why a visit is not in its trip any more.
const (
	leftByClerk   = "clerk"
	leftMoved     = "moved"
	leftCancelled = "cancelled"
	leftAlone     = "alone" // all others have left
)

// JoinRequest puts a booked visit into the trip of another one, which begins a trip
// if it is in none.
type JoinRequest struct {
	VisitID string
	With    string // another visit
	Once    once.Key
}

// JoinTrip lets one vehicle make two visits in a row, or one more (INS-609). No time
// moves and nobody is told anew: where the visits name different vehicles, the trip's
// takes the place of the other. Refusals: not_found, not_a_window, wrong_window,
// bad_move, trip_not_near, trip_other, trip_tight, trip_vehicle.
func (d *Desk) JoinTrip(ctx context.Context, by auth.Actor, r JoinRequest) (Trip, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Trip, error) { return d.joinTrip(ctx, tx, by, r) })
}

func (d *Desk) joinTrip(ctx context.Context, tx bun.IDB, by auth.Actor, r JoinRequest) (Trip, error) {
	two, err := d.lockTwo(ctx, tx, by, r.VisitID, r.With)
	if err != nil {
		return Trip{}, err
	}
	trip, fresh, err := d.tripFor(ctx, tx, by, two)
	if err != nil || len(fresh) == 0 {
		return trip, err
	}
	near, err := d.near(ctx, tx, two[0])
	if err != nil {
		return trip, err
	}
	if !slices.ContainsFunc(near, func(n Near) bool { return n.Visit.ID == two[1].ID }) {
		return trip, tripNotNear()
	}
	all, err := stopsOf(ctx, tx, trip.ID)
	if err != nil {
		return trip, err
	}
	if err := d.reachable(ctx, tx, trip, append(all, fresh...)); err != nil {
		return trip, err
	}
	var leaves []audit.Leaf
	for _, v := range fresh {
		out, err := d.ride(ctx, tx, by, v, trip.VehicleID)
		if err != nil {
			return trip, err
		}
		stop := TripStop{ID: newID(), TripID: trip.ID, VisitID: v.ID, Round: v.Round, JoinedAt: d.now(), JoinedBy: by.String()}
		if err := insertStop(ctx, tx, &stop); err != nil {
			return trip, err
		}
		leaf := tripLeaf("trip_joined", v.CaseID, stop, by, d.now())
		if out.moved {
			leaf.Fields["out"], leaf.Fields["in"] = out.was, trip.VehicleID
		}
		leaves = append(leaves, leaf)
	}
	return trip, audit.Record(ctx, tx, leaves...)
}

// lockTwo locks two booked visits of the actor's window in the order of their ids
// (DB-12), and gives them as they were asked for.
func (d *Desk) lockTwo(ctx context.Context, tx bun.IDB, by auth.Actor, a, b string) ([2]Visit, error) {
	var out [2]Visit
	order := []string{a, b}
	slices.Sort(order)
	for _, id := range order {
		v, err := lockVisit(ctx, tx, id)
		if err != nil {
			return out, err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return out, err
		}
		if !v.booked() || !d.now().Before(v.Start) {
			return out, movedOn("bad_move")
		}
		if id == a {
			out[0] = v
		} else {
			out[1] = v
		}
	}
	if a == b {
		return out, tripNotNear()
	}
	return out, nil
}

func tripNotNear() error {
	return fault.Refuse(fault.Invalid, "trip_not_near",
		"只能并入同一半天、在设定距离之内且有共同部门的已约踏勘，请从列出的勘验中选择", "a visit joins one of the same half-day, within the set distance and with a department in common; choose from the list")
}

// tripFor is the trip that either visit is in, else a new one, with the visits that
// are to join it. Its row is locked: who joins or leaves waits.
func (d *Desk) tripFor(ctx context.Context, tx bun.IDB, by auth.Actor, two [2]Visit) (trip Trip, fresh []Visit, err error) {
	for _, v := range two {
		stop, in, err := liveStop(ctx, tx, v.ID)
		switch {
		case err != nil:
			return trip, nil, err
		case !in:
			fresh = append(fresh, v)
		case trip.ID == "":
			if trip, err = lockTrip(ctx, tx, stop.TripID); err != nil {
				return trip, nil, err
			}
		case trip.ID != stop.TripID:
			return trip, nil, fault.Refuse(fault.Conflict, "trip_other",
				"两次勘验已在不同的行程，请先让其中一次退出", "the two visits are in different trips; let one of them leave its trip first")
		}
	}
	if trip.ID != "" {
		return trip, fresh, nil
	}
	trip = Trip{ID: newID(), CentreID: two[0].CentreID, Day: dateOf(two[0].Start).String(), Half: halfOf(two[0].Start), MadeAt: d.now(), MadeBy: by.String()}
	for _, v := range []Visit{two[1], two[0]} { // the vehicle of the one that was there first
		if trip.VehicleID != "" {
			break
		}
		if trip.VehicleID, err = vehicleOf(ctx, tx, v.ID); err != nil {
			return trip, nil, err
		}
	}
	err = insertTrip(ctx, tx, &trip)
	return trip, fresh, err
}

// reachable refuses stops between which there is no time for the way (INS-506).
func (d *Desk) reachable(ctx context.Context, q bun.IDB, trip Trip, stops []Visit) error {
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: trip.CentreID})
	if err != nil {
		return err
	}
	visits := make([]string, len(stops))
	for i, v := range stops {
		visits[i] = v.ID
	}
	row, err := sitesOf(ctx, q, visits)
	if err != nil {
		return err
	}
	for i := 1; i < len(row); i++ {
		was, next := row[i-1], row[i]
		minutes := way(rules, was.Site, next.Site)
		if next.Start.Before(was.End.Add(time.Duration(minutes) * time.Minute)) {
			return fault.Refuse(fault.Conflict, "trip_tight",
				"办件%[1]s的勘验 %[2]s 结束，到下一处路上要 %[3]d 分钟，赶不上 %[4]s 开始的一处；请先改期，再并入行程",
				"the visit of %[1]s ends at %[5]s and the way to the next one takes %[3]d minutes, too late for its start at %[6]s; move one of them first, then join them",
				was.CaseNumber, minute(was.End), minutes, minute(next.Start), minuteEnglish(was.End), minuteEnglish(next.Start))
		}
	}
	return nil
}

// swapped says which vehicle a visit had before, empty if none.
type swapped struct {
	moved bool
	was   string
}

// ride gives a visit the vehicle of its trip, as replace does: the row goes in
// before the vehicle is locked, then it looks whether it can be there (INS-602).
func (d *Desk) ride(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, vehicle string) (out swapped, err error) {
	out.was, err = vehicleOf(ctx, tx, v.ID)
	if err != nil || vehicle == "" || vehicle == out.was {
		return out, err
	}
	out.moved = true
	rows := []Booking{{ID: newID(), ResourceID: vehicle, VisitID: v.ID, Round: v.Round, Start: v.Start, End: v.End, HeldBy: by.String()}}
	if err := d.take(ctx, tx, Visit{}, rows); err != nil { // what the visit has already stays
		return out, vehicleBusy(err, v)
	}
	car, err := lockResource(ctx, tx, vehicle)
	if err != nil {
		return out, err
	}
	w, err := d.placeOf(ctx, tx, v, car)
	if err != nil {
		return out, err
	}
	fit, err := slot.Prepare(w.problem)
	if err != nil {
		return out, err
	}
	if why := fit.Fits(v.Start, []string{vehicle}); why.Code != "" {
		return out, vehicleBusy(slotTaken(), v)
	}
	if out.was == "" {
		return out, nil
	}
	return out, freeBooking(ctx, tx, v.ID, out.was)
}

func vehicleBusy(err error, v Visit) error {
	if !fault.Is(err, "slot_taken") {
		return err
	}
	return fault.Refuse(fault.Conflict, "trip_vehicle",
		"行程的车辆在 %[1]s 已另有安排或赶不到（办件 %[2]s），没有并入；请先换车或改期", "the trip's vehicle is taken or cannot be there at %[3]s (case %[2]s), and nothing was joined; change the vehicle or the time first",
		minute(v.Start), v.CaseNumber, minuteEnglish(v.Start))
}

// LeaveTrip takes a visit out of its trip; time, people and vehicle stay as they
// are. Refusals: not_found, not_a_window, wrong_window, no_trip.
func (d *Desk) LeaveTrip(ctx context.Context, by auth.Actor, visitID string) error {
	d = d.still()
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		leaves, err := d.leaveTrip(ctx, tx, by, *v, leftByClerk)
		if err == nil && len(leaves) == 0 {
			err = fault.Refuse(fault.Conflict, "no_trip", "该勘验不在任何行程中，请刷新后核对", "this visit is in no trip; reload and check")
		}
		return leaves, err
	})
	return err
}

// leaveTrip takes a locked visit out of the trip it is in, if any. A trip with one
// stop left is none and ends. Where no clerk asked for it the window gets a word.
func (d *Desk) leaveTrip(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, why string) ([]audit.Leaf, error) {
	stop, in, err := liveStop(ctx, tx, v.ID)
	if err != nil || !in {
		return nil, err
	}
	trip, err := lockTrip(ctx, tx, stop.TripID)
	if err != nil {
		return nil, err
	}
	stop.LeftAt, stop.LeftWhy = d.now(), why
	if err := leaveStop(ctx, tx, stop); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{tripLeaf("trip_left", v.CaseID, stop, by, d.now())}
	rest, err := stopsOf(ctx, tx, trip.ID)
	if err != nil {
		return nil, err
	}
	if len(rest) < 2 {
		for _, last := range rest {
			alone := TripStop{TripID: trip.ID, VisitID: last.ID, Round: last.Round, LeftAt: d.now(), LeftWhy: leftAlone}
			if err := leaveStop(ctx, tx, alone); err != nil {
				return nil, err
			}
			leaves = append(leaves, tripLeaf("trip_left", last.CaseID, alone, by, d.now()))
		}
		trip.EndedAt = d.now()
		if err := endTrip(ctx, tx, trip); err != nil {
			return nil, err
		}
	}
	if why == leftByClerk {
		return leaves, nil
	}
	return leaves, renewTask(ctx, tx, Visit{CentreID: trip.CentreID}, Task{
		Kind: TaskTrip, Subject: trip.ID, CreatedAt: d.now(), Detail: tripWord(v, trip, rest, why),
	})
}

// tripWord tells the window what became of a trip.
func tripWord(v Visit, trip Trip, rest []Visit, why string) string {
	out := fmt.Sprintf("办件%s的勘验已%s，退出 %s%s的行程", v.CaseNumber, map[string]string{leftMoved: "改期", leftCancelled: "取消"}[why], trip.Day, halfWords[trip.Half])
	if len(rest) < 2 {
		return out + "；只剩一处，行程已撤销，该处仍按原时间勘验，请核对用车"
	}
	var numbers []string
	for _, r := range rest {
		numbers = append(numbers, r.CaseNumber)
	}
	return out + "；其余" + strings.Join(numbers, "、") + "不变，请核对先后和用车"
}

var halfWords = map[slot.Band]string{slot.Morning: "上午", slot.Afternoon: "下午"}

// tripLeaf keeps no state: the visit itself does not move.
func tripLeaf(kind, caseID string, s TripStop, by auth.Actor, at time.Time) audit.Leaf {
	fields := map[string]any{"visit": s.VisitID, "round": s.Round, "trip": s.TripID}
	if s.LeftWhy != "" {
		fields["why"] = s.LeftWhy
	}
	return audit.Leaf{Type: kind, Stream: caseStream(caseID), Actor: by.String(), At: at, Fields: fields}
}
