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
	p.Stops = doors(in.Parcels, in.Classes)
	p.First = in.first(p.Stops)
	return p
}

// doors are the places that a courier goes to: what is for one address is one stop,
// that of its most urgent parcel, with the earliest due moment and the heaviest
// weight (DEL-1031).
func doors(parcels []Parcel, classes map[string][]Class) (out []route.Stop) {
	for _, p := range parcels {
		if !slices.Contains(roundStates, p.State) {
			continue
		}
		s := p.stop(classes[p.ID])
		i := slices.IndexFunc(out, func(o route.Stop) bool { return s.Place != "" && o.Place == s.Place })
		if i < 0 {
			out = append(out, s)
			continue
		}
		door := &out[i]
		door.Also = append(door.Also, s.ID)
		door.Service, door.Weight = max(door.Service, s.Service), max(door.Weight, s.Weight)
		if door.Due.IsZero() || !s.Due.IsZero() && s.Due.Before(door.Due) {
			door.Due = s.Due
		}
		if door.At == (route.Point{}) {
			door.At = s.At
		}
	}
	return out
}

// thingsOf are the parcels of a stop, the one that it goes by first.
func thingsOf(s route.Stop) []string { return append([]string{s.ID}, s.Also...) }

// doorOf is the stop that a parcel belongs to, nothing if it is of none.
func doorOf(stops []route.Stop, parcelID string) string {
	i := slices.IndexFunc(stops, func(s route.Stop) bool { return slices.Contains(thingsOf(s), parcelID) })
	if i < 0 {
		return ""
	}
	return stops[i].ID
}

// renamed is an order of stops by the names that they have now: a door goes by
// another parcel once the one it went by has left.
func renamed(before, now []route.Stop, order []string) (ids []string) {
	for _, id := range order {
		i := slices.IndexFunc(before, func(s route.Stop) bool { return s.ID == id })
		for _, thing := range thingsOf(before[i]) {
			if door := doorOf(now, thing); door != "" {
				id = door
				break
			}
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
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
func (in roundInput) first(stops []route.Stop) (ids []string) {
	add := func(parcelID string) {
		if door := doorOf(stops, parcelID); door != "" && !slices.Contains(ids, door) {
			ids = append(ids, door)
		}
	}
	for _, p := range in.Parcels {
		if p.State == ParcelArrived {
			add(p.ID)
		}
	}
	for _, pin := range in.Pins {
		add(pin.ParcelID)
	}
	if !in.Road || !in.Freeze {
		return ids
	}
	next := slices.DeleteFunc(slices.Clone(in.Before), func(id string) bool { return doorOf(stops, id) == "" })
	for _, id := range next[:min(frozenStops, len(next))] {
		add(id)
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
