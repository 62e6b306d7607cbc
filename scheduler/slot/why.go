package slot

import (
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// Reason is the first hard rule that a start fails, and who fails it: a
// department, or empty where nobody in particular does.
type Reason struct {
	Code       Code   `json:"code"`
	Department string `json:"department,omitempty"`
}

// Why gives the first rule of INS-502 that a start fails, the zero Reason if
// none. It judges any of the problem's days, not only the dates asked for. Of
// a date beyond them nothing is known: not_workday. A start off the quarter
// hour is none (INS-507): outside_hours.
func (r *Rows) Why(start time.Time) (first Reason) {
	day := r.find(workday.DateOf(start))
	if day < 0 {
		return Reason{Code: NotWorkday}
	}
	i := r.days[day].bit(start)
	r.judge(day, day+1).sieve(day, between(i, i+1), func(why Reason, _ row) { first = why })
	return first
}

// find gives the index of a date among the days, or -1.
func (r *Rows) find(date workday.Date) int {
	return slices.IndexFunc(r.days, func(d day) bool { return d.Date == date })
}

// noStart is a bit off the quarter hour. It stands for everything that cannot
// be a start.
const noStart = 1

func (d day) bit(start time.Time) int {
	after := start.Sub(instant(d.zero))
	if i := int(after / (grain * time.Minute)); after >= 0 && after%(step*time.Minute) == 0 && i < width {
		return i
	}
	return noStart
}

// judge knows, for some days in a row, how far each group gets through the
// layers.
type judge struct {
	*Rows
	staff  []int           // the departments that are asked, in order
	first  int             // day
	enough [][][layers]row // by group and day
}

func (r *Rows) judge(from, to int) judge {
	j := judge{Rows: r, staff: r.order, first: from}
	s := newSheet(r.days[from:to])
	for g := range r.groups {
		j.enough = append(j.enough, r.groups[g].enough(s, r.p.Minutes/grain))
	}
	return j
}

// sieve lets the starts of a day through the hard rules in the order of
// INS-502, and tells of each rule the starts that fall there: those that no
// earlier rule has caught.
func (j judge) sieve(day int, starts row, caught func(Reason, row)) {
	pass := func(why Reason, through row) {
		if fallen := starts.minus(through); !fallen.empty() {
			caught(why, fallen)
		}
		starts = starts.and(through)
	}
	j.calendar(day, pass)
	for l := qualified; l < unreserved; l++ {
		for _, g := range j.staff {
			pass(j.lacks(g, l), j.enough[g][day-j.first][l])
		}
	}
	for _, g := range j.things() {
		pass(j.lacks(g, reachable), j.enough[g][day-j.first][reachable])
	}
	for _, g := range slices.Concat(j.staff, j.things()) {
		pass(j.lacks(g, unreserved), j.enough[g][day-j.first][unreserved])
	}
	if j.centre != nil {
		pass(Reason{Code: CentreFull}, j.centre[day])
	}
}

// calendar is the rules that ask nobody's time. What lies between opening and
// closing and yet in no block touches a break, and the break is lunch.
func (j judge) calendar(day int, pass func(why Reason, through row)) {
	d := j.days[day]
	if !d.Open {
		pass(Reason{Code: NotWorkday}, row{})
	}
	for _, g := range j.staff {
		if j.groups[g].closedOn(d.Date) {
			pass(Reason{DeptClosed, j.groups[g].ID}, row{})
		}
	}
	pass(Reason{Code: OutsideHours}, d.open().starts(j.p.Minutes/grain).and(quarters))
	pass(Reason{Code: Lunch}, j.p.inside(d))
	pass(Reason{Code: OtherBand}, j.p.Band.row())
	if code := j.p.datesCode(d.Date); code != "" {
		pass(Reason{Code: code}, row{})
	}
}

// things is the groups that are no departments.
func (r *Rows) things() (out []int) {
	for g := len(r.p.Departments); g < len(r.groups); g++ {
		out = append(out, g)
	}
	return out
}

// lacks is what it is called when a group has too few members at a layer.
func (j judge) lacks(g int, l layer) Reason {
	group := &j.groups[g]
	switch {
	case group.lack != "" && l < unreserved:
		return Reason{Code: group.lack}
	case group.Teams && (l == unoccupied || l == withinDay):
		return Reason{TeamFull, group.ID}
	}
	return Reason{layerCodes[l], group.ID}
}
