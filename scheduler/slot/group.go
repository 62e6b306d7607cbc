package slot

import (
	"cmp"
	"slices"

	"lianban/scheduler/workday"
)

// layer is how much of what stands against a person is taken into account. A
// later layer includes all earlier ones, in the order of INS-502.
type layer int

const (
	qualified layer = iota
	unrecused
	present
	unoccupied
	withinDay
	buffered
	reachable
	unreserved
	layers
)

var layerCodes = [layers]Code{NotQualified, Recused, OnLeave, Busy, DayFull, Buffer, Travel, Reserved}

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
	for _, m := range g.members {
		for i := range m.stays {
			if lack == NoRoom {
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
	for j, m := range g.members {
		s.fill(g, m)
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
	for j, m := range g.members {
		s.fill(g, m)
		for i := range s.days {
			var taken, starts row
			for l, more := range s.taken[i] {
				if l == 0 || !more.empty() {
					taken = taken.or(more)
					starts = full.minus(taken).starts(grains)
				}
				at(i, layer(l))[j] = starts
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

// sheet is what takes the time of one member on some days, layer by layer. One
// is used for all members in turn.
type sheet struct {
	days  []day
	taken [][layers]row
}

func newSheet(days []day) sheet { return sheet{days, make([][layers]row, len(days))} }

// ever is after every day that will be searched.
const ever = 1 << 40

// mark sets, on every day it touches, the grains that a piece of time touches:
// rounded outward, so that a minute of overlap takes its grain (INS-507).
func (s sheet) mark(l layer, p piece) {
	first, _ := slices.BinarySearchFunc(s.days, p.from, func(d day, from int) int { return cmp.Compare(d.minute(width), from+1) })
	for i := first; i < len(s.days) && s.days[i].zero < p.to; i++ {
		s.taken[i][l].set(s.days[i].down(p.from), s.days[i].up(p.to))
	}
}

// free is the time that no layer takes.
func (s sheet) free(day int) row {
	var taken row
	for l := range s.taken[day] {
		taken = taken.or(s.taken[day][l])
	}
	return full.minus(taken)
}

// fill writes down what stands against a member of a group.
func (s sheet) fill(g *group, m member) {
	clear(s.taken)
	if m.Unqualified {
		s.mark(qualified, piece{0, ever})
	}
	if !m.Until.IsZero() { // INS-209: active on the day
		s.mark(qualified, piece{minuteAt(m.Until.AddDays(1).Midnight()), ever})
	}
	if m.Recused {
		s.mark(unrecused, piece{0, ever})
	}
	for _, away := range m.Away {
		s.mark(present, away.piece())
	}
	for _, e := range m.stays {
		s.engage(g, e)
	}
	if m.PerDay > 0 {
		s.limit(m)
	}
	if g.Base > 0 {
		s.commute(g.Base)
	}
}

// engage marks an engagement, then the buffers on both sides of it, then the
// way from it and to it; buffer and way may pass at the same time (INS-505,
// INS-506). A hold weighs the same, but is named last.
func (s sheet) engage(g *group, e stay) {
	before, after := g.After, g.Before // minutes free on either side of e
	if e.visit {                       // it wants its own buffers, too
		before, after = max(before, after), max(before, after)
	}
	if e.held {
		s.mark(unreserved, e.widened(max(before, e.travel), max(after, e.travel)))
		return
	}
	s.mark(unoccupied, e.piece)
	s.mark(buffered, e.widened(before, after))
	s.mark(reachable, e.widened(e.travel, e.travel))
}

// limit takes the days on which a member has all the visits of a day (INS-507).
func (s sheet) limit(m member) {
	for i, d := range s.days {
		visits, held := 0, 0
		for _, e := range m.on(d) {
			switch {
			case e.visit && e.held:
				held++
			case e.visit:
				visits++
			}
		}
		switch {
		case visits >= m.PerDay:
			s.taken[i][withinDay] = full
		case visits+held >= m.PerDay:
			s.taken[i][unreserved] = full
		}
	}
}

// commute takes the first and the last leg of the day: nobody leaves the base
// before opening, and everyone is back at closing (INS-506, PLN-205). The way
// may use the midday break.
func (s sheet) commute(base int) {
	for _, d := range s.days {
		if n := len(d.Hours); n > 0 {
			s.mark(reachable, piece{d.midnight(), d.midnight() + d.Hours[0].From + base})
			s.mark(reachable, piece{d.midnight() + d.Hours[n-1].To - base, d.midnight() + 24*60})
		}
	}
}

// on is the engagements that begin on a day.
func (m member) on(d day) []stay {
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
func (g *group) legs(m member, d day, start, grains int) int {
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
