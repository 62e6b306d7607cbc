package slot

import (
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// Fits checks a choice again: named people and things at one start, in the
// problem's own dates or not. It gives the zero Reason when every hard rule
// holds for exactly these (INS-512, DEC-5). An id that the problem does not
// know is not_qualified.
func (r *Rows) Fits(start time.Time, chosen []string) Reason {
	q := r.p
	q.Days = nil
	if at := r.find(workday.DateOf(start)); at >= 0 {
		q.Days = r.p.Days[at : at+1]
	}
	if !q.keep(chosen) {
		return Reason{Code: NotQualified}
	}
	only := prepare(q)
	for g := range only.groups {
		group := &only.groups[g]
		group.Min = max(group.Min, len(group.members)) // whoever was chosen has to be free
	}
	return only.Why(start)
}

// keep leaves nobody in the problem but the chosen, as if there were no one
// else, and reports whether all of them were there.
func (p *Problem) keep(chosen []string) bool {
	known := map[string]bool{}
	kept := func(id string) bool {
		if !slices.Contains(chosen, id) {
			return false
		}
		known[id] = true
		return true
	}
	p.Departments = slices.Clone(p.Departments)
	for i := range p.Departments {
		d := &p.Departments[i]
		d.People = slices.DeleteFunc(slices.Clone(d.People), func(x Person) bool { return !kept(x.ID) })
	}
	for _, pool := range []**Pool{&p.Vehicle, &p.Room} {
		if *pool != nil {
			units := slices.DeleteFunc(slices.Clone((*pool).Units), func(u Unit) bool { return !kept(u.ID) })
			*pool = &Pool{Units: units, Optional: (*pool).Optional}
		}
	}
	return !slices.ContainsFunc(chosen, func(id string) bool { return !known[id] })
}
