package delivery

import (
	"time"

	"lianban/scheduler/workday"
)

// PromiseResult says how a Promise stands (DEL §7.5).
type PromiseResult string

// The results. The first four go into figures once due has passed; running and
// paused are promises still open, none is a parcel without one.
const (
	ResultMet      PromiseResult = "met"
	ResultMissed   PromiseResult = "missed"
	ResultPending  PromiseResult = "pending"  // handed over in time, proof not yet verified
	ResultExcluded PromiseResult = "excluded" // ended in time at the applicant's will
	ResultRunning  PromiseResult = "running"
	ResultPaused   PromiseResult = "paused"
	ResultNone     PromiseResult = "none"
)

// PromiseAct is a hand-over at the door or the window, as the log has it.
type PromiseAct struct {
	Counts   time.Time `json:"counts"`            // the time that counts: effective, or received for quality C
	Claimed  time.Time `json:"claimed,omitzero"`  // what the device said
	Quality  Quality   `json:"quality"`           // an accepted C counts by its claimed time
	Verified time.Time `json:"verified,omitzero"` // when the last required proof was; zero is not yet
}

// PromiseFacts are what a result follows from, and nothing else: a note or an
// address never changes it (DEL-741).
type PromiseFacts struct {
	Pauses   []Pause
	HandOver PromiseAct // zero while there is none
	Attempt  time.Time  // of a correct attempt that found nobody, the time that counts
	Ended    time.Time  // withdrawn, or refused or returned at the applicant's will
}

// PromiseVerdict is the result and what stands beside it.
type PromiseVerdict struct {
	Result          PromiseResult `json:"result"`
	Due             time.Time     `json:"due,omitzero"`          // after pauses; zero while one is open
	PausedSince     time.Time     `json:"paused_since,omitzero"` // of an open pause
	AttemptedInTime bool          `json:"attempted_in_time,omitempty"`
	IfAccepted      PromiseResult `json:"if_accepted,omitempty"` // by the claimed time of a C that nobody accepted, if it differs
	HandOver        PromiseAct    `json:"hand_over,omitzero"`
}

// Judge gives the result at an instant from the facts alone. c is the calendar
// of CalendarVersion. A hand-over at the very due moment is in time (DEL-710).
func (p Promise) Judge(c *workday.Calendar, f PromiseFacts, now time.Time) (PromiseVerdict, error) {
	if p.Due.IsZero() {
		return PromiseVerdict{Result: ResultNone, HandOver: f.HandOver}, nil
	}
	due, since, err := p.DueAfter(c, f.Pauses)
	if err != nil {
		return PromiseVerdict{}, err
	}
	v := PromiseVerdict{Due: due, PausedSince: since, HandOver: f.HandOver}
	act := f.HandOver
	switch {
	case !act.Counts.IsZero():
		if v.Result, err = p.judgeAct(c, act, v, now); err != nil {
			return PromiseVerdict{}, err
		}
		if act.Quality == QualityC && !act.Claimed.IsZero() { // both results are shown (DEL-512)
			act.Counts = act.Claimed
			if v.IfAccepted, err = p.judgeAct(c, act, v, now); err != nil {
				return PromiseVerdict{}, err
			}
			if v.IfAccepted == v.Result {
				v.IfAccepted = ""
			}
		}
	case v.inTime(f.Ended):
		v.Result = ResultExcluded
	case due.IsZero():
		v.Result = ResultPaused
	case now.After(due):
		v.Result = ResultMissed
	default:
		v.Result = ResultRunning
	}
	v.AttemptedInTime = v.Result == ResultMissed && v.inTime(f.Attempt)
	return v, nil
}

// inTime reports whether t is no later than due; an open pause has no due yet.
func (v PromiseVerdict) inTime(t time.Time) bool {
	return !t.IsZero() && (v.Due.IsZero() || !t.After(v.Due))
}

// judgeAct counts the act's own time, also when its proof is verified later. A
// hand-over that is still unproven when the hall closes on the last of the days
// given for it is a missed promise, and stays one.
func (p Promise) judgeAct(c *workday.Calendar, act PromiseAct, v PromiseVerdict, now time.Time) (PromiseResult, error) {
	if !v.inTime(act.Counts) {
		return ResultMissed, nil
	}
	day, err := c.Add(workday.DateOf(act.Counts), p.Terms.UnverifiedDays)
	if err != nil {
		return "", err
	}
	limit := p.Terms.Hall.Closes(day)
	switch {
	case !act.Verified.IsZero() && !act.Verified.After(limit):
		return ResultMet, nil
	case now.After(limit):
		return ResultMissed, nil
	}
	return ResultPending, nil
}

// PromiseColour is the light on the board.
type PromiseColour string

// The colours.
const (
	ColourGreen PromiseColour = "green"
	ColourAmber PromiseColour = "amber"
	ColourRed   PromiseColour = "red"
)

// handOverGrace is what a courier may be late at the window before the board
// turns amber (DEL §7.5).
const handOverGrace = 15 * time.Minute

// PromiseMarks are the instants at which an open parcel changes colour. They
// change only with pauses and runs, so a board can keep them and compare
// (DEL-740). All are zero while there is no due moment.
type PromiseMarks struct {
	Due        time.Time `json:"due,omitzero"`
	HandOverBy time.Time `json:"hand_over_by,omitzero"` // amber from here on if no courier has it
	ArriveBy   time.Time `json:"arrive_by,omitzero"`    // amber if the predicted P80 is later
}

// Marks gives the instants for the pauses and the planned collection run, which
// is zero if none is planned. c is the calendar of CalendarVersion.
func (p Promise) Marks(c *workday.Calendar, pauses []Pause, run time.Time) (PromiseMarks, error) {
	due, _, err := p.DueAfter(c, pauses)
	if err != nil || due.IsZero() {
		return PromiseMarks{}, err
	}
	latest, err := c.SubMinutes(due, p.Terms.AmberHandOver, p.Terms.Delivery)
	if err != nil {
		return PromiseMarks{}, err
	}
	return PromiseMarks{
		Due:        due,
		HandOverBy: laterTime(latest, run).Add(handOverGrace),
		ArriveBy:   due.Add(-time.Duration(p.Terms.AmberETA) * time.Minute),
	}, nil
}

// Progress is how far an open parcel has come.
type Progress struct {
	HandedOver bool      // a courier has it
	Done       bool      // delivered or collected, also if not yet verified
	P80        time.Time // predicted arrival that four in five keep; zero is no prediction
}

// Colour gives the light at an instant.
func (m PromiseMarks) Colour(now time.Time, at Progress) PromiseColour {
	switch {
	case m.Due.IsZero() || at.Done:
		return ColourGreen
	case now.After(m.Due):
		return ColourRed
	case at.P80.After(m.ArriveBy), !at.HandedOver && !now.Before(m.HandOverBy):
		return ColourAmber
	}
	return ColourGreen
}
