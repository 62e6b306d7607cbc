package route

import (
	"cmp"
	"math"
	"slices"
	"time"

	"lianban/scheduler/slot"
)

// table is a problem in whole numbers. Stop 0 is where the courier sets out,
// 1…n are the stops by due moment and id, so that the order of the input means
// nothing; n+1 is the open end of the round, which is no way from anywhere.
type table struct {
	n      int
	begin  time.Time
	stops  []Stop  // stops[k-1] is stop k
	way    [][]int // seconds
	metres [][]int
	hold   [][]int // seconds at the second when coming from the first
	due    []int   // seconds after begin, of the promise or of the shift's end
}

func tableOf(p Problem) *table {
	t := &table{n: len(p.Stops), begin: p.Begin.Truncate(time.Second), stops: slices.Clone(p.Stops)}
	slices.SortFunc(t.stops, func(a, b Stop) int { return cmp.Or(compareDue(a.Due, b.Due), cmp.Compare(a.ID, b.ID)) })
	places := []Stop{{At: p.From}}
	places = append(places, t.stops...)
	t.way, t.metres, t.hold = square(t.n+2), square(t.n+2), square(t.n+2)
	for i, a := range places {
		for j, b := range places {
			if i != j {
				t.way[i][j], t.metres[i][j] = p.Roads.leg(a, b)
				t.hold[i][j] = p.Roads.atDoor(a, b)
			}
		}
		t.due = append(t.due, t.deadline(a.Due, p.End))
	}
	return t
}

func square(n int) [][]int {
	all := make([][]int, n)
	for i := range all {
		all[i] = make([]int, n)
	}
	return all
}

// compareDue puts what has no due moment last.
func compareDue(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
}

// deadline is the earlier of two moments, either of which may be none.
func (t *table) deadline(due, end time.Time) int {
	if compareDue(end, due) < 0 {
		due = end
	}
	if due.IsZero() {
		return math.MaxInt
	}
	return int(due.Truncate(time.Second).Sub(t.begin) / time.Second)
}

// leg is the way between two stops: great circle × detour ÷ speed (DEL-1301),
// nothing at the same place, the default of the area if a point is missing.
func (r Roads) leg(a, b Stop) (seconds, metres int) {
	switch {
	case a.Place != "" && a.Place == b.Place:
		return 0, 0
	case a.At == slot.Point{} || b.At == slot.Point{}:
		return r.Unknown, 0
	}
	metres = int(math.Round(slot.Kilometres(a.At, b.At) * 1000 * r.Detour))
	return metres * 36 / (r.Speed * 10), metres
}

// atDoor is the time that a stop takes when coming from another (PLN-306).
func (r Roads) atDoor(from, at Stop) int {
	more := len(at.Also) * r.Further
	if at.Place != "" && at.Place == from.Place {
		return more + min(r.Further, at.Service)
	}
	return more + at.Service
}

// number finds a stop by its id.
func (t *table) number(id string) int {
	return 1 + slices.IndexFunc(t.stops, func(s Stop) bool { return s.ID == id })
}

func (t *table) lost(k int) bool { return t.stops[k-1].At == slot.Point{} }

// latePoints is what it costs to reach a stop so late (PLN-303): a promise is
// broken by a minute, and more minutes are worse.
func (t *table) latePoints(k, arrive int) int {
	if over := arrive - t.due[k]; over > 0 {
		return t.stops[k-1].Weight * (lateOnce + over*latePoint)
	}
	return 0
}

// cost goes along an order, which begins with 0 and ends with n+1.
func (t *table) cost(order []int) (c Cost) {
	clock, at := 0, order[0]
	for _, k := range order[1 : len(order)-1] {
		c.Way += t.way[at][k]
		clock += t.way[at][k]
		if over := clock - t.due[k]; over > 0 {
			c.Late++
			c.Behind += over
		}
		c.Points += t.way[at][k]*wayPoints + t.latePoints(k, clock)
		clock += t.hold[at][k]
		at = k
	}
	return c
}
