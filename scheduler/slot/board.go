package slot

import (
	"time"

	"lianban/scheduler/workday"
)

// Cell is one start of one department on the booking board. Why is the first
// rule that stands against the department itself, or, where it could come, the
// first that stands against the start.
type Cell struct {
	Start  time.Time
	Free   int  // people who could come
	Enough bool // as many as are needed
	Common bool // every hard rule holds: an offer
	Why    Reason
}

// Board is a day as the booking board shows it: the starts between opening and
// closing, and for each department, as the problem has them, who could come
// then (STK-55).
func (r *Rows) Board(date workday.Date) (starts []time.Time, cells [][]Cell) {
	at := r.find(date)
	if at < 0 {
		return nil, nil
	}
	j, common := r.judge(at, at+1), r.common(at, nothing)
	cells = make([][]Cell, len(r.p.Departments))
	for i := range r.days[at].open().and(quarters()).all() {
		start := instant(r.days[at].minute(i))
		starts = append(starts, start)
		for g := range cells {
			c := Cell{Start: start, Common: common.has(i), Why: j.own(g, at, i)}
			for _, can := range r.groups[g].on(at) {
				if can.has(i) {
					c.Free++
				}
			}
			c.Enough = c.Free >= r.groups[g].Min
			cells[g] = append(cells[g], c)
		}
	}
	return starts, cells
}

// own is the first rule that stands against one department, or else the start.
func (j judge) own(g, day, i int) Reason {
	if j.calendar(day, i).Code == "" {
		for l := range layers {
			if why := j.lacks(g, l, day, i); why.Code != "" {
				return why
			}
		}
	}
	return j.why(day, i)
}
