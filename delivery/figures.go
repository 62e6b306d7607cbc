package delivery

import (
	"cmp"
	"slices"

	"lianban/scheduler/workday"
)

// Figures say how a centre delivered, by the day on which promises were due. They
// come from the effective time of events and the result of the promise, never
// from when a row was edited, and each has its denominator (DEL-1501).
type Figures struct {
	CentreID string       `json:"centre_id"`
	From     workday.Date `json:"from"`
	To       workday.Date `json:"to"`

	Parcels  int   `json:"parcels"` // with a promise due in these days
	OnTime   Share `json:"on_time"` // met of met and missed
	Excluded int   `json:"excluded"`
	Pending  int   `json:"pending"`
	Open     int   `json:"open"`      // not yet due, or paused
	Doubtful int   `json:"quality_c"` // of those in OnTime, handed over at a time of quality C

	FirstTry   Share           `json:"first_try"`  // delivered at the first try, of parcels with one
	Unverified Share           `json:"unverified"` // without full proof, of all handed over
	Dwell      Spread          `json:"window_dwell"`
	Lag        []DepartmentLag `json:"department_lag"`
	Failures   []FailureCount  `json:"failures"`
	Qualities  []QualityCount  `json:"qualities"`
	Couriers   []CourierShare  `json:"couriers"`
	Few        int             `json:"few"` // parcels of couriers with fewer than five
	Ratings    []RatingCount   `json:"ratings"`
	CallBacks  CallBackCount   `json:"call_backs"`

	Tries   TryFigures     `json:"tries"`
	Settle  SettleFigures  `json:"settle"`
	Custody CustodyFigures `json:"custody"`
}

// fewest is how many parcels a courier must have to be shown apart: fewer say
// nothing about work and much about a person (DEL-1501).
const fewest = 5

// Share is so many of so many.
type Share struct {
	Part int `json:"part"`
	Of   int `json:"of"`
}

// Tenths is the share in tenths of a percent, rounded; 0 of nothing.
func (s Share) Tenths() int {
	if s.Of == 0 {
		return 0
	}
	return (s.Part*2000 + s.Of) / (2 * s.Of)
}

// Spread is where half and four fifths of what was counted lie.
type Spread struct {
	N       int `json:"n"`
	Unknown int `json:"unknown"`
	Median  int `json:"median"`
	P80     int `json:"p80"`
}

// DepartmentLag is days from a decision to its paper at the window.
type DepartmentLag struct {
	DepartmentID string `json:"department_id"`
	Department   string `json:"department"`
	Spread
}

// FailureCount is how often a first try ended so.
type FailureCount struct {
	Outcome Outcome `json:"outcome"`
	Fault   Fault   `json:"fault"`
	N       int     `json:"n"`
}

// QualityCount is how many hand-overs have a time of a quality.
type QualityCount struct {
	Quality Quality `json:"quality"`
	N       int     `json:"n"`
}

// CourierShare is one courier's part of the promises.
type CourierShare struct {
	CourierID string `json:"courier_id"`
	Courier   string `json:"courier"`
	OnTime    Share  `json:"on_time"`
	FirstTry  Share  `json:"first_try"`
}

// RatingCount is how many cases got a level.
type RatingCount struct {
	Level Level `json:"level"`
	N     int   `json:"n"`
}

// CallBackCount is what became of low ratings (DEL-1206).
type CallBackCount struct {
	Low    int `json:"low"`
	InTime int `json:"in_time"`
	Late   int `json:"late"`
}

// parcelGroup is parcels that count alike.
type parcelGroup struct {
	CourierID     string
	State         ParcelState
	Result        PromiseResult
	Attempts      int
	ClosedQuality Quality
	FailedFirst   Outcome
	FailedFault   Fault
	N             int
	Due           int // of these, how many are past their due moment
}

// settled gives the group with what ran out untouched as missed, and the rest.
func (g parcelGroup) settled() []parcelGroup {
	if g.Result != ResultRunning || g.Due == 0 {
		return []parcelGroup{g}
	}
	late, open := g, g
	late.Result, late.N, open.N = ResultMissed, g.Due, g.N-g.Due
	return []parcelGroup{late, open}
}

// counted is so many things with one value; Known is false where there is none.
type counted struct {
	DepartmentID, Department string
	Value                    int
	Known                    bool
	N                        int
}

// figureFacts is all that figures follow from.
type figureFacts struct {
	Groups    []parcelGroup
	Dwell     []counted
	Lag       []counted
	Ratings   []RatingCount
	CallBacks CallBackCount
}

// figures counts.
func (in figureFacts) figures() (f Figures) {
	byCourier := map[string]*CourierShare{}
	var groups []parcelGroup
	for _, g := range in.Groups {
		groups = append(groups, g.settled()...)
	}
	for _, g := range groups {
		f.count(g)
		if g.CourierID == "" {
			continue
		}
		c := byCourier[g.CourierID]
		if c == nil {
			c = &CourierShare{CourierID: g.CourierID}
			byCourier[g.CourierID] = c
		}
		c.OnTime.add(g.onTime())
		c.FirstTry.add(g.firstTry())
	}
	for _, c := range byCourier {
		if c.OnTime.Of < fewest {
			f.Few += c.OnTime.Of
			continue
		}
		if c.FirstTry.Of < fewest {
			c.FirstTry = Share{}
		}
		f.Couriers = append(f.Couriers, *c)
	}
	slices.SortFunc(f.Couriers, func(a, b CourierShare) int { return cmp.Compare(a.CourierID, b.CourierID) })
	slices.SortFunc(f.Failures, func(a, b FailureCount) int {
		return cmp.Or(b.N-a.N, cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Fault, b.Fault))
	})
	slices.SortFunc(f.Qualities, func(a, b QualityCount) int { return cmp.Compare(a.Quality, b.Quality) })
	f.Dwell = spreadOf(in.Dwell)
	f.Lag, f.Ratings, f.CallBacks = lags(in.Lag), in.Ratings, in.CallBacks
	return f
}

// count adds a group to the figures of the centre.
func (f *Figures) count(g parcelGroup) {
	f.Parcels += g.N
	f.OnTime.add(g.onTime())
	f.FirstTry.add(g.firstTry())
	switch g.Result {
	case ResultExcluded:
		f.Excluded += g.N
	case ResultPending:
		f.Pending += g.N
	case ResultRunning, ResultPaused:
		f.Open += g.N
	}
	if g.onTime().Of > 0 && g.ClosedQuality == QualityC {
		f.Doubtful += g.N
	}
	if g.State == ParcelDelivered || g.State == ParcelUnverified {
		f.Unverified.Of += g.N
		if g.State == ParcelUnverified {
			f.Unverified.Part += g.N
		}
		if g.ClosedQuality != "" {
			tally(&f.Qualities, func(q QualityCount) bool { return q.Quality == g.ClosedQuality }, QualityCount{Quality: g.ClosedQuality}, func(q *QualityCount) { q.N += g.N })
		}
	}
	if g.FailedFirst != "" {
		same := func(c FailureCount) bool { return c.Outcome == g.FailedFirst && c.Fault == g.FailedFault }
		tally(&f.Failures, same, FailureCount{Outcome: g.FailedFirst, Fault: g.FailedFault}, func(c *FailureCount) { c.N += g.N })
	}
}

// tally adds to the row that is the same, or to a new one.
func tally[T any](rows *[]T, same func(T) bool, fresh T, add func(*T)) {
	i := slices.IndexFunc(*rows, same)
	if i < 0 {
		*rows, i = append(*rows, fresh), len(*rows)
	}
	add(&(*rows)[i])
}

// onTime is the group's part of the on-time rate: pending, excluded and open
// promises have none.
func (g parcelGroup) onTime() Share {
	switch g.Result {
	case ResultMet:
		return Share{g.N, g.N}
	case ResultMissed:
		return Share{0, g.N}
	}
	return Share{}
}

// firstTry is the group's part of the first-attempt rate.
func (g parcelGroup) firstTry() Share {
	switch {
	case g.Attempts == 0:
		return Share{}
	case g.Attempts == 1 && g.State == ParcelDelivered:
		return Share{g.N, g.N}
	}
	return Share{0, g.N}
}

func (s *Share) add(o Share) { s.Part, s.Of = s.Part+o.Part, s.Of+o.Of }

// spreadOf finds median and P80 among values that are counted: the smallest value
// that half, or four fifths, do not pass.
func spreadOf(rows []counted) (s Spread) {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b counted) int { return cmp.Compare(a.Value, b.Value) })
	for _, r := range rows {
		if r.Known {
			s.N += r.N
		} else {
			s.Unknown += r.N
		}
	}
	reach := func(share int) int {
		seen := 0
		for _, r := range rows {
			if r.Known {
				if seen += r.N; seen*100 >= s.N*share {
					return r.Value
				}
			}
		}
		return 0
	}
	s.Median, s.P80 = reach(50), reach(80)
	return s
}

// lags gives the spread of each department, the slowest first.
func lags(rows []counted) (out []DepartmentLag) {
	of := map[string][]counted{}
	for _, r := range rows {
		of[r.DepartmentID] = append(of[r.DepartmentID], r)
	}
	for id, all := range of {
		out = append(out, DepartmentLag{DepartmentID: id, Department: all[0].Department, Spread: spreadOf(all)})
	}
	slices.SortFunc(out, func(a, b DepartmentLag) int {
		return cmp.Or(b.Median-a.Median, b.P80-a.P80, cmp.Compare(a.DepartmentID, b.DepartmentID))
	})
	return out
}
