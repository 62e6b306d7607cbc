// Package slot finds the times at which every required department of a visit
// can come, with names and in order, or says what stands in the way (INS-5xx).
//
// The nouns: a Problem is everything known about the question; Prepare lays it
// out as rows of bits, one bit per five minutes of opening hours; Search gives
// Offers, ranked; Check judges one named choice again, inside the booking
// transaction (DEC-5); Explain gives the first failed rule of every rejected
// start, the party that blocks, and the nearest alternatives.
//
//	rows, err := slot.Prepare(problem)
//	offers := rows.Search(20)
//	if len(offers) == 0 {
//		explanation := rows.Explain()
//	}
//
// The package is pure: no clock, no database, and the order in which days,
// departments or people are given never changes an answer.
package slot

import (
	"time"

	"lianban/scheduler/workday"
)

// Grain is the finest time the search distinguishes, in minutes (INS-507).
const Grain = 5

// MaxMinutes is the longest visit that can be searched for, in minutes.
const MaxMinutes = 64 * Grain

// Noon divides a day into half-days, in minutes after midnight: a visit
// belongs to the half-day in which it starts. House rule.
const Noon = 12 * 60

// Problem is one question, with everything its answer depends on. The visit
// that is being re-timed, and the asking clerk's own slot hold on it, must be
// left out of all engagements.
type Problem struct {
	Ask Ask
	// Days are all days that may be looked at, also for alternatives: they
	// should reach some weeks past Ask.To and the limit date.
	Days        []Day
	Departments []Department // the required ones; invited departments take no part (INS-503)
	Vehicles    Vehicles
	Rooms       Rooms
	Applicant   []Span // when the applicant can be there; empty means any time
	Centre      Centre
	Site        Place // zero when the visit has no place of its own
	Travel      Travel
	// DutyLegs demands that the first and last leg, from and to the department's
	// base, fit between times away (PLN-205). Ranking counts them in any case.
	DutyLegs bool
}

// Ask is what the clerk may vary without anything in the world changing.
type Ask struct {
	From, To  workday.Date // asked days, both included; zero leaves that side open
	Minutes   int          // duration, a multiple of Grain up to MaxMinutes
	Otherwise []int        // other durations the matter allows, for alternatives (INS-511)
	Band      Band
	Step      int          // minutes between starts, a multiple of Grain; 0 means 15 (INS-507)
	Earliest  workday.Date // Add(notice day, lead), INS-605
	Limit     workday.Date // limit date; zero means none
	PastLimit bool         // a supervisor allows days after Limit (INS-612)
}

// Band is the half-day asked for.
type Band string

// The bands. The empty Band is BandAny.
const (
	BandAny Band = "any"
	BandAM  Band = "am"
	BandPM  Band = "pm"
)

// Day is one calendar day of the organising centre.
type Day struct {
	Date        workday.Date
	Workday     bool
	Provisional bool          // counted in a year without a notice (INS-405)
	Hours       workday.Hours // opening blocks, also for days off, so that they can be explained
}

// Span is a stretch of time, half-open.
type Span struct{ From, To time.Time }

// Engagement is something a resource is already bound to.
type Engagement struct {
	Span
	Place    Place // where it is; zero is unknown
	Held     bool  // another clerk's live slot hold (INS-510)
	External bool  // imported busy time, not one of our visits (ICA-113)
}

// Resource is whatever can be in one place at a time: an inspector, a team of
// a headcount department, a vehicle, a room (INS-208, SIM-11).
type Resource struct {
	ID      string
	Away    []Span // leave, off the working pattern, in repair
	Engaged []Engagement
}

// Department is one required department with the people it could send.
type Department struct {
	ID       string
	Division string // code; with Code it breaks ties (INS-508)
	Code     string
	Min      int // staff minimum, or teams when Teams is set (INS-504)
	// Before and After are the buffers in minutes that every visit of this
	// department needs in front of and behind it (INS-505).
	Before, After int
	PerDay        int            // visits per inspector or team and day; 0 means no limit
	Closed        []workday.Date // closures and training days
	Base          Place
	Teams         bool // headcount roster: Inspectors are teams, names come later
	Inspectors    []Inspector
}

// Inspector is one person, or one team, of a Department.
type Inspector struct {
	Resource
	Qualified bool         // for this matter, division and level (INS-209)
	ValidFrom workday.Date // first day of certificate and service; zero is open
	ValidTo   workday.Date // last day of them; zero is open
	Recused   bool         // for this applicant (INS-210)
	Load      int          // visits within ten working days (INS-508)
}

// Policy says whether a visit needs a vehicle (setting vehicle.policy).
type Policy string

// The policies. The empty Policy is PolicyNone.
const (
	PolicyNone     Policy = "none"
	PolicyOptional Policy = "optional" // reserved if free, never blocks
	PolicyRequired Policy = "required"
)

// Vehicles is the need for vehicles and the fleet that could meet it.
type Vehicles struct {
	Policy Policy
	Seats  int // people to carry, over all vehicles together
	Fleet  []Carrier
}

// Rooms is the need for one room; Seats 0 means no room is needed.
type Rooms struct {
	Seats int
	List  []Carrier
}

// Carrier is a vehicle or a room.
type Carrier struct {
	Resource
	Seats int
	Base  Place // where a vehicle starts and ends its day
}

// Centre is the limit of visits per half-day of the organising centre.
type Centre struct {
	PerHalfDay int         // 0 means no limit
	Visits     []time.Time // starts of its live visits and slot holds
}

// Choice is a start with the resources named for it. All of them are needed.
type Choice struct {
	Start    time.Time // UTC
	Minutes  int
	Staff    []Staff // in order of division code, department code
	Vehicles []string
	Room     string // empty if none
}

// Staff names the inspectors of one department.
type Staff struct {
	Department string
	Inspectors []string
}

// Offer is a start at which every rule holds (INS-502).
type Offer struct {
	Choice
	Travel      int  // minutes of travel it adds to the days of those who come
	Load        int  // sum of the loads of those who come
	Provisional bool // the day lies in a year without a notice: marked 暂定
	PastLimit   bool // after the limit date, allowed to a supervisor
}

// Reason is the first rule that failed, and for whom.
type Reason struct {
	Code Code
	// Party is a department's ID, or one of the words below; it is empty for
	// rules about the day and the hour.
	Party string
	// External is set when the start would have passed this rule without
	// imported busy times (ICA-113).
	External bool
}

// Parties that are no department.
const (
	PartyVehicles  = "vehicles"
	PartyRooms     = "rooms"
	PartyApplicant = "applicant"
	PartyCentre    = "centre"
)
