// Package slot finds the times at which every required department can come,
// and says for every other time who stands against it (INS-501…513).
//
// The search is pure: same input, same output, no clock, no database, and the
// order in which days, departments or people are given changes nothing. A day
// is a row of bits, one bit for a start every five minutes. A person's row has
// a bit where the whole visit would fit; a department's row has a bit where at
// least Min of its people fit; the offers are the AND of all departments'
// rows. [Prepare] makes the people's rows, [Rows.Search] counts and joins them,
// [Rows.Explain] says what stood in the way, [Rows.Fits] checks one choice
// again inside the booking transaction.
//
// plan 三(三)3-四: the window sets one time for all.
package slot

import (
	"time"

	"lianban/scheduler/workday"
)

// Problem is one question to the search. Departments are the required ones;
// invited ones take no part (INS-503). Days reach as far as alternatives may
// lie; From and To are the dates asked for, both included. The visit asked
// about, and its own slot hold, must not be among the engagements.
type Problem struct {
	Days        []Day
	From, To    workday.Date
	Departments []Department
	Minutes     int  // length of the visit, a multiple of 5
	Band        Band // half-day asked for

	Earliest  workday.Date // first day the lead time allows (INS-605)
	Limit     workday.Date // limit date (INS-612), zero for none
	PastLimit bool         // a supervisor may go beyond it

	Vehicle, Room *Pool  // nil: none needed
	Away          []Span // when the applicant cannot
	HalfDay       int    // visits the centre takes in a half-day, 0 = no limit
	Centre        []Span // the centre's other visits
}

// Day is one calendar day at the organising centre. Hours are opening blocks,
// given for closed days, too. What lies outside 06:00–22:00 is not searched.
type Day struct {
	Date  workday.Date
	Open  bool // a working day
	Hours workday.Hours
}

// Band is a half-day. A visit belongs to the one in which it starts (house
// rule): before noon or not.
type Band string

// The bands a window may ask for.
const (
	Any       Band = "any"
	Morning   Band = "am"
	Afternoon Band = "pm"
)

// Department is a required department. A department that counts heads has
// teams for people (SIM-11): Teams makes the lack of one read team_full.
type Department struct {
	ID, Division  string
	Min           int // people who must come (INS-504)
	Before, After int // buffers around a visit in minutes (INS-505)
	Base          int // minutes between its base and the site (INS-506)
	Closed        []workday.Date
	Teams         bool
	People        []Person
}

// Person is an inspector, or a team. Until is the last day of the certificate,
// zero for no end (INS-209).
type Person struct {
	ID          string
	Unqualified bool
	Until       workday.Date
	Recused     bool
	Away        []Span // leave and times off the pattern
	Engaged     []Engagement
	PerDay      int // visits a day, 0 = no limit
	Load        int // visits in the last ten working days
}

// Engagement is a time a person is taken. Travel is minutes between it and the
// site asked about, either way; 0 for an imported busy time, which has no place
// (PLN-205). Held is another clerk's live slot hold.
type Engagement struct {
	Span
	Travel int
	Held   bool
	Visit  bool // counts against PerDay and brings its own buffers; an imported busy time does not
}

// Pool is vehicles or rooms of which one must be free (INS-502). An optional
// one is named if it is free and blocks nothing.
type Pool struct {
	Units    []Unit
	Optional bool
}

// Unit is one vehicle or room. A room's engagements need no travel.
type Unit struct {
	ID      string
	Engaged []Engagement
}

// Span is a half-open piece of time.
type Span struct{ From, To time.Time }

// Code says why a start is not offered; the hard rules of INS-502.
type Code string

// The hard rules in the order in which the first that fails is named.
const (
	NotWorkday    Code = "not_workday"
	DeptClosed    Code = "dept_closed"
	OutsideHours  Code = "outside_hours"
	Lunch         Code = "lunch"
	OtherBand     Code = "band"
	LeadTime      Code = "lead_time"
	PastLimit     Code = "past_limit"
	NotQualified  Code = "not_qualified"
	Recused       Code = "recused"
	OnLeave       Code = "on_leave"
	Busy          Code = "busy"
	DayFull       Code = "day_full"
	TeamFull      Code = "team_full"
	Buffer        Code = "buffer"
	Travel        Code = "travel"
	NoVehicle     Code = "no_vehicle"
	NoRoom        Code = "no_room"
	ApplicantAway Code = "applicant_away"
	Reserved      Code = "reserved"
	CentreFull    Code = "centre_full"
)

// Offer is a start at which everyone can come, with the people named.
// AddedTravel is minutes, both ways, over all of them.
type Offer struct {
	Start       time.Time           `json:"start"`
	Date        workday.Date        `json:"date"`
	People      map[string][]string `json:"people"` // department → inspectors
	Vehicle     string              `json:"vehicle,omitempty"`
	Room        string              `json:"room,omitempty"`
	AddedTravel int                 `json:"added_travel"`
	Load        int                 `json:"load"`
	PastLimit   bool                `json:"past_limit,omitempty"`
}
