package slot

import (
	"cmp"
	"slices"
	"time"
)

// What common may leave out, beside the index of a group.
const (
	nothing   = -1
	theCentre = -2
)

// common is, by day, the starts that no hard rule forbids, seen without one
// group, or the centre's limit, or nothing left out.
func (r *Rows) common(without int) []row {
	out := slices.Clone(r.frames)
	for g := range r.groups {
		if g != without {
			r.groups[g].join(out)
		}
	}
	if without != theCentre {
		for day, open := range r.centre {
			out[day] = out[day].and(open)
		}
	}
	return out
}

// join keeps the starts at which enough of the group can come. All days of one
// group lie side by side, so this is what the time of a search goes into.
func (g *group) join(out []row) {
	n := len(g.members)
	if n == 1 && g.Min == 1 { // nothing to count
		for day, only := range g.rows[:len(out)] {
			out[day] = out[day].and(only)
		}
		return
	}
	for day := range out {
		if !out[day].empty() {
			out[day] = out[day].and(atLeast(g.Min, g.rows[day*n:day*n+n]))
		}
	}
}

// Starts gives every start that is offered, in order, in UTC.
func (r *Rows) Starts() []time.Time {
	common, n := r.common(nothing), 0
	for _, starts := range common {
		n += starts.count()
	}
	out := make([]time.Time, 0, n)
	for day, starts := range common {
		for i := range starts.all() {
			out = append(out, instant(r.days[day].minute(i)))
		}
	}
	return out
}

// Search gives the best offers, at most limit of them (0: all): by day, then
// added travel, then load (INS-508, SIM-10); ties by start. Whom it names does
// not depend on the order of the problem either.
func (r *Rows) Search(limit int) []Offer { return r.best(limit, r.common(nothing)) }

// best ranks the starts of one day after the other until it has enough.
func (r *Rows) best(limit int, starts []row) []Offer {
	var out []Offer
	for day := range r.days {
		for _, c := range r.rank(day, starts[day]) {
			if limit > 0 && len(out) == limit {
				return out
			}
			out = append(out, r.offer(day, c))
		}
	}
	return out
}

// cost is what the starts of one day are ranked by.
type cost struct{ start, travel, load int }

func (r *Rows) rank(day int, starts row) []cost {
	var out []cost
	var free []choice
	for i := range starts.all() {
		c := cost{start: i}
		for g := range r.groups {
			free = r.choose(free[:0], &r.groups[g], day, i)
			if r.groups[g].lack == "" { // a vehicle goes the people's way
				for _, who := range free {
					c.travel, c.load = c.travel+who.travel, c.load+who.Load
				}
			}
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b cost) int {
		return cmp.Or(cmp.Compare(a.travel, b.travel), cmp.Compare(a.load, b.load), cmp.Compare(a.start, b.start))
	})
	return out
}

// choice is a member who could come.
type choice struct {
	*member
	travel int
}

// choose appends those whom an offer names: of the free members those with the
// least added travel, then the least load, then by id.
func (r *Rows) choose(free []choice, g *group, day, start int) []choice {
	for j, can := range g.on(day) {
		if can.has(start) {
			m := &g.members[j]
			free = append(free, choice{m, g.legs(m, r.days[day], start, r.p.Minutes/grain)})
		}
	}
	slices.SortFunc(free, func(a, b choice) int {
		return cmp.Or(cmp.Compare(a.travel, b.travel), cmp.Compare(a.Load, b.Load), cmp.Compare(a.ID, b.ID))
	})
	return free[:min(g.named, len(free))]
}

func (r *Rows) offer(day int, c cost) Offer {
	d := r.days[day]
	o := Offer{
		Start: instant(d.minute(c.start)), Date: d.Date, People: make(map[string][]string, len(r.p.Departments)),
		AddedTravel: c.travel, Load: c.load, PastLimit: r.p.pastLimit(d.Date),
	}
	var free []choice
	for g := range r.groups {
		group := &r.groups[g]
		free = r.choose(free[:0], group, day, c.start)
		ids := make([]string, len(free))
		for i, who := range free {
			ids[i] = who.ID
		}
		switch {
		case group.lack == "":
			o.People[group.ID] = ids
		case group.lack == NoVehicle && len(ids) > 0:
			o.Vehicle = ids[0]
		case group.lack == NoRoom && len(ids) > 0:
			o.Room = ids[0]
		}
	}
	return o
}
