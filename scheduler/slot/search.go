package slot

import (
	"cmp"
	"slices"
	"time"

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

// Rows is a problem made ready: the starts of every person on every day.
type Rows struct {
	p      Problem
	frames []row      // by day: starts inside the hours asked for
	people [][][]row  // by department, day, person
	free   [2][][]row // vehicle and room: by day, unit; nil without the pool
	rest   []row      // by day: starts the applicant and the centre allow
	seen   map[workday.Date]int
}

// Prepare makes the rows of a problem. The error is for a caller's mistake: a
// length off the grain, hours outside 06:00–22:00.
func Prepare(p Problem) (*Rows, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	r := &Rows{p: p, seen: map[workday.Date]int{}}
	for i, day := range p.Days {
		r.seen[day.Date] = i
		r.frames = append(r.frames, p.frame(day, p.Band).and(p.dates(day)))
		r.rest = append(r.rest, p.applicantRow(day).and(p.centreRow(day)))
	}
	for _, d := range p.Departments {
		r.people = append(r.people, p.departmentRows(d, unreserved))
	}
	for i, pool := range []*Pool{p.Vehicle, p.Room} {
		if pool != nil {
			r.free[i] = p.poolRows(pool)
		}
	}
	return r, nil
}

// frame is the starts of a day from which the visit lies inside one opening
// block and the half-day asked for.
func (p Problem) frame(day Day, band Band) (out row) {
	if !day.Open {
		return out
	}
	n := p.Minutes / grain
	for _, block := range day.Hours {
		var open row
		open.set(-floorDiv(-(block.From-firstMinute), grain), floorDiv(block.To-firstMinute, grain))
		for w, bits := range open.starts(n) {
			out[w] |= bits
		}
	}
	return out.and(p.band(band)).and(stepRow)
}

// band: the morning is what ends by noon.
func (p Problem) band(band Band) (out row) {
	noon := (12*60 - firstMinute) / grain
	switch band {
	case Morning:
		out.set(0, noon-p.Minutes/grain+1)
	case Afternoon:
		out.set(noon, width)
	default:
		out.set(0, width)
	}
	return out
}

// stepRow has the starts that are offered: every quarter of an hour.
var stepRow = func() (out row) {
	for i := 0; i < width; i += step / grain {
		out.set(i, i+1)
	}
	return out
}()

// dates is everything on a day inside the dates asked for, the lead time and
// the limit, and nothing outside.
func (p Problem) dates(day Day) (out row) {
	d := day.Date
	if d.Before(p.From) || p.To.Before(d) || d.Before(p.Earliest) || p.Limit.Before(d) && !p.PastLimit {
		return out
	}
	out.set(0, width)
	return out
}

func (p Problem) departmentRows(d Department, upTo layer) [][]row {
	out := make([][]row, len(p.Days))
	flat := make([]row, len(p.Days)*len(d.People))
	for i, day := range p.Days {
		out[i], flat = flat[:len(d.People):len(d.People)], flat[len(d.People):]
		if slices.Contains(d.Closed, day.Date) {
			continue
		}
		for j, person := range d.People {
			out[i][j] = p.personRow(day.Date, d, person, upTo)
		}
	}
	return out
}

// personRow is the starts at which a person could come, seen up to a layer.
func (p Problem) personRow(day workday.Date, d Department, person Person, upTo layer) (out row) {
	if person.Unqualified || upTo >= unrecused && person.Recused {
		return out
	}
	if upTo >= withinDay && person.full(day, upTo >= unreserved) {
		return out
	}
	out.set(0, width)
	if upTo >= present {
		for _, s := range person.Away {
			out = out.minus(s.blocked(day, 0, 0))
		}
	}
	for _, e := range person.Engaged {
		if upTo >= unoccupied && (!e.Held || upTo >= unreserved) {
			out = out.minus(e.blockedFor(day, d, upTo))
		}
	}
	return out.starts(p.Minutes / grain)
}

// blockedFor is what an engagement takes: itself, then the buffers on both
// sides, then the way there and back (INS-505, INS-506).
func (e Engagement) blockedFor(day workday.Date, d Department, upTo layer) row {
	before, after := 0, 0 // minutes free before and after the engagement
	if upTo >= buffered {
		before, after = d.After, d.Before
	}
	if upTo >= reachable {
		before, after = max(before, e.Travel), max(after, e.Travel)
	}
	return e.blocked(day, before, after)
}

// full: the daily limit counts visits (INS-507).
func (p Person) full(day workday.Date, withHeld bool) bool {
	if p.PerDay == 0 {
		return false
	}
	n := 0
	for _, e := range p.Engaged {
		if e.Visit && (withHeld || !e.Held) && workday.DateOf(e.From) == day {
			n++
		}
	}
	return n >= p.PerDay
}

func (p Problem) poolRows(pool *Pool) [][]row {
	out := make([][]row, len(p.Days))
	for i, day := range p.Days {
		for _, unit := range pool.Units {
			var free row
			free.set(0, width)
			for _, e := range unit.Engaged {
				free = free.minus(e.blocked(day.Date, e.Travel, e.Travel))
			}
			out[i] = append(out[i], free.starts(p.Minutes/grain))
		}
	}
	return out
}

func (p Problem) applicantRow(day Day) (out row) {
	out.set(0, width)
	for _, s := range p.Away {
		out = out.minus(s.blocked(day.Date, 0, 0))
	}
	return out.starts(p.Minutes / grain)
}

// centreRow leaves out the half-days in which the centre has all the visits it
// takes.
func (p Problem) centreRow(day Day) (out row) {
	out.set(0, width)
	if p.HalfDay == 0 {
		return out
	}
	noon := day.Date.At(12 * 60)
	var am, pm int
	for _, s := range p.Centre {
		if workday.DateOf(s.From) == day.Date {
			if s.From.Before(noon) {
				am++
			} else {
				pm++
			}
		}
	}
	if am >= p.HalfDay {
		out = out.minus(Span{day.Date.Midnight(), noon}.blocked(day.Date, 0, 0))
	}
	if pm >= p.HalfDay {
		out = out.minus(Span{noon, day.Date.AddDays(1).Midnight()}.blocked(day.Date, 0, 0))
	}
	return out
}

// Search gives the best offers, at most limit of them (0: all): by day, then
// added travel, then load (INS-508, SIM-10); ties by start and people's ids,
// so that the order is the same every time.
func (r *Rows) Search(limit int) []Offer {
	var out []Offer
	for day := range r.p.Days {
		starts := r.common(day, -1)
		if starts.empty() {
			continue
		}
		out = append(out, r.offers(day, starts)...)
		if limit > 0 && len(out) >= limit {
			return out[:limit]
		}
	}
	return out
}

// common is the starts of a day that no hard rule forbids; without is a
// department to leave out, or -1.
func (r *Rows) common(day, without int) row {
	out := r.frames[day]
	for d := range r.people {
		if out.empty() {
			return out
		}
		if d != without {
			out = out.and(atLeast(r.p.Departments[d].Min, r.people[d][day]))
		}
	}
	for _, pool := range r.free {
		if pool != nil {
			out = out.and(union(pool[day]))
		}
	}
	return out.and(r.rest[day])
}

func (r *Rows) offers(day int, starts row) []Offer {
	var out []Offer
	starts.each(func(i int) bool {
		out = append(out, r.offer(day, i))
		return true
	})
	slices.SortStableFunc(out, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.AddedTravel, b.AddedTravel), cmp.Compare(a.Load, b.Load), a.Start.Compare(b.Start))
	})
	return out
}

// offer names the people: of each department those with the least added
// travel, then the least load, then by id.
func (r *Rows) offer(day, start int) Offer {
	date := r.p.Days[day].Date
	o := Offer{Start: startOf(date, start).UTC(), Date: date, People: map[string][]string{}, PastLimit: r.p.Limit.Before(date)}
	for d, department := range r.p.Departments {
		var free []choice
		for j, person := range department.People {
			if r.people[d][day][j].has(start) {
				free = append(free, choice{person.ID, person.added(o.Start, r.p.Minutes), person.Load})
			}
		}
		slices.SortFunc(free, func(a, b choice) int {
			return cmp.Or(cmp.Compare(a.travel, b.travel), cmp.Compare(a.load, b.load), cmp.Compare(a.id, b.id))
		})
		for _, c := range free[:department.Min] {
			o.People[department.ID] = append(o.People[department.ID], c.id)
			o.AddedTravel += c.travel
			o.Load += c.load
		}
	}
	o.Vehicle, o.Room = r.unit(0, day, start), r.unit(1, day, start)
	return o
}

type choice struct {
	id           string
	travel, load int
}

// added is the way to the site from the engagement before it on that day and
// to the one after it.
func (p Person) added(start time.Time, minutes int) int {
	end := start.Add(time.Duration(minutes) * time.Minute)
	day := workday.DateOf(start)
	var before, after *Engagement
	for i, e := range p.Engaged {
		if workday.DateOf(e.From) != day {
			continue
		}
		if !e.To.After(start) && (before == nil || e.To.After(before.To)) {
			before = &p.Engaged[i]
		}
		if !e.From.Before(end) && (after == nil || e.From.Before(after.From)) {
			after = &p.Engaged[i]
		}
	}
	sum := 0
	for _, e := range []*Engagement{before, after} {
		if e != nil {
			sum += e.Travel
		}
	}
	return sum
}

func (r *Rows) unit(pool, day, start int) string {
	if r.free[pool] == nil {
		return ""
	}
	units := r.p.Vehicle
	if pool == 1 {
		units = r.p.Room
	}
	for j, u := range units.Units {
		if r.free[pool][day][j].has(start) {
			return u.ID
		}
	}
	return ""
}
