package route

import (
	"math"
	"slices"
	"time"
)

// Make plans a round: every stop once, First at its head, stops without a point
// at its end, and in between the order that costs least (DEL-1302). A stop that
// cannot be in time is planned late, never left out (DEL-1304). The error is a
// [Flaws].
func Make(p Problem, o Options) (Plan, error) {
	if flaws := p.Check(); len(flaws) > 0 {
		return Plan{}, flaws
	}
	if o.Iterations == 0 {
		o.Iterations = EnoughFor(len(p.Stops))
	}
	t := tableOf(p)
	first := make([]int, len(p.First))
	for i, id := range p.First {
		first[i] = t.number(id)
	}
	order, cost := t.solve(first, o)
	free := cost
	if len(first) > 0 {
		if _, c := t.solve(nil, o); c.Points < free.Points {
			free = c
		}
	}
	return t.plan(order, len(first), Plan{Options: o, Cost: cost, Free: free}), nil
}

// solve gives the best order found with first at the head.
func (t *table) solve(first []int, o Options) (order []int, c Cost) {
	var known, lost []int
	for k := 1; k <= t.n; k++ {
		switch {
		case slices.Contains(first, k):
		case t.lost(k):
			lost = append(lost, k)
		default:
			known = append(known, k)
		}
	}
	var best []int
	c.Points = math.MaxInt
	for _, middle := range [][]int{t.inserted(first, known), t.nearest(t.last(first), known)} {
		begin := slices.Concat([]int{0}, first, middle, lost, []int{t.n + 1})
		if d := t.cost(begin); d.Points < c.Points {
			best, c = begin, d
		}
	}
	s := t.newSearch(best, 1+len(first), 1+len(first)+len(known), o.Seed)
	s.run(o.Iterations)
	return s.order, t.cost(s.order)
}

// last is where the courier stands after the first stops.
func (t *table) last(first []int) int {
	if len(first) == 0 {
		return 0
	}
	return first[len(first)-1]
}

// nearest orders stops by always going to the one that is nearest.
func (t *table) nearest(at int, stops []int) (order []int) {
	left := slices.Clone(stops)
	for len(left) > 0 {
		next := 0
		for i, k := range left {
			if t.way[at][k] < t.way[at][left[next]] {
				next = i
			}
		}
		at = left[next]
		order = append(order, at)
		left = slices.Delete(left, next, next+1)
	}
	return order
}

// inserted orders stops by putting one after the other, the most urgent first,
// where it costs least.
func (t *table) inserted(first, stops []int) []int {
	order := slices.Concat([]int{0}, first, []int{t.n + 1})
	for _, k := range stops {
		var best []int
		least := math.MaxInt
		for i := 1 + len(first); i < len(order); i++ {
			with := slices.Insert(slices.Clone(order), i, k)
			if c := t.cost(with); c.Points < least {
				best, least = with, c.Points
			}
		}
		order = best
	}
	return order[1+len(first) : len(order)-1]
}

// plan puts an order into words.
func (t *table) plan(order []int, kept int, p Plan) Plan {
	clock, at := 0, order[0]
	for i, k := range order[1 : t.n+1] {
		clock += t.way[at][k]
		one := Planned{
			ID: t.stops[k-1].ID, Arrive: t.instant(clock), Leave: t.instant(clock + t.hold[at][k]),
			Way: t.way[at][k], Metres: t.metres[at][k], Why: t.why(order, i+1, i < kept, p.Cost),
		}
		if clock > t.due[k] {
			one.Late = t.late(order, i+1, clock)
		}
		p.Stops = append(p.Stops, one)
		clock += t.hold[at][k]
		at = k
	}
	return p
}

func (t *table) instant(seconds int) time.Time {
	return t.begin.Add(time.Duration(seconds) * time.Second)
}

// late says why the stop at place i, reached after so many seconds, is late
// (DEL-1304).
func (t *table) late(order []int, i, clock int) Late {
	k := order[i]
	direct := t.way[0][k]
	l := Late{Code: NoTime, Seconds: clock - t.due[k], Earliest: t.instant(direct)}
	due := t.stops[k-1].Due
	switch {
	case due.IsZero() || !t.instant(clock).After(due):
		l.Code = ShiftEnd
	case t.due[k] > 0 && direct > t.due[k]:
		l.Code = TooFar
	}
	if direct <= t.due[k] {
		for _, ahead := range order[1:i] {
			l.Ahead = append(l.Ahead, t.stops[ahead-1].ID)
		}
	}
	return l
}

// why says what speaks for the stop at place i of an order. The search has tried
// to go to the nearer stop first, so it costs lateness or it costs way.
func (t *table) why(order []int, i int, kept bool, cost Cost) Why {
	switch {
	case kept:
		return Why{Code: Kept}
	case t.lost(order[i]):
		return Why{Code: NoPoint}
	}
	nearer := i
	for j := i + 1; j <= t.n; j++ {
		if !t.lost(order[j]) && t.way[order[i-1]][order[j]] < t.way[order[i-1]][order[nearer]] {
			nearer = j
		}
	}
	if nearer == i {
		return Why{Code: Nearest}
	}
	other := slices.Insert(slices.Delete(slices.Clone(order), nearer, nearer+1), i, order[nearer])
	with := t.cost(other)
	w := Why{Code: Shorter, Instead: t.stops[order[nearer]-1].ID, Seconds: with.Way - cost.Way}
	if with.Late > cost.Late || with.Behind > cost.Behind {
		w.Code = ForDue
	}
	return w
}
