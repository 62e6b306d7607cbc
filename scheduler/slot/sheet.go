package slot

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
	for i := s.first(p.from); i < len(s.days) && s.days[i].zero < p.to; i++ {
		s.taken[i][l] = s.taken[i][l].or(between(s.days[i].down(p.from), s.days[i].up(p.to)))
	}
}

// first is the first day that ends after a minute. At most one day begins in
// any 24 hours, so it is not after the guess.
func (s sheet) first(minute int) int {
	if len(s.days) == 0 {
		return 0
	}
	guess := 1 + floorDiv(minute-s.days[0].zero, 24*60)
	i := max(0, min(guess, len(s.days)))
	for i > 0 && s.days[i-1].minute(width) > minute {
		i--
	}
	return i
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
func (s sheet) fill(g *group, m *member) {
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
func (s sheet) limit(m *member) {
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
