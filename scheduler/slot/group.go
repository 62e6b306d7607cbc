package slot

import (
	"cmp"
	"slices"

	"lianban/scheduler/workday"
)

// group is people or things of whom some must be free at a time. Vehicles,
// rooms and the applicant are searched like a department of which one has to
// come.
type group struct {
	Department
	lack    Code // what it is called when none is free; "" for a department
	named   int  // how many an offer names
	members []member
	rows    []row // by day and member: the starts at which the member can come
}

// member is a person or a thing, its engagements in order of time.
type member struct {
	Person
	stays []stay
}

// stay is an engagement.
type stay struct {
	piece
	travel      int
	held, visit bool
}

// piece is a piece of time in minutes since 1970, half-open.
type piece struct{ from, to int }

// piece rounds outward; of an empty or inverted span nothing is left.
func (s Span) piece() piece {
	if !s.From.Before(s.To) {
		return piece{}
	}
	return piece{minuteAt(s.From), minuteBy(s.To)}
}

func (p piece) widened(before, after int) piece { return piece{p.from - before, p.to + after} }

func (p Problem) groups() []group {
	var out []group
	for _, d := range p.Departments {
		out = append(out, newGroup(d))
	}
	if p.Vehicle != nil {
		out = append(out, p.Vehicle.group(NoVehicle))
	}
	if p.Room != nil {
		out = append(out, p.Room.group(NoRoom))
	}
	if len(p.Away) > 0 {
		applicant := newGroup(Department{Min: 1, People: []Person{{Away: p.Away}}})
		applicant.lack, applicant.named = ApplicantAway, 0
		out = append(out, applicant)
	}
	return out
}

func newGroup(d Department) group {
	g := group{Department: d, named: d.Min}
	for _, p := range d.People {
		m := member{Person: p}
		for _, e := range p.Engaged {
			if time := e.piece(); time != (piece{}) {
				m.stays = append(m.stays, stay{time, e.Travel, e.Held, e.Visit})
			}
		}
		slices.SortFunc(m.stays, func(a, b stay) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.travel, b.travel))
		})
		g.members = append(g.members, m)
	}
	return g
}

func (p *Pool) group(lack Code) group {
	d := Department{Min: 1}
	for _, u := range p.Units {
		d.People = append(d.People, Person{ID: u.ID, Engaged: u.Engaged})
	}
	g := newGroup(d)
	g.lack = lack
	if p.Optional {
		g.Min = 0
	}
	if lack == NoRoom { // a room stays where it is
		for _, m := range g.members {
			for i := range m.stays {
				m.stays[i].travel = 0
			}
		}
	}
	return g
}

// on is the rows of a day, one for each member.
func (g *group) on(day int) []row {
	n := len(g.members)
	return g.rows[day*n : day*n+n]
}

// prepare makes the members' rows; on a day on which the department is closed
// they are empty.
func (g *group) prepare(s sheet, grains int) {
	n := len(g.members)
	g.rows = make([]row, len(s.days)*n)
	for j := range g.members {
		s.fill(g, &g.members[j])
		for i, d := range s.days {
			if !g.closedOn(d.Date) {
				g.rows[i*n+j] = s.free(i).starts(grains)
			}
		}
	}
}

// enough is, by day and layer, the starts at which enough members can come, as
// far as that layer sees.
func (g *group) enough(s sheet, grains int) [][layers]row {
	n := len(g.members)
	can := make([]row, len(s.days)*int(layers)*n)
	at := func(i int, l layer) []row { return can[(i*int(layers)+int(l))*n:][:n] }
	for j := range g.members {
		s.fill(g, &g.members[j])
		for i := range s.days {
			var taken, starts row
			for l := range layers {
				if more := s.taken[i][l]; l == qualified || !more.empty() {
					taken = taken.or(more)
					starts = full.minus(taken).starts(grains)
				}
				at(i, l)[j] = starts
			}
		}
	}
	out := make([][layers]row, len(s.days))
	for i := range out {
		for l := range layers {
			out[i][l] = atLeast(g.Min, at(i, l))
		}
	}
	return out
}

// on is the engagements that begin on a day.
func (m *member) on(d day) []stay {
	from, _ := slices.BinarySearchFunc(m.stays, d.midnight(), func(e stay, at int) int { return cmp.Compare(e.from, at) })
	to := from
	for to < len(m.stays) && m.stays[to].from < d.midnight()+24*60 {
		to++
	}
	return m.stays[from:to]
}

// legs is the way to a visit and on from it, in minutes: from the member's
// visit before it on that day or else the base, to the visit after it or else
// the base (INS-506).
func (g *group) legs(m *member, d day, start, grains int) int {
	there, back := g.Base, g.Base
	for _, e := range m.on(d) {
		if e.visit && e.to <= d.minute(start) {
			there = e.travel
		}
		if e.visit && e.from >= d.minute(start+grains) {
			back = e.travel
			break
		}
	}
	return there + back
}

// closedOn reports whether the department is closed on a date.
func (g *group) closedOn(d workday.Date) bool { return slices.Contains(g.Closed, d) }
