package delivery

import (
	"slices"
	"time"

	"lianban/scheduler/route"
)

// roundStates are those in which a parcel is a stop to go to. One that failed,
// or was put off, waits for a decision first.
var roundStates = []ParcelState{ParcelHandedOver, ParcelOut, ParcelArrived}

// frozenStops stay where they are when a round is planned anew on the road: the
// courier is on the way to the first and has looked the second up (DEL-1306).
const frozenStops = 2

// What an arrival may be late by, four times in five: a quarter of the time until
// then, at least ten minutes. House rule until there are enough finished legs to
// learn from (PLN-308).
const (
	spreadShare = 4
	spreadLeast = 10 * time.Minute
)

// p80 is the arrival that four in five keep.
func p80(begin, arrive time.Time) time.Time {
	return arrive.Add(max(spreadLeast, arrive.Sub(begin)/spreadShare))
}

// Seconds at the door by what has to be done there (DEL-1301).
const (
	serviceUsual = 3 * 60
	serviceSeal  = 5 * 60 // card and signature are compared
)

// roundInput is what a round is planned from.
type roundInput struct {
	Parcels []Parcel // all open ones of the courier
	Classes map[string][]Class
	Begin   time.Time
	End     time.Time
	From    route.Point
	Pins    []Pin
	Before  []string // the order until now, empty at the start of a day
	Road    bool     // the courier is on the way
	Freeze  bool     // not when a person has just decided on the order
}

// problem is the round for the planner.
func (in roundInput) problem() route.Problem {
	p := route.Problem{Begin: in.Begin, From: in.From, End: in.End, Roads: route.DefaultRoads()}
	for _, one := range in.Parcels {
		if slices.Contains(roundStates, one.State) {
			p.Stops = append(p.Stops, one.stop(in.Classes[one.ID]))
		}
	}
	p.First = in.first()
	return p
}

// stop is a parcel as the planner sees it. A seal weighs double: who waits for it
// can do no business (DEL-1305).
func (p Parcel) stop(classes []Class) route.Stop {
	s := route.Stop{
		ID: p.ID, At: route.Point{Lat: p.Receiver.Lat, Lon: p.Receiver.Lon}, Place: p.Receiver.Address, Due: p.DueAt, Service: serviceUsual, Weight: 1,
	}
	if slices.Contains(classes, ClassSeal) {
		s.Service, s.Weight = serviceSeal, 2
	}
	return s
}

// first is what has to stay at the head: where the courier stands, what people
// put there, and on the road the next stops (DEL-1305, DEL-1306).
func (in roundInput) first() (ids []string) {
	goes := func(id string, states ...ParcelState) bool {
		return slices.ContainsFunc(in.Parcels, func(p Parcel) bool { return p.ID == id && slices.Contains(states, p.State) })
	}
	add := func(id string, states ...ParcelState) bool {
		if slices.Contains(ids, id) || !goes(id, states...) {
			return false
		}
		ids = append(ids, id)
		return true
	}
	for _, p := range in.Parcels {
		add(p.ID, ParcelArrived)
	}
	for _, pin := range in.Pins {
		add(pin.ParcelID, roundStates...)
	}
	if !in.Road || !in.Freeze {
		return ids
	}
	next := slices.DeleteFunc(slices.Clone(in.Before), func(id string) bool { return !goes(id, roundStates...) })
	for _, id := range next[:min(frozenStops, len(next))] {
		add(id, roundStates...)
	}
	return ids
}

// changesOf says what became of an order: what is new in it, what has left it,
// and the fewest stops that can be said to have moved (DEL-1306).
func changesOf(before, after []string) (out []RoundChange) {
	if len(before) == 0 {
		return nil
	}
	for i, id := range before {
		if !slices.Contains(after, id) {
			out = append(out, RoundChange{Kind: StopGone, ParcelID: id, From: i + 1})
		}
	}
	stayed := slices.DeleteFunc(slices.Clone(before), func(id string) bool { return !slices.Contains(after, id) })
	kept := longestCommon(stayed, after)
	for i, id := range after {
		switch from := slices.Index(stayed, id); {
		case from < 0:
			out = append(out, RoundChange{Kind: StopNew, ParcelID: id, To: i + 1})
		case !slices.Contains(kept, id):
			out = append(out, RoundChange{Kind: StopMoved, ParcelID: id, From: from + 1, To: i + 1})
		}
	}
	return out
}

// longestCommon is the longest row of ids that stands in both in the same order.
func longestCommon(a, b []string) []string {
	best := make([][][]string, len(a)+1)
	for i := range best {
		best[i] = make([][]string, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			switch {
			case a[i] == b[j]:
				best[i][j] = append([]string{a[i]}, best[i+1][j+1]...)
			case len(best[i+1][j]) >= len(best[i][j+1]):
				best[i][j] = best[i+1][j]
			default:
				best[i][j] = best[i][j+1]
			}
		}
	}
	return best[0][0]
}
