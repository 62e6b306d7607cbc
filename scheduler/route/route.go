// Package route puts the stops of one courier's round in order and says when
// each will be reached (DEL-1301…1308).
//
// The planner is pure: no clock, no database, no chance but the seed. The same
// problem and seed give the same plan, in whatever order the stops are named
// (DEL-1307). Inside the search everything is a whole number: seconds, metres
// and points of cost (PLN-103).
//
// [Make] plans, [Check] verifies a plan from the problem alone; it shares
// nothing with the search but the types (DEL-1308).
//
// plan 三(二): 同城一日送达.
package route

import (
	"time"

	"lianban/scheduler/slot"
)

// Point is a place, WGS-84. The zero Point is unknown.
type Point = slot.Point

// Problem is one round to put in order. Stops are open ones only; those already
// served are not part of it.
type Problem struct {
	Begin time.Time  `json:"begin"`        // when the courier sets out
	From  slot.Point `json:"from"`         // where; the zero point is unknown
	End   time.Time  `json:"end,omitzero"` // of the shift; zero: none
	Roads Roads      `json:"roads"`
	Stops []Stop     `json:"stops"`
	First []string   `json:"first,omitempty"` // ids that stay at the head, in this order: pins, and what is frozen (DEL-1306)
}

// Stop is one place to go to. What is Also left at its door comes and goes with it,
// and each takes Further seconds more. Stops with the same Place are one for travel,
// and every further one there takes Further seconds (PLN-306).
type Stop struct {
	ID      string     `json:"id"`
	Also    []string   `json:"also,omitempty"`
	At      slot.Point `json:"at,omitzero"` // zero: unknown, planned after the others
	Place   string     `json:"place,omitempty"`
	Service int        `json:"service"`      // seconds at the door
	Due     time.Time  `json:"due,omitzero"` // zero: no promise
	Weight  int        `json:"weight"`       // how much a late one hurts, from 1 (DEL-1305)
}

// Roads says how straight lines become seconds (DEL-1301).
type Roads struct {
	Detour  float64 `json:"detour"`  // road over straight line
	Speed   int     `json:"speed"`   // km/h
	Unknown int     `json:"unknown"` // seconds for a leg to or from a stop without a point
	Further int     `json:"further"` // seconds at the door for one thing or stop more at the same place
}

// DefaultRoads are those of DEL-1301; the speed is that of an electric bicycle
// in town traffic (house rule).
func DefaultRoads() Roads {
	return Roads{Detour: 1.35, Speed: 18, Unknown: 600, Further: 60}
}

// Options of a search. Nothing here is time: a budget in seconds would make the
// plan depend on the machine (PLN-701).
type Options struct {
	Seed       uint64 `json:"seed"`
	Iterations int    `json:"iterations"` // kicks of the search; 0: EnoughFor the stops
}

// EnoughFor gives the iterations after which more of them hardly help.
func EnoughFor(stops int) int { return 12 * stops }

// Plan is a round in order.
type Plan struct {
	Options Options   `json:"options"`
	Stops   []Planned `json:"stops"`
	Cost    Cost      `json:"cost"`
	Free    Cost      `json:"free"` // of the order that would be taken if nothing had to stay at the head
}

// Planned is one stop of a plan. Arrive is the time that is as likely kept as
// not.
type Planned struct {
	ID     string    `json:"id"`
	Arrive time.Time `json:"arrive"`
	Leave  time.Time `json:"leave"`
	Way    int       `json:"way"`    // seconds from the stop before
	Metres int       `json:"metres"` // by road, 0 if unknown
	Why    Why       `json:"why"`
	Late   Late      `json:"late,omitzero"` // without a code: in time
}

// Cost is what a plan is measured by. Points is the sum that the search makes
// small: ten for a minute on the road, 5,000 and 50 a minute for a stop that is
// late, times its weight (PLN-309), all sixtyfold to stay whole.
type Cost struct {
	Way    int `json:"way"`    // seconds on the road
	Late   int `json:"late"`   // stops
	Behind int `json:"behind"` // seconds of lateness, all stops together
	Points int `json:"points"`
}

// The points of PLN-309, by the second.
const (
	wayPoints = 10
	lateOnce  = 5000 * 60
	latePoint = 50
)

// LateCode says why a stop is planned late (DEL-1304).
type LateCode string

// The reasons that one courier's round can have.
const (
	NoTime   LateCode = "no_time"   // due before the courier sets out, or the stops ahead take its time
	TooFar   LateCode = "too_far"   // the way alone takes longer than is left
	ShiftEnd LateCode = "shift_end" // reached after the shift has ended
)

// Late is why a stop is late and what a person can check (PLN-505).
type Late struct {
	Code     LateCode  `json:"code,omitempty"`
	Seconds  int       `json:"seconds,omitempty"`
	Earliest time.Time `json:"earliest,omitzero"` // going there first of all
	Ahead    []string  `json:"ahead,omitempty"`   // stops that are served before, if without them it would be in time
}

// WhyCode says why a stop has its place in the order.
type WhyCode string

// The reasons, the first that holds.
const (
	Kept    WhyCode = "kept"     // was to stay where it is
	NoPoint WhyCode = "no_point" // where it lies is not known
	Nearest WhyCode = "nearest"  // nothing that is left lies nearer
	ForDue  WhyCode = "due"      // going to Instead first would make a stop late, or later
	Shorter WhyCode = "shorter"  // going to Instead first would make the round longer
)

// Why explains one place in the order. Instead is the stop that lies nearer, and
// Seconds what the round would be longer.
type Why struct {
	Code    WhyCode `json:"code"`
	Instead string  `json:"instead,omitempty"`
	Seconds int     `json:"seconds,omitempty"`
}
