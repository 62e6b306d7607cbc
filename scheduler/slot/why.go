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
func (r *Rows) Why(start time.Time) Reason {
	at := r.find(workday.DateOf(start))
	if at < 0 {
		return Reason{Code: NotWorkday}
	}
	return r.judge(at, at+1).why(at, r.days[at].bit(start))
}

// find gives the index of a date among the days, or -1.
func (r *Rows) find(date workday.Date) int {
	return slices.IndexFunc(r.days, func(d day) bool { return d.Date == date })
}

// bit is the bit of an offered start, or -1.
func (d day) bit(start time.Time) int {
	after := start.Sub(instant(d.zero))
	if after < 0 || after%(step*time.Minute) != 0 {
		return -1
	}
	return int(after / (grain * time.Minute))
}

// judge knows, for some days in a row, how far each group gets through the
// layers.
type judge struct {
	*Rows
	first  int
	enough [][][layers]row // by group and day
}

func (r *Rows) judge(from, to int) judge {
	j := judge{Rows: r, first: from}
	s := newSheet(r.days[from:to])
	for g := range r.groups {
		j.enough = append(j.enough, r.groups[g].enough(s, r.p.Minutes/grain))
	}
	return j
}

// why goes through the hard rules in the order of INS-502.
func (j judge) why(day, i int) Reason {
	if why := j.calendar(day, i); why.Code != "" {
		return why
	}
	for l := qualified; l < unreserved; l++ {
		for _, g := range j.departments() {
			if why := j.lacks(g, l, day, i); why.Code != "" {
				return why
			}
		}
	}
	for g := len(j.p.Departments); g < len(j.groups); g++ {
		if why := j.lacks(g, reachable, day, i); why.Code != "" {
			return why
		}
	}
	for _, g := range j.order {
		if why := j.lacks(g, unreserved, day, i); why.Code != "" {
			return why
		}
	}
	if !j.centre[day].has(i) {
		return Reason{Code: CentreFull}
	}
	return Reason{}
}

// calendar is the rules that ask nobody's time.
func (j judge) calendar(day, i int) Reason {
	d := j.days[day]
	if !d.Open {
		return Reason{Code: NotWorkday}
	}
	for _, g := range j.departments() {
		if j.groups[g].closedOn(d.Date) {
			return Reason{DeptClosed, j.groups[g].ID}
		}
	}
	if code := j.p.hoursCode(d, i); code != "" {
		return Reason{Code: code}
	}
	return Reason{Code: j.p.datesCode(d.Date)}
}

// hoursCode: what lies between opening and closing and yet in no block touches
// a break, and the break is lunch.
func (p Problem) hoursCode(d day, i int) Code {
	if p.inside(d).has(i) {
		if !p.Band.row().has(i) {
			return OtherBand
		}
		return ""
	}
	if open := d.open(); open.has(i) && open.has(i+p.Minutes/grain-1) {
		return Lunch
	}
	return OutsideHours
}

// lacks says whether a group has too few members at a layer, by itself.
func (j judge) lacks(g int, l layer, day, i int) Reason {
	group := &j.groups[g]
	if j.enough[g][day-j.first][l].has(i) {
		return Reason{}
	}
	code := layerCodes[l]
	switch {
	case group.lack != "" && l < unreserved:
		code = group.lack
	case group.Teams && (l == unoccupied || l == withinDay):
		code = TeamFull
	}
	return Reason{code, group.ID}
}
