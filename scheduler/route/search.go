package route

import (
	"math/rand/v2"
	"slices"
)

// search improves an order of the stops of a table. Its first so many places are
// fixed, as are those from end on.
type search struct {
	*table
	random     *rand.Rand
	fixed, end int   // the search moves what stands at fixed … end-1
	order      []int // with 0 in front and n+1 behind
	at         []int // where each stop stands
	leave      []int // by place: when the courier leaves it
	lateTo     []int // by place: points for lateness up to it
	points     int
	changed    []int  // what a move puts in place of a part of the order
	fresh      []int  // stops around which something has changed
	isFresh    []bool // by stop
	work       int    // stops that may still be looked at
}

// move takes the stops from…to-1 out of the order and puts them back at put of
// what is left, turned round if flip says so. A 2-opt turns a part in place, an
// Or-opt moves up to three stops, a kick changes two neighbouring parts.
type move struct {
	from, to, put int
	flip          bool
}

// longest is the number of stops that an Or-opt moves at most.
const longest = 3

// kickReach is how many stops a kick moves at most on either side: a change
// stays local and is soon mended.
const kickReach = 12

// workPerKick bounds a search by what it looks at as well, which is the same on
// every machine: where most stops of a long round are late, moves are costly to
// judge.
const workPerKick = 12_000

func (t *table) newSearch(order []int, fixed, end int, seed uint64) *search {
	s := &search{
		table: t, random: rand.New(rand.NewPCG(seed, uint64(t.n))), fixed: fixed, end: end,
		order: order, at: make([]int, t.n+2), leave: make([]int, t.n+2), lateTo: make([]int, t.n+2), isFresh: make([]bool, t.n+2),
	}
	s.recount(0)
	return s
}

// run is iterated local search (DEL-1302): kick the best order, mend it, keep it
// if it is no worse.
func (s *search) run(iterations int) {
	for _, k := range s.order[s.fixed:s.end] {
		s.mark(k)
	}
	s.work = workPerKick * max(1, iterations)
	s.improve()
	best, points := slices.Clone(s.order), s.points
	for range iterations {
		if s.end-s.fixed < 3 || s.work <= 0 {
			return
		}
		s.kick()
		s.improve()
		if s.points > points {
			copy(s.order, best)
			s.recount(0)
			continue
		}
		points = s.points
		copy(best, s.order)
	}
}

// recount brings what is kept beside the order up to date, from a place on.
func (s *search) recount(from int) {
	for i := max(1, from); i <= s.n; i++ {
		before, k := s.order[i-1], s.order[i]
		arrive := s.leave[i-1] + s.way[before][k]
		s.at[k], s.leave[i] = i, arrive+s.hold[before][k]
		s.lateTo[i] = s.lateTo[i-1] + s.latePoints(k, arrive)
	}
	way := 0
	for i := range s.n {
		way += s.way[s.order[i]][s.order[i+1]]
	}
	s.points = way*wayPoints + s.lateTo[s.n]
}

func (s *search) mark(k int) {
	if !s.isFresh[k] && k > 0 && k <= s.n {
		s.isFresh[k] = true
		s.fresh = append(s.fresh, k)
	}
}

// improve tries the moves around each stop where something has changed until
// none of them helps.
func (s *search) improve() {
	for len(s.fresh) > 0 {
		k := s.fresh[len(s.fresh)-1]
		s.fresh, s.isFresh[k] = s.fresh[:len(s.fresh)-1], false
		if i := s.at[k]; i >= s.fixed && i < s.end && s.work > 0 && (s.turn(i) || s.shift(i)) {
			s.mark(k)
		}
	}
}

// turn tries every 2-opt that begins or ends at i.
func (s *search) turn(i int) bool {
	for j := s.fixed; j < s.end; j++ {
		if j != i && s.better(move{min(i, j), max(i, j) + 1, min(i, j), true}) {
			return true
		}
	}
	return false
}

// shift tries every Or-opt of a part that begins or ends at i.
func (s *search) shift(i int) bool {
	for length := 1; length <= longest; length++ {
		if s.place(i, i+length) || length > 1 && s.place(i-length+1, i+1) {
			return true
		}
	}
	return false
}

// place tries to put a part anywhere else.
func (s *search) place(from, to int) bool {
	if from < s.fixed || to > s.end {
		return false
	}
	for put := s.fixed; put <= s.end-(to-from); put++ {
		if put == from {
			continue
		}
		if s.better(move{from, to, put, false}) || to-from > 1 && s.better(move{from, to, put, true}) {
			return true
		}
	}
	return false
}

// better makes a move if it pays. Lateness cannot fall below zero, so a move
// that saves less of it than it adds to the way is not looked at further
// (PLN-802).
func (s *search) better(m move) bool {
	s.work -= 2
	allowed := s.lateTo[s.n] - s.added(m)*wayPoints
	if allowed <= 0 {
		return false
	}
	at := s.build(m)
	if s.late(at, allowed) >= allowed {
		return false
	}
	s.accept(m, at)
	return true
}

// added is how many seconds a move adds to the way.
func (s *search) added(m move) int {
	first, last := s.order[m.from], s.order[m.to-1]
	before, after := s.order[m.from-1], s.order[m.to]
	left, right := s.rest(m, m.put-1), s.rest(m, m.put)
	taken := s.way[before][first] + s.way[last][after] - s.way[before][after]
	if m.flip {
		first, last = last, first
	}
	return s.way[left][first] + s.way[last][right] - s.way[left][right] - taken
}

// rest is what stands at i once the part of a move has been taken out.
func (s *search) rest(m move, i int) int {
	if i >= m.from {
		i += m.to - m.from
	}
	return s.order[i]
}

// build writes into changed what a move puts in place of a part of the order,
// and gives the place where that begins.
func (s *search) build(m move) (at int) {
	part := s.order[m.from:m.to]
	if m.put > m.from {
		s.changed = append(s.changed[:0], s.order[m.to:m.put+len(part)]...)
		s.changed = append(s.changed, part...)
		if m.flip {
			slices.Reverse(s.changed[m.put-m.from:])
		}
		return m.from
	}
	s.changed = append(s.changed[:0], part...)
	if m.flip {
		slices.Reverse(s.changed)
	}
	s.changed = append(s.changed, s.order[m.put:m.from]...)
	return m.put
}

// late gives the points for lateness with changed at a place of the order, or
// something not below allowed as soon as it is clear that they reach it. Behind
// the change every stop is reached by the same time sooner or later than before;
// if later, nothing there gets better.
func (s *search) late(at, allowed int) int {
	points, clock, before := s.lateTo[at-1], s.leave[at-1], s.order[at-1]
	next := at + len(s.changed)
	s.work -= len(s.changed)
	for i := at; i <= s.n; i++ {
		k := s.order[i]
		if i < next {
			k = s.changed[i-at]
		}
		clock += s.way[before][k]
		points += s.latePoints(k, clock)
		clock += s.hold[before][k]
		if points >= allowed || i >= next && clock >= s.leave[i] && points+s.lateTo[s.n]-s.lateTo[i] >= allowed {
			return allowed
		}
		if i >= next {
			s.work--
		}
		before = k
	}
	return points
}

// accept makes a move whose change begins at a place. The stops on both sides of
// each leg that is new or gone are looked at again.
func (s *search) accept(m move, at int) {
	for _, k := range []int{
		s.order[m.from-1], s.order[m.from], s.order[m.to-1], s.order[m.to], s.rest(m, m.put-1), s.rest(m, m.put),
	} {
		s.mark(k)
	}
	copy(s.order[at:], s.changed)
	s.recount(at)
}

// kick changes two neighbouring parts of the order, whatever it costs.
func (s *search) kick() {
	room := s.end - s.fixed
	from := s.fixed + s.random.IntN(room-1)
	a := 1 + s.random.IntN(min(kickReach, s.end-from-1))
	b := 1 + s.random.IntN(min(kickReach, s.end-from-a))
	m := move{from, from + a, from + b, false}
	s.accept(m, s.build(m))
}
