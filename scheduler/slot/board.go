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
	day := r.find(date)
	if day < 0 {
		return nil, nil
	}
	j, common := r.judge(day, day+1), r.common(nothing)[day]
	shown := r.days[day].open().and(quarters)
	for i := range shown.all() {
		starts = append(starts, instant(r.days[day].minute(i)))
	}
	cells = make([][]Cell, len(r.p.Departments))
	for g := range cells {
		why := j.reasons(g, day, shown)
		for i := range shown.all() {
			c := Cell{Start: instant(r.days[day].minute(i)), Common: common.has(i), Why: why[i]}
			for _, can := range r.groups[g].on(day) {
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

// reasons is, by bit, the first rule that stands against one department by
// itself, or else the first that stands against the start.
func (j judge) reasons(g, day int, starts row) (out [width]Reason) {
	note := func(why Reason, caught row) {
		for i := range caught.all() {
			if out[i].Code == "" {
				out[i] = why
			}
		}
	}
	alone := j
	alone.staff = []int{g}
	alone.sieve(day, starts, note)
	j.sieve(day, starts, note)
	return out
}
